using System.Globalization;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Artifacts.Reports;
using Dolmen.Data.Building;
using Dolmen.Pipeline.Recipes;
using static Dolmen.Artifacts.Reports.HtmlPage;

namespace Dolmen.Pipeline.Reports;

/// <summary>The first screen of a report: what was built, how good it is with what that means, and what to type next.</summary>
internal static class ReportSummary
{
    public static void Add(HtmlPage page, PipelineResult result, PipelineRecipe recipe, CorpusReport corpus)
    {
        page.Lead(WhatItIs(result, recipe));
        page.Raw("<ul class=\"facts\">");
        Fact(page, $"{corpus.Documents:N0}", "documents read");
        Fact(page, Short(result.Parameters), "parameters");
        Fact(page, Short(result.Tokens), "tokens trained on");
        Fact(page, Duration(result.Seconds), $"on {result.Machine.Cores} cores, all told");
        page.Raw("</ul>\n");
        var headlines = Headlines.Of(result);
        if (headlines.Count > 0)
        {
            page.Section("How good it is");
            page.Raw("<div class=\"cards\">");
            foreach (var headline in headlines) page.Raw(Card(headline));
            page.Raw("</div>\n");
            page.Note("Measured on text that was held out of all training. ± is one standard error.");
        }
        page.Section("What to type next");
        page.Raw("<dl class=\"commands\">");
        foreach (var (command, what) in NextCommands.Explained(result))
            page.Raw($"<dt>{Escape(what)}</dt><dd><code>{Escape(command)}</code></dd>\n");
        page.Raw("</dl>\n");
        foreach (var notice in result.Notices) page.Note(notice);
        page.Contents();
    }

    /// <summary>"9 min 21 s".</summary>
    public static string Duration(double seconds) => seconds switch
    {
        < 60 => $"{seconds.ToString("0.0", CultureInfo.InvariantCulture)} s",
        < 3600 => $"{(int)seconds / 60} min {(int)seconds % 60} s",
        _ => $"{(int)seconds / 3600} h {(int)seconds / 60 % 60} min",
    };

    private static string WhatItIs(PipelineResult result, PipelineRecipe recipe)
    {
        var aligned = result.Training.ContainsKey("sft");
        var of = recipe.Inputs.Count == 0
            ? "the XML API documentation of the .NET SDK"
            : string.Join(", ", recipe.Inputs.Select(input => ShownName.Of(Path.GetFileName(Path.TrimEndingDirectorySeparator(input)))));
        return aligned
            ? $"A chat model made from {of}: pretrained on its text, taught to answer questions (SFT), then to prefer right answers to "
                + "wrong ones (DPO)."
            : $"A language model made from {of}: pretrained on its text. It was not taught to answer questions.";
    }

    private static void Fact(HtmlPage page, string value, string what) =>
        page.Raw($"<li><b>{Escape(value)}</b> <span>{Escape(what)}</span></li>");

    private static string Card(Headline headline)
    {
        var card = new StringBuilder($"<section class=\"card\"><h3>{Escape(headline.Title)}</h3><p class=\"figure\">");
        card.Append(Escape(headline.Shown)).Append("</p>");
        if (headline.Share is { } share) card.Append(Meter(share, headline.Chance));
        return card.Append($"<p>{Escape(headline.Meaning)}</p></section>\n").ToString();
    }

    /// <summary>A bar from 0 to 1 with a mark where guessing would be. The text beside it says the same.</summary>
    private static string Meter(double share, double? chance)
    {
        static string Percent(double value) => (100 * Math.Clamp(value, 0, 1)).ToString("0.#", CultureInfo.InvariantCulture);
        var mark = chance is { } guess ? $"<i style=\"left:{Percent(guess)}%\"></i>" : "";
        return $"<div class=\"meter\" aria-hidden=\"true\"><span style=\"width:{Percent(share)}%\"></span>{mark}</div>";
    }

    private static string Short(long count) => count switch
    {
        >= 1_000_000_000 => $"{(count / 1e9).ToString("0.##", CultureInfo.InvariantCulture)} billion",
        >= 1_000_000 => $"{(count / 1e6).ToString("0.##", CultureInfo.InvariantCulture)} million",
        _ => $"{count:N0}",
    };
}
