using System.Globalization;
using Dolmen.Artifacts.Reports;
using Dolmen.Pipeline.Recipes;

namespace Dolmen.Pipeline.Reports;

/// <summary>The curves of the three stages.</summary>
internal static class TrainingCharts
{
    public static void Add(HtmlPage page, PipelineResult result, PipelineRecipe recipe)
    {
        TrainingCurve Read(string stage) => TrainingCurve.Read(Path.Combine(result.Out, stage, "metrics.jsonl"));
        var (pretrain, sft, dpo) = (Read("base"), Read("sft"), Read("dpo"));
        string[] charts =
        [
            LineChart.Svg(
                "Base model: loss",
                Steps(recipe.Base.BatchTokens, "tokens"),
                "loss, nats per token",
                [new("training", pretrain.Of("loss")), new("held out", pretrain.Of("valLoss"), Marked: true)]
            ),
            LineChart.Svg(
                "Base model: held-out text",
                Steps(recipe.Base.BatchTokens, "tokens"),
                "bits per byte",
                [new("bits per byte", pretrain.Of("bitsPerByte"), Marked: true)]
            ),
            LineChart.Svg(
                recipe.Sft.LearnPrompts ? "SFT: loss on prompts and answers" : "SFT: loss on the answers",
                Steps(recipe.Sft.BatchTokens, "tokens"),
                "loss, nats per token",
                [new("training", sft.Of("loss")), new("held out", sft.Of("valLoss"), Marked: true)]
            ),
            LineChart.Svg("DPO: loss", Steps(recipe.Dpo.BatchPairs, "pairs"), "loss, nats per pair", [new("training", dpo.Of("loss"))]),
            LineChart.Svg(
                "DPO: right answer above the wrong one",
                Steps(recipe.Dpo.BatchPairs, "pairs"),
                "share of pairs",
                [new("share of pairs", dpo.Of("rewards/accuracies"))]
            ),
            LineChart.Svg(
                "DPO: implicit rewards",
                Steps(recipe.Dpo.BatchPairs, "pairs"),
                "reward, nats times beta",
                [
                    new("right answers", dpo.Of("rewards/chosen")),
                    new("wrong answers", dpo.Of("rewards/rejected")),
                    new("difference", dpo.Of("rewards/margins")),
                ]
            ),
        ];
        if (charts.All(chart => chart.Length == 0)) return;
        page.Section("Training", "training");
        page.Raw("<div class=\"charts\">");
        foreach (var chart in charts) page.Raw(chart);
        page.Raw("</div>\n");
        page.Note(
            "Training loss is the mean over the steps since the point before. Held-out figures in the charts are over the same beginning "
                + "of the held-out text every time; the scores above take documents from all of it.");
    }

    private static string Steps(int size, string unit) => $"step, of {size.ToString("N0", CultureInfo.InvariantCulture)} {unit}";
}
