namespace Dolmen.Evaluation;

/// <summary>A mean with its standard error, s/√n.</summary>
internal static class MeanScore
{
    /// <summary>Nothing where there was no item to measure.</summary>
    public static IEnumerable<EvaluationScore> Of(
        IReadOnlyList<double> values, string task, string metric, string filter = EvaluationScore.AllItems)
    {
        if (values.Count == 0) return [];
        var mean = values.Average();
        double? error = values.Count > 1
            ? Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1) / values.Count)
            : null;
        return [new EvaluationScore(task, metric, filter, mean, error, values.Count, HigherIsBetter: true)];
    }
}
