using System.Text;
using Dolmen.Artifacts;
using Dolmen.Artifacts.Reports;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Filters;
using static Dolmen.Artifacts.Reports.HtmlPage;

namespace Dolmen.Data.Reports;

/// <summary>A corpus on one page: what was read and kept and why not, every measure with its thresholds, documents near them, and its
/// languages beside the world's.</summary>
public static class CorpusReportPage
{
    public const string FileName = "report.html";

    private const int SitesShown = 30, LanguagesShown = 40, ThresholdsDrawn = 4;

    /// <summary>Whether a folder holds what the page is made of.</summary>
    public static bool CanWrite(string corpusDirectory) => BuiltCorpus.IsAt(corpusDirectory);

    /// <summary>Streams the measurements; texts are read of a few row groups only.</summary>
    /// <returns>The page's path.</returns>
    /// <exception cref="UserErrorException">No finished corpus.</exception>
    public static string Write(string corpusDirectory, CancellationToken stop = default)
    {
        var corpus = BuiltCorpus.Open(corpusDirectory);
        var rules = new RowRules(corpus.Recipe([]));
        var figures = CorpusFigures.Of(corpus, rules, Environment.ProcessorCount, stop);
        var path = Path.Combine(corpusDirectory, FileName);
        AtomicFile.WriteText(path, Html(corpus, rules, figures, BoundaryExamples.Of(corpus, rules)));
        return path;
    }

    private static string Html(BuiltCorpus corpus, RowRules rules, CorpusFigures figures, BoundaryExamples examples)
    {
        var all = figures.All;
        // Nothing here names the folder, the machine or the time: the same input makes the same files.
        var page = new HtmlPage("Corpus", EmbeddedText.Read(typeof(CorpusReportPage), "corpus.css"));
        page.Lead(
            $"{Count(all.Kept)} of {Count(all.Read)} documents are kept ({Percent(Share(all.Kept, all.Read))}): {Count(all.KeptBytes)} "
                + $"bytes of text, "
                + $"about {Count(BuiltCorpus.Tokens(all.KeptBytes))} tokens. Read from {Count(corpus.Report.Files)} files with "
                + $"{Count(corpus.Report.Bytes)} bytes."
        );
        page.Note(
            "Tokens are estimated everywhere: one for every four bytes of UTF-8. Bytes are those of texts after extraction, so that a page "
                + "dropped by its address has none."
        );
        Funnel(page, rules, figures);
        Reasons(page, corpus, figures);
        Languages(page, figures);
        LanguageComparison.Add(page, figures.Languages);
        Sites(page, figures);
        Measures(page, rules, figures, examples);
        page.Section("Recipe");
        page.Raw($"<details><summary>As the corpus was built</summary><pre>{Escape(corpus.RecipeText)}</pre></details>\n");
        return page.ToString();
    }

    private static void Funnel(HtmlPage page, RowRules rules, CorpusFigures figures)
    {
        page.Section("Funnel");
        var (documents, bytes) = (figures.All.Read, figures.All.ReadBytes);
        List<(string[], double)> rows = [Row("read", 0)];
        var families = figures
            .Reasons.GroupBy(reason => Family(reason.Key), StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.ToList(), StringComparer.Ordinal);
        List<string> order = ["url", "extraction", .. rules.Families, "dedup"];
        foreach (var family in order.Concat(families.Keys.Except(order).Order(StringComparer.Ordinal)).ToList())
        {
            if (!families.TryGetValue(family, out var reasons)) continue;
            var dropped = reasons.Sum(reason => reason.Value.Read);
            documents -= dropped;
            bytes -= reasons.Sum(reason => reason.Value.ReadBytes);
            rows.Add(Row($"after {family}", dropped));
        }
        page.Bars(["stage", "documents", "of read", "bytes of text", "tokens", "dropped here"], rows);

        (string[], double) Row(string name, long dropped) =>
            (
                [
                    name,
                    Count(documents),
                    Percent(Share(documents, figures.All.Read)),
                    Count(bytes),
                    Count(BuiltCorpus.Tokens(bytes)),
                    dropped > 0 ? Count(dropped) : "",
                ],
                documents
            );
    }

    private static void Reasons(HtmlPage page, BuiltCorpus corpus, CorpusFigures figures)
    {
        page.Section("Dropped, by the first rule they broke");
        page.Bars(
            ["reason", "documents", "of read", "bytes of text", "tokens"],
            [
                .. figures
                    .Reasons.OrderByDescending(r => r.Value.Read)
                    .ThenBy(r => r.Key, StringComparer.Ordinal)
                    .Select(r =>
                        (
                            (string[])
                                [
                                    r.Key,
                                    Count(r.Value.Read),
                                    Percent(Share(r.Value.Read, figures.All.Read)),
                                    Count(r.Value.ReadBytes),
                                    Count(BuiltCorpus.Tokens(r.Value.ReadBytes)),
                                ],
                            (double)r.Value.Read
                        )
                    ),
            ]
        );
        if (corpus.Report.Cut is { } cut)
            page.Note(
                $"Cut because they stand in other documents too: {Count(cut.GetValueOrDefault("lines"))} lines, "
                    + $"{Count(cut.GetValueOrDefault("paragraphs"))} paragraphs and {Count(cut.GetValueOrDefault("passages"))} passages, "
                    + $"from {Count(cut.GetValueOrDefault("documents"))} documents."
            );
        if (corpus.Report.Unread.Count == 0)
            return;
        page.Note("Records that hold no page or text, and are not counted above:");
        page.Bars(
            ["record", "count"],
            [.. corpus.Report.Unread.OrderByDescending(r => r.Value).Select(r => ((string[])[r.Key, Count(r.Value)], (double)r.Value))]
        );
    }

