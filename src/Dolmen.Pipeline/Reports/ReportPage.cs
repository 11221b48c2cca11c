using System.Net;
using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Artifacts.Reports;
using Dolmen.Data;
using Dolmen.Data.Building;
using Dolmen.Evaluation;
using Dolmen.Pipeline.Recipes;

namespace Dolmen.Pipeline.Reports;

/// <summary>A run on one page that opens from disk: inline style and drawings, no script, nothing loaded. Every text is escaped.</summary>
public static class ReportPage
{
    private const int SamplesShown = 6, AnswersOfEach = 4;

    public static string Html(PipelineResult result, PipelineRecipe recipe, CorpusReport corpus)
    {
        var page = new StringBuilder(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, "
                + "initial-scale=1\">"
        );
        page.Append($"<title>Dolmen run {Escape(Path.GetFileName(result.Out))}</title>");
        page.Append($"<style>\n{HtmlPage.SharedStyle}</style></head><body>\n");
        page.Append($"<h1>{Escape(Path.GetFileName(result.Out))}</h1><p class=\"lead\">{Escape(Lead(result, corpus))}</p>\n");
        foreach (var notice in result.Notices) page.Append($"<p class=\"note\">{Escape(notice)}</p>\n");
        Results(page, result);
        Curves(page, result);
        Funnel(page, corpus);
        Samples(page, result, recipe.Training.SamplePrompt);
        Answers(page, result);
        Costs(page, result);
        Section(page, "Next");
        page.Append($"<pre>{Escape(string.Join('\n', NextCommands.Of(result)))}</pre>\n");
        Section(page, "Recipe");
        page.Append(
            $"<details><summary>As it was run, minutes turned into "
                + $"tokens</summary><pre>{Escape(RecipeFile.ToJson(recipe))}</pre></details>\n"
        );
        return page.Append("</body></html>\n").ToString();
    }

    private static string Lead(PipelineResult r, CorpusReport corpus) =>
        $"{r.Parameters:N0} parameters trained on {r.Tokens:N0} tokens from {corpus.Documents:N0} documents in {Duration(r.Seconds)}, "
        + $"with at most {r.PeakMemoryBytes / 1e9:0.0} GB of memory and about {r.EnergyJoules / 3600:0.0} Wh ({r.EnergyMethod}), "
        + $"on {r.Machine.CpuModel}, {r.Machine.Cores} cores. Seed "
        + $"{r.Seed}{(r.Commit is { } commit ? $", commit {commit[..Math.Min(12, commit.Length)]}" : "")}.";

    private static void Results(StringBuilder page, PipelineResult result)
    {
        Section(page, "Results on held-out text");
        var models = result.Models();
        var table = new EvaluationTable(models);
        Table(page, ["model", .. table.Titles], models.Select((model, i) => (string[])[model.Name, .. table.Cells(i)]));
        page.Append(
            "<p class=\"note\">Multiple choice has four answers: chance is 0.25. ± is one standard error. Refusal of invented names should "
                + "rise, of known ones stay low. The chart of held-out text below counts bits per byte as this table does, over the "
                + "beginning of that text; the table takes documents from all of it.</p>\n"
        );
    }

    private static void Curves(StringBuilder page, PipelineResult result)
    {
        TrainingCurve Read(string stage) => TrainingCurve.Read(Path.Combine(result.Out, stage, "metrics.jsonl"));
        var (pretrain, sft, dpo) = (Read("base"), Read("sft"), Read("dpo"));
        Section(page, "Training");
        page.Append("<div class=\"charts\">");
        page.Append(
            LineChart.Svg(
                "Base model: loss",
                "step",
                "nats per token",
                [new("training", pretrain.Of("loss")), new("held out", pretrain.Of("valLoss"), Marked: true)]
            )
        );
        page.Append(
            LineChart.Svg(
                "Base model: held-out text",
                "step",
                "bits per byte",
                [new("bits per byte", pretrain.Of("bitsPerByte"), Marked: true)]
            )
        );
        page.Append(
            LineChart.Svg(
                "SFT: loss on assistant tokens",
                "step",
                "nats per token",
                [new("training", sft.Of("loss")), new("held out", sft.Of("valLoss"), Marked: true)]
            )
        );
        page.Append(LineChart.Svg("DPO: loss", "step", "nats per pair", [new("training", dpo.Of("loss"))]));
        page.Append(LineChart.Svg("DPO: chosen above rejected", "step", "share of pairs", [new("accuracy", dpo.Of("rewards/accuracies"))]));
        page.Append(
            LineChart.Svg(
                "DPO: implicit rewards",
                "step",
                "reward",
                [
                    new("chosen", dpo.Of("rewards/chosen")),
                    new("rejected", dpo.Of("rewards/rejected")),
                    new("margin", dpo.Of("rewards/margins")),
                ]
            )
        );
        page.Append("</div>\n");
    }

