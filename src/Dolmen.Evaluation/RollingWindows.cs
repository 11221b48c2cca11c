using System.Runtime.InteropServices;

namespace Dolmen.Evaluation;

/// <summary>A window of a long sequence: all of <see cref="Tokens"/> is looked at, those from <see cref="From"/> on are scored.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ScoringWindow(Range Tokens, int From);

/// <summary>Splits a sequence longer than the context so that every token but the first is predicted exactly once, disjoint windows as
/// lm-eval's <c>loglikelihood_rolling</c>: the last one reaches back to fill the context.</summary>
internal static class RollingWindows
{
    /// <param name="length">Tokens of the sequence, its first (never predicted) one included.</param>
    /// <param name="contextLength">Tokens a model can be fed.</param>
    public static IEnumerable<ScoringWindow> Of(int length, int contextLength)
    {
        for (var predicted = 1; predicted < length;)
        {
            var end = Math.Min(length, predicted + contextLength);
            var start = Math.Min(predicted - 1, Math.Max(0, end - 1 - contextLength));
            yield return new ScoringWindow(start..end, predicted - start);
            predicted = end;
        }
    }
}
