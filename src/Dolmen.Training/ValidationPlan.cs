namespace Dolmen.Training;

/// <summary>How often and on how much a run is validated: what the recipe asks for, but no more than a twentieth of the run's time. It
/// follows from counts of tokens alone, never from a clock, so that a run that is repeated or continued validates at the same
/// steps.</summary>
/// <param name="Count">Validations spread over the run, the last at its end.</param>
/// <param name="Tokens">Held-out tokens each looks at; the same ones every time, so that its losses can be compared.</param>
/// <param name="SamplesOften">Whether every validation writes a sample; otherwise only the last one does.</param>
internal sealed record ValidationPlan(int Count, int Tokens, bool SamplesOften)
{
    /// <summary>A validation runs forward only, a third of training's work, but each document is a row of its own with padding, and the
    /// rows are not shared out among threads: a token was measured to cost about two thirds of one in training. A sixteenth of the tokens
    /// is then a twenty-fourth of the time, and leaves room for the sample and the last checkpoint.</summary>
    private const int TrainingTokensPerToken = 16;

    /// <summary>Fewer held-out tokens than this say little.</summary>
    private const int LeastTokens = 8192;

    /// <summary>A sample's passes are short and of one row: each of their tokens costs as much as several of a batch.</summary>
    private const int SampleTokenCost = 8;

    /// <param name="trainingTokens">Of the whole run, padding included.</param>
    public static ValidationPlan Of(TrainingRecipe training, long trainingTokens)
    {
        var budget = trainingTokens / TrainingTokensPerToken;
        var wanted = Math.Max(1, training.Validations);
        var least = Math.Min(LeastTokens, training.ValidationTokens);
        var tokens = (int)Math.Clamp(budget / wanted, least, training.ValidationTokens);
        var count = (int)Math.Clamp(budget / tokens, 1, wanted);
        // Without a cache, the pass for each new token goes over all tokens before it.
        var sample = (long)training.SampleTokens * (training.SamplePrompt.Length / 4 + training.SampleTokens / 2) * SampleTokenCost;
        return new ValidationPlan(count, tokens, sample * count <= budget / 2);
    }
}
