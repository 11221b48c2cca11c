using System.Diagnostics;

namespace Dolmen.Inference;

/// <summary>How long a model takes over one sentence.</summary>
public static class SentenceTiming
{
    private const int Repeats = 3;

    /// <summary>Medians of three, after one pass that is not counted. Reading takes in all tokens at once, writing one after another.</summary>
    /// <param name="first">What stands before the sentence's first token, such as that which opens a text.</param>
    /// <returns>Null where the context does not hold the sentence.</returns>
    public static (double Prefill, double Decode)? Measure(LanguageModel model, int first, ReadOnlySpan<int> tokens, CancellationToken stop = default)
    {
        if (tokens.IsEmpty || tokens.Length + 1 > model.Config.ContextLength) return null;
        int[] prompt = [first, .. tokens];
        var logits = new float[model.Config.VocabSize];
        var (prefill, decode) = (new double[Repeats], new double[Repeats]);
        for (var repeat = -1; repeat < Repeats; repeat++)
        {
            stop.ThrowIfCancellationRequested();
            using DecodeState read = model.NewState(prompt.Length), written = model.NewState(prompt.Length);
            var started = Stopwatch.GetTimestamp();
            model.Prefill(prompt, read, logits);
            var reading = Stopwatch.GetElapsedTime(started).TotalSeconds;
            model.Prefill(prompt.AsSpan(0, 1), written, logits);
            started = Stopwatch.GetTimestamp();
            foreach (var token in tokens) model.Step(token, written, logits);
            if (repeat >= 0) (prefill[repeat], decode[repeat]) = (reading, Stopwatch.GetElapsedTime(started).TotalSeconds);
        }
        Array.Sort(prefill);
        Array.Sort(decode);
        return (prefill[Repeats / 2], decode[Repeats / 2]);
    }
}
