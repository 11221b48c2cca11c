using System.Diagnostics;

namespace Dolmen.Inference;

/// <summary>How long a model takes over one sentence.</summary>
internal static class SentenceTiming
{
    private const int Repeats = 5;

    /// <summary>Seconds, the least of five passes after one that is not counted: whatever else the machine does only adds. Reading takes in
    /// all tokens at once, writing one after another.</summary>
    /// <param name="first">What stands before the sentence's first token, such as that which opens a text.</param>
    /// <returns>Null where the context does not hold the sentence.</returns>
    public static (double Prefill, double Decode)? Measure(
        LanguageModel model,
        int first,
        ReadOnlySpan<int> tokens,
        CancellationToken stop = default
    )
    {
        if (tokens.IsEmpty || tokens.Length + 1 > model.Config.ContextLength) return null;
        int[] prompt = [first, .. tokens];
        var logits = new float[model.Config.VocabSize];
        var (prefill, decode) = (double.MaxValue, double.MaxValue);
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
            var writing = Stopwatch.GetElapsedTime(started).TotalSeconds;
            if (repeat >= 0) (prefill, decode) = (Math.Min(prefill, reading), Math.Min(decode, writing));
        }
        return (prefill, decode);
    }
}
