using System.Globalization;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Artifacts.Reports;
using static Dolmen.Artifacts.Reports.HtmlPage;

namespace Dolmen.Tokenization.LanguageCosts;

/// <summary>A comparison as files: JSON with all figures, a page, Markdown, and a plot for each tokenizer.</summary>
internal static class ComparisonReport
{
    public const string PageFile = "comparison.html", JsonFile = "comparison.json", MarkdownFile = "comparison.md";

    /// <summary>Headings of <see cref="Cells"/>, the language apart.</summary>
    public static IReadOnlyList<string> Head(Comparison comparison) =>
        [
            "premium",
            "tokens",
            "median",
            "p95",
            "a word",
            "bytes a token",
            "part tokens",
            "unknown",
            "split",
            $"in {comparison.Context:N0}",
            "1,000 cost",
            .. comparison.Tokenizers.Any(HasTimes) ? (string[])["read ms", "write ms"] : [],
        ];

    public const string Explained =
        "Premium: all tokens divided by the reference's for the same sentences. Tokens, median, p95: of a sentence encoded alone. A word: "
            + "tokens per word. Part tokens: the share that are not whole characters. "
        + "Split: readers' characters (graphemes) that lie in more than one token. Then sentences that the context window holds, and what "
        + "a thousand cost.";

    public static IReadOnlyList<string> Cells(Comparison comparison, LanguageCost cost) =>
        [
            Text(cost.Premium, "0.00"),
            Text(cost.MeanTokens, "0.0"),
            Text(cost.MedianTokens, "0.#"),
            Text(cost.P95Tokens, "0.#"),
            Text(cost.TokensPerWord, "0.00"),
            Text(cost.BytesPerToken, "0.00"),
            Percent(cost.FragmentTokens),
            Percent(cost.UnknownTokens),
            Percent(cost.SplitGraphemes),
            Text(Math.Floor(cost.SentencesInContext), "N0"),
            Text(cost.PricePer1000, "0.0000"),
            .. comparison.Tokenizers.Any(HasTimes)
                ? (string[])[Milliseconds(cost.Measured?.Prefill), Milliseconds(cost.Measured?.Decode)]
                : [],
        ];

    /// <summary>The worst <paramref name="top"/> and the reference.</summary>
    public static IEnumerable<LanguageCost> Worst(Comparison comparison, TokenizerCosts costs, int top) =>
        costs.Languages.Where((cost, i) => i < top || cost.Language == comparison.Reference);

