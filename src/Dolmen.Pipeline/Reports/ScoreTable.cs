using System.Globalization;
using System.Text;
using Dolmen.Artifacts.Reports;
using Dolmen.Evaluation;
using static Dolmen.Artifacts.Reports.HtmlPage;

namespace Dolmen.Pipeline.Reports;

/// <summary>Every score of every model: a row a score below its task, a column a stage.</summary>
internal static class ScoreTable
{
    public static void Add(HtmlPage page, PipelineResult result)
    {
        var models = result.Models();
        if (models.Count == 0) return;
        page.Section("All scores on held-out text", "scores");
        var table = new StringBuilder("<table class=\"scores\"><thead><tr><th scope=\"col\">score</th>");
        foreach (var (name, _) in models) table.Append(HeadCell(name));
        table.Append("</tr></thead>\n");
        var scores = models.SelectMany(model => model.Result.Scores).Where(score => score is { HigherIsBetter: not null, IsDetail: false })
            .DistinctBy(score => (score.Task, score.Key));
        foreach (var task in scores.GroupBy(score => score.Task))
        {
            table.Append($"<tbody><tr><th scope=\"rowgroup\" colspan=\"{models.Count + 1}\">{Escape(task.Key)}");
            if (Measures(models, task.Key) is { } measures) table.Append($" <span>{Escape(measures)}</span>");
            table.Append("</th></tr>\n");
            foreach (var score in task) Row(table, score, models);
            table.Append("</tbody>\n");
        }
        page.Raw(table.Append("</table>\n").ToString());
        foreach (var task in models[^1].Result.Scores.Where(score => score.IsDetail).GroupBy(score => score.Task))
            Details(page, models[^1].Name, task.Key, [.. task]);
        var all = models.SelectMany(model => model.Result.Scores).ToList();
        var choice = all.Exists(score => score.Metric.StartsWith("acc", StringComparison.Ordinal))
            ? " Multiple choice has four answers: guessing reaches 0.25." : "";
        var text = models.Count > 1 && all.Exists(score => score.Metric == "bits_per_byte")
            ? " SFT and DPO train on questions and answers, so the bits per byte of plain text rise a little." : "";
        page.Note($"{EvaluationTable.Counts(models[^1].Result)}. ± is one standard error.{choice}{text}");
        foreach (var warning in models.SelectMany(model => model.Result.Warnings).Distinct()) page.Note(warning);
    }

    /// <summary>Parts of the last model's scores: a row a part, a column a metric.</summary>
    private static void Details(HtmlPage page, string model, string task, IReadOnlyList<EvaluationScore> scores)
    {
        List<string> metrics = [.. scores.Select(score => score.Metric).Distinct()];
        var table = new StringBuilder($"<h3>{Escape($"{task} of the {model} model, in parts")}</h3>\n");
        table.Append("<div class=\"scroll\" tabindex=\"0\"><table><tr>");
        table.AppendJoin("", metrics.Prepend("part").Append("n").Select(HeadCell));
        table.Append("</tr>\n");
        foreach (var part in scores.GroupBy(score => score.Filter))
        {
            table.Append($"<tr><th scope=\"row\">{Escape(part.Key)}</th>");
            foreach (var metric in metrics)
            {
                var cell = part.FirstOrDefault(score => score.Metric == metric);
                table.Append(cell is null ? "<td>–</td>" : $"<td>{Figure(cell.Value)}{Error(cell.StandardError)}</td>");
            }
            table.Append($"<td>{part.Max(score => score.Count):N0}</td></tr>\n");
        }
        page.Raw(table.Append("</table></div>\n").ToString());
    }

    private static void Row(StringBuilder table, EvaluationScore score, IReadOnlyList<(string Name, EvaluationResult Result)> models)
    {
        var direction = score.HigherIsBetter == true ? "higher is better" : "lower is better";
        table.Append($"<tr><th scope=\"row\">{Escape(score.Title)} <span>{direction}</span></th>");
        foreach (var (_, result) in models)
        {
            var cell = result.Scores.FirstOrDefault(other => (other.Task, other.Key) == (score.Task, score.Key));
            table.Append(cell is null ? "<td>–</td>" : $"<td>{Figure(cell.Value)}{Error(cell.StandardError)}</td>");
        }
        table.Append("</tr>\n");
    }

    private static string Figure(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Error(double? error) => error is { } value ? $" <span>± {Figure(value)}</span>" : "";

    private static string? Measures(IReadOnlyList<(string Name, EvaluationResult Result)> models, string task) =>
        models.SelectMany(model => model.Result.Tasks).FirstOrDefault(one => one.Name() == task)?.Measures();
}