    private static void Funnel(StringBuilder page, CorpusReport c)
    {
        Section(page, "Data");
        List<(string Name, long Count)> rows =
        [
            ("members, sections, passages kept for training", c.Parts),
            ("held out of training", c.HeldOut),
        ];
        if (c.Cleaning is { } cleaning)
            rows.AddRange(
                cleaning.Dropped.OrderByDescending(d => d.Value).Select(dropped => ($"documents dropped by {dropped.Key}", dropped.Value))
            );
        rows.AddRange(c.Dropped.Select(dropped => ($"dropped: {dropped.Key}", dropped.Value)));
        rows.AddRange(c.Noted.Select(noted => ($"noted and kept: {noted.Key}", noted.Value)));
        rows.AddRange([
            ("conversations for SFT", c.Conversations),
            ("preferences for DPO", c.Preferences),
            ("multiple-choice questions", c.MultipleChoice),
            ("questions about invented names", c.Invented),
            ("questions about known names", c.Known),
        ]);
        page.Append($"<p>{c.Files:N0} files gave {c.Documents:N0} documents with {c.Characters:N0} characters.</p>\n");
        Bars(page, ["entries", "count", ""], [.. rows.Select(row => ((string[])[row.Name, $"{row.Count:N0}"], (double)row.Count))]);
    }

    private static void Samples(StringBuilder page, PipelineResult result, string prompt)
    {
        var samples = TrainingCurve.Read(Path.Combine(result.Out, "base", "metrics.jsonl")).Samples;
        if (samples.Count == 0) return;
        Section(page, "Learning to write");
        page.Append("<p class=\"note\">Each time the model goes on from the same prompt, which stands in bold.</p>\n<dl>");
        var shown = Math.Min(SamplesShown, samples.Count);
        for (var i = 0; i < shown; i++)
        {
            var sample = samples[shown == 1 ? samples.Count - 1 : i * (samples.Count - 1) / (shown - 1)];
            page.Append($"<dt>after {sample.Step:N0} steps</dt><dd><pre><b>{Escape(prompt)}</b>{Escape(sample.Text)}</pre></dd>");
        }
        page.Append("</dl>\n");
    }

    /// <summary>Shows answers from the evaluation's own record of what was asked.</summary>
    private static void Answers(StringBuilder page, PipelineResult result)
    {
        var file = Path.Combine(result.Out, "evaluation", EvaluationFolder.AnswersFile);
        if (!File.Exists(file) || result.Evaluation.Count == 0) return;
        var final = result.Evaluation.Last().Key;
        var shown = new Dictionary<string, int>(StringComparer.Ordinal);
        var list = new StringBuilder();
        foreach (var line in RegularFile.ReadLines(file))
        {
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.GetProperty("model").GetString() != final) continue;
            var answer = json.RootElement.GetProperty("answer");
            var set = answer.GetProperty("set").GetString() ?? "";
            if (shown.GetValueOrDefault(set) >= AnswersOfEach) continue;
            shown[set] = shown.GetValueOrDefault(set) + 1;
            list.Append($"<dt>{Escape(answer.GetProperty("prompt").GetString() ?? "")} <span class=\"note\">({Escape(set)})</span></dt>");
            list.Append($"<dd>{Escape(answer.GetProperty("answer").GetString() ?? "")}</dd>");
        }
        if (list.Length == 0) return;
        Section(page, $"Answers of the {final} model");
        page.Append($"<dl>{list}</dl>\n");
    }

    private static void Costs(StringBuilder page, PipelineResult result)
    {
        Section(page, "Time and energy");
        Bars(
            page,
            ["stage", "time", "energy", "peak memory", ""],
            [
                .. result.Stages.Select(s =>
                    (
                        (string[])[s.Stage, Duration(s.Seconds), $"{s.EnergyJoules / 3600:0.00} Wh", $"{s.PeakMemoryBytes / 1e6:N0} MB"],
                        s.Seconds
                    )
                ),
            ]
        );
        var method =
            result.EnergyMethod == "rapl"
                ? "Energy was read from the processor's own counters (RAPL)."
                : $"Energy is an estimate: {Artifacts.EnergyMeter.AssumedWattsPerCore} W for each busy core.";
        page.Append($"<p class=\"note\">{Escape(method)}</p>\n");
    }

    private static void Section(StringBuilder page, string title) => page.Append($"<h2>{Escape(title)}</h2>\n");

    private static void Table(StringBuilder page, IReadOnlyList<string> head, IEnumerable<string[]> rows)
    {
        page.Append("<div class=\"scroll\" tabindex=\"0\"><table><tr>");
        foreach (var cell in head) page.Append($"<th>{Escape(cell)}</th>");
        page.Append("</tr>\n");
        foreach (var row in rows) page.Append("<tr>").AppendJoin("", row.Select(cell => $"<td>{Escape(cell)}</td>")).Append("</tr>\n");
        page.Append("</table></div>\n");
    }

    private static void Bars(StringBuilder page, IReadOnlyList<string> head, IReadOnlyList<(string[] Cells, double Size)> rows)
    {
        var most = Math.Max(1e-9, rows.Max(row => row.Size));
        page.Append("<div class=\"scroll\" tabindex=\"0\"><table><tr>")
            .AppendJoin("", head.Select(cell => $"<th>{Escape(cell)}</th>"))
            .Append("</tr>\n");
        foreach (var (cells, size) in rows)
        {
            page.Append("<tr>").AppendJoin("", cells.Select(cell => $"<td>{Escape(cell)}</td>"));
            page.Append($"<td class=\"bar\"><span style=\"width:{100 * size / most:0.#}%\"></span></td></tr>\n");
        }
        page.Append("</table></div>\n");
    }

    private static string Duration(double seconds) => seconds < 60 ? $"{seconds:0.0} s" : $"{(int)seconds / 60} min {(int)seconds % 60} s";

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}
