using System.Text;

namespace Dolmen.Evaluation;

/// <summary>Results for people: one row a model, one column a score that any of them has.</summary>
public sealed class EvaluationTable
{
    private readonly List<(string Task, string Key)> _columns;
    private readonly IReadOnlyList<(string Name, EvaluationResult Result)> _models;

    public EvaluationTable(IReadOnlyList<(string Name, EvaluationResult Result)> models)
    {
        _models = models;
        var scores = models.SelectMany(model => model.Result.Scores).Where(score => score is { HigherIsBetter: not null, IsDetail: false })
            .DistinctBy(Column).ToList();
        _columns = [.. scores.Select(Column)];
        Titles = [.. scores.Select(score => scores.Count(other => other.Title == score.Title) == 1
            ? score.Title : $"{score.Task}: {score.Title}")];
    }

    public IReadOnlyList<string> Titles { get; }

    /// <summary>The row of a model: as many cells as there are titles.</summary>
    public IReadOnlyList<string> Cells(int model) =>
        [.. _columns.Select(column => _models[model].Result.Scores.FirstOrDefault(score => Column(score) == column) is { } score
            ? Rate(score) : "–")];

    /// <summary>The table, how it was measured, and the first model against the last on the same questions.</summary>
    public static string Markdown(IReadOnlyList<(string Name, EvaluationResult Result)> models)
    {
        var (text, table) = (new StringBuilder(), new EvaluationTable(models));
        text.Append("| model | ").AppendJoin(" | ", table.Titles).Append(" |\n|---|")
            .Insert(text.Length, "---:|", table.Titles.Count).Append('\n');
        for (var i = 0; i < models.Count; i++) text.Append($"| {models[i].Name} | ").AppendJoin(" | ", table.Cells(i)).Append(" |\n");
        if (models.Count == 0) return text.ToString();

        var last = models[^1].Result;
        text.Append($"\n± is one standard error. {Counts(last)}; seed {last.Seed}.\n");
        if (models.Count > 1)
        {
            foreach (var task in last.QuestionResults.Select(question => question.Task).Distinct())
                AppendComparison(text, models[0], models[^1], task);
        }
        foreach (var (name, result) in models)
        {
            foreach (var warning in result.Warnings) text.Append($"\nNote on {name}: {warning}\n");
        }
        return text.ToString();
    }

    /// <summary>How many items each task measured, and the figures that are not scores: "multiple-choice: n 1000".</summary>
    public static string Counts(EvaluationResult result) => string.Join("; ", result.Scores.GroupBy(score => score.Task).Select(task =>
    {
        var figures = task.Where(score => score.HigherIsBetter is null).Select(score => $", {score.Value:0.##} {score.Metric}");
        return $"{task.Key}: n {string.Join(" and ", task.Select(score => score.Count).Distinct())}{string.Concat(figures)}";
    }));

    private static (string Task, string Key) Column(EvaluationScore score) => (score.Task, score.Key);

    private static void AppendComparison(
        StringBuilder text, (string Name, EvaluationResult Result) first, (string Name, EvaluationResult Result) last, string task)
    {
        var paired = PairedComparison.Of(first.Result, last.Result, task);
        if (paired.Questions == 0) return;
        text.Append($"\n{first.Name} → {last.Name}, acc_norm of {task}, paired: " +
            $"{paired.Difference:+0.000;-0.000;0.000} over {paired.Questions} questions " +
            $"({paired.OnlySecond} gained, {paired.OnlyFirst} lost; McNemar exact p {Probability(paired.P)}).\n");
    }

    private static string Rate(EvaluationScore score) =>
        score.StandardError is { } error ? $"{score.Value:0.000} ± {error:0.000}" : $"{score.Value:0.000}";

    private static string Probability(double p) => p < 0.001 ? "< 0.001" : $"= {p:0.000}";
}
