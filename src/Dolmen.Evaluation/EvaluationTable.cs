using System.Text;

namespace Dolmen.Evaluation;

/// <summary>Results for people: one row a model.</summary>
public static class EvaluationTable
{
    private static readonly (string Title, Func<EvaluationResult, string> Cell)[] Columns =
    [
        ("bits per byte", r => r.BitsPerByte is { } bits ? $"{bits:0.000}" : "–"),
        ("acc", r => Rate(r.Acc, r.AccStderr)),
        ("acc_norm", r => Rate(r.AccNorm, r.AccNormStderr)),
        ("acc_norm unseen", r => Rate(r.AccNormUnseen, r.AccNormUnseenStderr)),
        ("acc 5-shot", r => Rate(r.Acc5Shot, r.Acc5ShotStderr)),
        ("acc_norm 5-shot", r => Rate(r.AccNorm5Shot, r.AccNorm5ShotStderr)),
        ("refusal invented", r => Rate(r.RefusalInvented, r.RefusalInventedStderr)),
        ("refusal known", r => Rate(r.RefusalKnown, r.RefusalKnownStderr)),
    ];

    public static IReadOnlyList<string> Titles { get; } = [.. Columns.Select(column => column.Title)];

    public static IReadOnlyList<string> Cells(EvaluationResult result) => [.. Columns.Select(column => column.Cell(result))];

    /// <summary>The table, how it was measured, and the first model against the last on the same questions.</summary>
    public static string Markdown(IReadOnlyList<(string Name, EvaluationResult Result)> models)
    {
        var text = new StringBuilder();
        text.Append("| model | ").AppendJoin(" | ", Titles).Append(" |\n|---|").Insert(text.Length, "---:|", Titles.Count).Append('\n');
        foreach (var (name, result) in models) text.Append($"| {name} | ").AppendJoin(" | ", Cells(result)).Append(" |\n");
        if (models.Count == 0) return text.ToString();

        var last = models[^1].Result;
        text.Append("\n± is one standard error. ");
        text.Append($"{last.Questions} questions ({last.QuestionsUnseen} whose answer occurs nowhere in training), " +
            $"{last.Invented} invented and {last.Known} known members, {last.HeldOutBytes} bytes of held-out text, seed {last.Seed}.\n");
        if (models.Count > 1)
        {
            foreach (var fewShot in (bool[])[false, true]) AppendComparison(text, models[0], models[^1], fewShot);
        }
        foreach (var (name, result) in models)
        {
            foreach (var warning in result.Warnings) text.Append($"\nNote on {name}: {warning}\n");
        }
        return text.ToString();
    }

    private static void AppendComparison(
        StringBuilder text, (string Name, EvaluationResult Result) first, (string Name, EvaluationResult Result) last, bool fewShot)
    {
        var paired = PairedComparison.Of(first.Result, last.Result, fewShot);
        if (paired.Questions == 0) return;
        text.Append($"\n{first.Name} → {last.Name}, acc_norm {(fewShot ? "few-shot" : "zero-shot")}, paired: " +
            $"{paired.Difference:+0.000;-0.000;0.000} over {paired.Questions} questions " +
            $"({paired.OnlySecond} gained, {paired.OnlyFirst} lost; McNemar exact p {Probability(paired.P)}).\n");
    }

    private static string Rate(double? rate, double? stderr) => (rate, stderr) switch
    {
        (null, _) => "–",
        ({ } p, null) => $"{p:0.000}",
        ({ } p, { } error) => $"{p:0.000} ± {error:0.000}",
    };

    private static string Probability(double p) => p < 0.001 ? "< 0.001" : $"= {p:0.000}";
}
