using System.Buffers;

namespace Dolmen.Data.Filters;

/// <param name="ShortLineLength">Most characters of a short line.</param>
internal sealed record FineWebQualitySettings(
    double? MinLinePunctuation = null, double? MaxShortLineFraction = null, double? MaxDuplicateLineCharFraction = null,
    double? MaxNewlineRatio = null, int ShortLineLength = 30);

/// <summary>FineWeb's own rules (arXiv:2406.17557, 3.5) as datatrove's FineWebQualityFilter computes them, lines being what line breaks
/// part, empty ones too. Otherwise than there: a value that equals its threshold is kept by every rule, line ends count punctuation of all
/// scripts (as the terminal punctuation of datatrove's later versions does), and a text without words gives no ratio.
/// FineWeb-2 has no rule on short lines and allows 0.1 of duplicate line characters.</summary>
internal sealed class FineWebQuality : IFilter
{
    private const int LinePunctuation = 0, ShortLines = 1, DuplicateChars = 2, Newlines = 3;
    private static readonly SearchValues<char> LineEnds = SearchValues.Create(".'\"!?。！？．｡।॥؟۔።፧။၏។៕៖།ฯ๚๛։՜՞᠃᠉꓿");
    private readonly RuleList _rules;
    private readonly int _shortLineLength;

    public FineWebQuality(FineWebQualitySettings settings)
    {
        _shortLineLength = settings.ShortLineLength;
        _rules = new(
            Name,
            (rules, language) =>
            {
                rules.AtLeast("minLinePunctuation", LinePunctuation, settings.MinLinePunctuation ?? language.MinLinePunctuation ?? 0.12);
                rules.AtMost(
                    "maxShortLineFraction",
                    ShortLines,
                    settings.MaxShortLineFraction ?? (language.IsMultilingual ? RuleList.Off : 0.67)
                );
                rules.AtMost(
                    "maxDuplicateLineCharFraction",
                    DuplicateChars,
                    settings.MaxDuplicateLineCharFraction ?? (language.IsMultilingual ? 0.1 : 0.01)
                );
                rules.AtMost("maxNewlineRatio", Newlines, settings.MaxNewlineRatio ?? language.MaxNewlineRatio ?? 0.3);
            }
        );
    }

    public string Name => "fineWebQuality";

    public IReadOnlyList<string> Measures { get; } =
    [
        "fineweb_quality_line_punctuation",
        "fineweb_quality_short_line_fraction",
        "fineweb_quality_duplicate_line_char_fraction",
        "fineweb_quality_newline_ratio",
    ];

    public IReadOnlyList<Rule> Rules(string language) => _rules.For(language);

    public void Measure(TextView text, string language, Span<double> values)
    {
        var count = text.LineBreaks + 1;
        int punctuated = 0, longer = 0;
        long duplicate = 0;
        using var seen = new SeenHashes(text.Lines.Length);
        foreach (ref readonly var line in text.Lines)
        {
            var content = text.Of(line);
            if (LineEnds.Contains(content[^1])) punctuated++;
            if (content.Length > _shortLineLength) longer++;
            if (line.Chunks > 0 && !seen.Add(TextHash.Of(content))) duplicate += line.Length;
        }
        values[LinePunctuation] = (double)punctuated / count;
        values[ShortLines] = (double)(count - longer) / count;
        values[DuplicateChars] = (double)duplicate / (text.Text.Length - text.LineBreaks);
        values[Newlines] = (double)text.LineBreaks / text.Words.Length;
        if (!double.IsFinite(values[Newlines])) values[Newlines] = double.NaN;
    }
}
