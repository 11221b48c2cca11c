using Dolmen.Inference;

namespace Dolmen.Serving;

/// <summary>OpenAI's <c>best_of</c>: of several answers to a prompt those with the highest log-probability per token, the one that ended
/// the answer included.</summary>
internal static class BestOf
{
    /// <summary>The number of answers of each prompt to choose from.</summary>
    /// <exception cref="ApiErrorException">Fewer than are asked for, or a stream, which cannot be chosen from.</exception>
    public static int Read(RequestFields fields, int choices, bool stream, int most)
    {
        if (fields.Integer("best_of", 1, most) is not { } candidates) return choices;
        if (candidates < choices)
            throw ApiErrorException.Invalid($"'best_of' is {candidates} and 'n' is {choices}: it must be at least 'n'.", "best_of");
        if (stream && candidates > choices)
        {
            throw ApiErrorException.Invalid("'best_of' cannot be streamed, for the best answers are known at the end: leave out 'stream', "
                + "or set 'best_of' to 'n'.", "best_of");
        }
        return (int)candidates;
    }

    /// <summary>The best <paramref name="choices"/> of every <paramref name="candidates"/> answers, the best first, the earlier first of
    /// equals.</summary>
    public static IReadOnlyList<GenerationResult> Choose(IReadOnlyList<GenerationResult> results, int candidates, int choices) =>
        candidates == choices ? results
            : [.. results.Chunk(candidates).SelectMany(ofPrompt => ofPrompt.OrderByDescending(MeanLogprob).Take(choices))];

    private static double MeanLogprob(GenerationResult result) =>
        result.Logprobs.Count == 0 ? double.NegativeInfinity : result.Logprobs.Average(token => token.Logprob ?? 0);
}
