using Dolmen.Artifacts;
using Dolmen.Artifacts.Reports;
using Dolmen.Data.Building;
using Dolmen.Pipeline.Recipes;

namespace Dolmen.Pipeline.Reports;

/// <summary>A run on one page that opens from disk: what was built, how good it is, what to type next, and then everything that led
/// there. Inline style and drawings, no script, nothing loaded. Every text is escaped.</summary>
public static class ReportPage
{
    private const int SamplesShown = 6;

    public static string Html(PipelineResult result, PipelineRecipe recipe, CorpusReport corpus)
    {
        var page = new HtmlPage(Path.GetFileName(result.Out), EmbeddedText.Read(typeof(ReportPage), "run-report.css"));
        ReportSummary.Add(page, result, recipe, corpus);
        ScoreTable.Add(page, result);
        SampledAnswers.Add(page, result);
        TrainingCharts.Add(page, result, recipe);
        TextSamples(page, result, recipe.Training.SamplePrompt);
        DataFunnel.Add(page, result, corpus);
        CostTable.Add(page, result);
        StageSettings.Add(page, result, recipe);
        return page.ToString();
    }

    private static void TextSamples(HtmlPage page, PipelineResult result, string prompt)
    {
        var samples = TrainingCurve.Read(Path.Combine(result.Out, "base", "metrics.jsonl")).Samples;
        if (samples.Count == 0) return;
        page.Section("How the base model learned to write", "samples");
        page.Note("Each time the model goes on from the same prompt, which stands in bold, always with the likeliest token.");
        page.Raw("<dl>");
        var shown = Math.Min(SamplesShown, samples.Count);
        for (var i = 0; i < shown; i++)
        {
            var sample = samples[shown == 1 ? samples.Count - 1 : i * (samples.Count - 1) / (shown - 1)];
            page.Raw($"<dt>after {sample.Step:N0} steps</dt><dd><pre><b>{HtmlPage.Escape(prompt)}</b>");
            page.Raw($"{HtmlPage.Escape(sample.Text)}</pre></dd>\n");
        }
        page.Raw("</dl>\n");
    }
}