    private static void Languages(HtmlPage page, CorpusFigures figures)
    {
        page.Section("Languages");
        page.Bars(
            ["language", "read", "kept", "kept of read", "bytes kept", "tokens kept"],
            [
                .. figures
                    .Languages.OrderByDescending(l => l.Value.Kept)
                    .ThenByDescending(l => l.Value.Read)
                    .ThenBy(l => l.Key, StringComparer.Ordinal)
                    .Take(LanguagesShown)
                    .Select(l =>
                        (
                            (string[])
                                [
                                    l.Key,
                                    Count(l.Value.Read),
                                    Count(l.Value.Kept),
                                    Percent(Share(l.Value.Kept, l.Value.Read)),
                                    Count(l.Value.KeptBytes),
                                    Count(BuiltCorpus.Tokens(l.Value.KeptBytes)),
                                ],
                            (double)l.Value.Kept
                        )
                    ),
            ]
        );
        if (figures.Languages.Count > LanguagesShown)
            page.Note($"{figures.Languages.Count - LanguagesShown} more languages are in cleaning.json.");
    }

    private static void Sites(HtmlPage page, CorpusFigures figures)
    {
        if (figures.Sites.Count == 0) return;
        page.Section("Sites");
        var others = figures.OtherSites > 0 ? $" {Count(figures.OtherSites)} documents of further sites were not counted by site." : "";
        page.Note($"The {SitesShown} with most documents of {Count(figures.Sites.Count)}, by host without www.{others}");
        page.Bars(
            ["site", "read", "kept", "kept of read", "bytes kept", "tokens kept"],
            [
                .. figures
                    .Sites.OrderByDescending(s => s.Value.Read)
                    .ThenBy(s => s.Key, StringComparer.Ordinal)
                    .Take(SitesShown)
                    .Select(s =>
                        (
                            (string[])
                                [
                                    s.Key,
                                    Count(s.Value.Read),
                                    Count(s.Value.Kept),
                                    Percent(Share(s.Value.Kept, s.Value.Read)),
                                    Count(s.Value.KeptBytes),
                                    Count(BuiltCorpus.Tokens(s.Value.KeptBytes)),
                                ],
                            (double)s.Value.Read
                        )
                    ),
            ]
        );
    }

    private static void Measures(HtmlPage page, RowRules rules, CorpusFigures figures, BoundaryExamples examples)
    {
        page.Section("Measures and thresholds");
        page.Note(
            "Every document with text, kept or not. Heights are roots of counts. Orange lies outside a threshold that is drawn; where "
                + "languages have their own, the most frequent are drawn. Inside and outside are counted where a document's language has "
                + "the rule. Fractions have a linear axis, all else a logarithmic one."
        );
        page.Raw("<div class=\"charts\">\n");
        for (var i = 0; i < rules.Names.Count; i++)
        {
            var histogram = figures.Histograms[i];
            if (histogram.Count == 0)
                continue;
            var its = figures
                .Rules.Where(rule => rule.Value.Measure == i && rule.Value.Inside + rule.Value.Outside > 0)
                .OrderBy(rule => rule.Key, StringComparer.Ordinal)
                .ToList();
            var lines = its.SelectMany(rule =>
                    rule.Value.Thresholds.OrderByDescending(t => t.Value)
                        .ThenBy(t => t.Key)
                        .Take(ThresholdsDrawn)
                        .Select(t => new HistogramChart.Line(t.Key, rule.Value.Limit == Limit.AtLeast))
                )
                .ToList();
            var section = new StringBuilder(
                $"<section class=\"measure\"><figure><figcaption>{Escape(rules.Names[i])}</figcaption>"
                    + $"{HistogramChart.Svg(rules.Names[i], histogram, lines)}</figure>"
            );
            section.Append(
                $"<p class=\"note\">{Count(histogram.Count)} values from {Number(histogram.Min)} to {Number(histogram.Max)}.</p>"
            );
            foreach (var (reason, rule) in its)
            {
                var first = figures.Reasons.GetValueOrDefault(reason).Read;
                var more = rule.Thresholds.Count > ThresholdsDrawn ? $" ({rule.Thresholds.Count} thresholds)" : "";
                section.Append(
                    $"<p><b>{Escape(reason)}</b>{more}: {Count(rule.Inside)} inside, {Count(rule.Outside)} outside "
                        + $"({Percent(Share(rule.Outside, rule.Inside + rule.Outside))}); {Count(first)} dropped by it first.</p>"
                );
                Examples(section, reason, examples);
            }
            page.Raw(section.Append("</section>\n").ToString());
        }
        page.Raw("</div>\n");
    }

    private static void Examples(StringBuilder section, string reason, BoundaryExamples examples)
    {
        var (inside, outside) = (examples.Inside(reason).ToList(), examples.Outside(reason).ToList());
        if (inside.Count + outside.Count == 0) return;
        section.Append("<details><summary>Just inside and just outside</summary><dl>");
        foreach (var (side, list) in new[] { ("kept", inside), ("dropped", outside) })
        foreach (var e in list)
        {
            section.Append(
                $"<dt>{side}: {Number(e.Value)} (threshold {Number(e.Threshold)}), {Escape(e.Language)}, "
                    + $"{Escape(e.Url.Length > 0 ? e.Url : e.Id)}</dt>"
            );
            section.Append($"<dd><pre dir=\"auto\">{Escape(e.Opening)}</pre></dd>");
        }
        section.Append("</dl></details>");
    }

    private static string Family(string reason) =>
        reason.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot ? reason[..dot] : reason;

    private static double Share(long part, long whole) => whole == 0 ? 0 : (double)part / whole;
}