    public static void Write(Comparison comparison, string folder)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.WriteJson(Path.Combine(folder, JsonFile), comparison, ComparisonJson.Default.Comparison);
        for (var i = 0; i < comparison.Tokenizers.Count; i++)
            AtomicFile.WriteText(
                Path.Combine(folder, PlotFile(comparison, i)),
                PremiumChart.Svg(comparison.Tokenizers[i], comparison.Reference, alone: true)
            );
        AtomicFile.WriteText(Path.Combine(folder, MarkdownFile), Markdown(comparison));
        AtomicFile.WriteText(Path.Combine(folder, PageFile), Html(comparison));
    }

    private static string Html(Comparison comparison)
    {
        var page = new HtmlPage("What a language pays", EmbeddedText.Read(typeof(ComparisonReport), "premiums.css"));
        page.Lead(
            $"{comparison.Tokenizers[0].Languages.Count} languages ({comparison.Layout}), premiums relative to {comparison.Reference}, a "
                + $"context of {comparison.Context:N0} tokens, {Text(comparison.Price, "0.####")} for a million."
        );
        page.Note(Explained);
        if (comparison.Tokenizers.Count > 1)
        {
            page.Section("Premiums side by side");
            page.Bars(
                ["language", .. comparison.Tokenizers.Select(costs => costs.Name)],
                [
                    .. comparison
                        .Tokenizers[0]
                        .Languages.Select(cost =>
                            (
                                (string[])
                                    [Named(cost), .. comparison.Tokenizers.Select(costs => Text(Of(costs, cost.Language).Premium, "0.00"))],
                                cost.Premium
                            )
                        ),
                ]
            );
        }
        foreach (var costs in comparison.Tokenizers)
        {
            page.Section($"{costs.Name}, {costs.VocabSize:N0} tokens");
            page.Raw($"<figure>{PremiumChart.Svg(costs, comparison.Reference)}</figure>\n");
            page.Bars(
                ["language", .. Head(comparison)],
                [.. costs.Languages.Select(cost => ((string[])[Named(cost), .. Cells(comparison, cost)], double.NaN))]
            );
            if (costs.Missing is { } missing)
                Missing(page, missing);
        }
        return page.ToString();
    }

    private static void Missing(HtmlPage page, MissingTokens missing)
    {
        page.Note($"What it lacks for {missing.Language}: {Summary(missing)} Words by the tokens that one of their own would save:");
        page.Bars(
            ["word", "occurs", "tokens", "saved", "now"],
            [
                .. missing.Words.Select(word =>
                    (
                        (string[])
                            [
                                Shown(word.Word),
                                Count(word.Count),
                                Count(word.Tokens),
                                Count(word.Saved),
                                Shown(string.Join('|', word.Pieces)),
                            ],
                        (double)word.Saved
                    )
                ),
            ]
        );
        page.Note("Merges that byte pair encoding would learn next, each after those before it:");
        page.Bars(
            ["token", "of", "saved"],
            [
                .. missing.Merges.Select(merge =>
                    ((string[])[Shown(merge.Token), Shown($"{merge.Left}|{merge.Right}"), Count(merge.Saved)], (double)merge.Saved)
                ),
            ]
        );
    }

    /// <summary>A token with its spaces visible.</summary>
    public static string Shown(string token) => token.Replace(' ', '▁');

    public static string Summary(MissingTokens missing) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{missing.Merges.Count} more merges would bring {missing.Tokens:N0} tokens to {missing.TokensAfter:N0} "
                + $"({(missing.Tokens == 0 ? 0 : 1 - (double)missing.TokensAfter / missing.Tokens):P1} less)."
        );

    private static string Markdown(Comparison comparison)
    {
        var text = new StringBuilder(
            $"# What a language pays\n\n{comparison.Layout}, premiums relative to {Cell(comparison.Reference)}, a context of "
                + $"{comparison.Context:N0} tokens, {Text(comparison.Price, "0.####")} for a million.\n\n{Explained}\n"
        );
        for (var i = 0; i < comparison.Tokenizers.Count; i++)
        {
            var costs = comparison.Tokenizers[i];
            text.Append(
                CultureInfo.InvariantCulture,
                $"\n## {Cell(costs.Name)}, {costs.VocabSize:N0} tokens\n\n![Premium by language]({PlotFile(comparison, i)})\n\n"
            );
            Table(
                text,
                ["language", .. Head(comparison)],
                costs.Languages.Select(cost => (string[])[Named(cost), .. Cells(comparison, cost)])
            );
            if (costs.Missing is not { } missing)
                continue;
            text.Append(CultureInfo.InvariantCulture, $"\nWhat it lacks for {Cell(missing.Language)}: {Summary(missing)}\n\n");
            Table(
                text,
                ["word", "occurs", "tokens", "saved"],
                missing.Words.Select(word => (string[])[Shown(word.Word), Count(word.Count), Count(word.Tokens), Count(word.Saved)])
            );
            text.Append('\n');
            Table(
                text,
                ["merge", "of", "saved"],
                missing.Merges.Select(merge => (string[])[Shown(merge.Token), Shown($"{merge.Left}|{merge.Right}"), Count(merge.Saved)])
            );
        }
        return text.ToString();
    }

    private static void Table(StringBuilder text, IReadOnlyList<string> head, IEnumerable<string[]> rows)
    {
        text.Append("| ")
            .AppendJoin(" | ", head)
            .Append(" |\n|---|")
            .AppendJoin("", Enumerable.Repeat("---:|", head.Count - 1))
            .Append('\n');
        foreach (var row in rows)
            text.Append("| ").AppendJoin(" | ", row.Select(Cell)).Append(" |\n");
    }

    private static string Cell(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("|", "\\|", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal)
            .ReplaceLineEndings(" ");

    // Names of tokenizers may be paths.
    private static string PlotFile(Comparison comparison, int index)
    {
        var name = string.Concat(
            Path.GetFileName(Path.TrimEndingDirectorySeparator(comparison.Tokenizers[index].Name))
                .Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-')
        );
        return string.Create(CultureInfo.InvariantCulture, $"premium-{index + 1}-{name}.svg");
    }

    private static LanguageCost Of(TokenizerCosts costs, string language) => costs.Languages.First(cost => cost.Language == language);

    private static string Named(LanguageCost cost) => cost.Name.Length > 0 ? $"{cost.Language} {cost.Name}" : cost.Language;

    private static bool HasTimes(TokenizerCosts costs) => costs.Languages.Any(cost => cost.Measured is not null);

    private static string Milliseconds(double? seconds) => seconds is { } s ? Text(s * 1000, "0.00") : "";

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
