using System.Runtime.InteropServices;

namespace Dolmen.Evaluation;

/// <summary>A rate with the standard error of its mean, √(p(1−p)/(n−1)), as lm-eval's <c>mean_stderr</c>.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Proportion(int Hits, int Count)
{
    public static Proportion Of<T>(IReadOnlyCollection<T> items, Func<T, bool> hit) => new(items.Count(hit), items.Count);

    public double? Rate => Count == 0 ? null : (double)Hits / Count;

    public double? Stderr => Rate is { } p && Count > 1 ? Math.Sqrt(p * (1 - p) / (Count - 1)) : null;

    /// <summary>Nothing where there was no item to count.</summary>
    public IEnumerable<EvaluationScore> Score(
        string task, string metric, int shots = 0, string filter = EvaluationScore.AllItems, bool higherIsBetter = true) =>
        Rate is { } rate ? [new EvaluationScore(task, metric, filter, rate, Stderr, Count, higherIsBetter) { Shots = shots }] : [];
}
