using Dolmen.Artifacts;
using Dolmen.Artifacts.Reports;
using Dolmen.Data.Building;
using static Dolmen.Artifacts.Reports.HtmlPage;

namespace Dolmen.Pipeline.Reports;

/// <summary>What came in, what stayed and why not the rest, and what was made of it.</summary>
internal static class DataFunnel
{
    public static void Add(HtmlPage page, PipelineResult result, CorpusReport corpus)
    {
        page.Section("Data", "data");
        page.Raw($"<p>{corpus.Files:N0} files gave {corpus.Documents:N0} documents with {corpus.Characters:N0} characters.</p>\n");
        Documents(page, corpus);
        Entries(page, corpus);
        Alignment(page, corpus);
        Training(page, result);
        if (corpus.Rules.Count == 0) return;
        page.Raw("<h3>Rules</h3>\n<ul>");
        foreach (var rule in corpus.Rules) page.Raw($"<li>{Escape(rule)}</li>\n");
        page.Raw("</ul>\n");
    }

    /// <summary>Of a crawl, whole documents are dropped; the first row is what was read and the last what is left.</summary>
    private static void Documents(HtmlPage page, CorpusReport corpus)
    {
        if (corpus.Cleaning is not { Dropped.Count: > 0 } cleaning) return;
        page.Raw("<h3>Documents</h3>\n");
        var left = cleaning.Read;
        List<(string[] Cells, double Size)> rows = [(["read", "", Count(left)], left)];
        foreach (var (reason, count) in cleaning.Dropped.OrderByDescending(dropped => dropped.Value))
        {
            left -= count;
            rows.Add(([$"dropped by {reason}", $"−{Count(count)}", Count(left)], left));
        }
        page.Bars(["step", "documents", "left"], rows);
    }

    private static void Entries(HtmlPage page, CorpusReport corpus)
    {
        page.Raw("<h3>Entries: members, sections, passages</h3>\n");
        var all = corpus.Parts + corpus.HeldOut + corpus.Dropped.Values.Sum();
        List<(string[] Cells, double Size)> rows = [(["found", "", Count(all)], all)];
        var left = all;
        foreach (var (reason, count) in corpus.Dropped.OrderByDescending(dropped => dropped.Value))
        {
            left -= count;
            rows.Add(([$"dropped: {reason}", $"−{Count(count)}", Count(left)], left));
        }
        rows.Add((["held out of training", $"−{Count(corpus.HeldOut)}", Count(corpus.Parts)], corpus.Parts));
        page.Bars(["step", "entries", "left"], rows);
        foreach (var (what, count) in corpus.Noted) page.Note($"Noted and kept: {what}, {count:N0}.");
    }

    private static void Alignment(HtmlPage page, CorpusReport corpus)
    {
        page.Raw("<h3>Made of it</h3>\n");
        (string What, long Made)[] made =
        [
            ("conversations for SFT", corpus.Conversations),
            ("preferences for DPO", corpus.Preferences),
            ("multiple-choice questions", corpus.MultipleChoice),
            ("questions about invented names", corpus.Invented),
            ("questions about known names", corpus.Known),
        ];
        page.Bars(["what", "count"], [.. made.Select(one => ((string[])[one.What, Count(one.Made)], (double)one.Made))]);
    }

    /// <summary>What became of each stage's examples.</summary>
    private static void Training(HtmlPage page, PipelineResult result)
    {
        page.Raw("<h3>Learned from</h3>\n");
        foreach (var (stage, outcome) in result.Training)
        {
            if (outcome.Data is { } data) page.Note($"{stage}: {data}.");
        }
    }
}
