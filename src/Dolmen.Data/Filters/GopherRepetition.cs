using System.Buffers;

namespace Dolmen.Data.Filters;

internal sealed record GopherRepetitionSettings(
    double? MaxDuplicateParagraphFraction = null, double? MaxDuplicateParagraphCharFraction = null,
    double? MaxDuplicateLineFraction = null, double? MaxDuplicateLineCharFraction = null,
    double? MaxTop2GramFraction = null, double? MaxTop3GramFraction = null, double? MaxTop4GramFraction = null,
    double? MaxDuplicate5GramFraction = null, double? MaxDuplicate6GramFraction = null, double? MaxDuplicate7GramFraction = null,
    double? MaxDuplicate8GramFraction = null, double? MaxDuplicate9GramFraction = null, double? MaxDuplicate10GramFraction = null);

/// <summary>Repetition rules of Gopher (arXiv:2112.11446, table A1) as datatrove's GopherRepetitionFilter computes them: paragraphs are
/// parted by empty lines, lines by any number of line breaks; n-grams are of the text's words, the most frequent one counted with spaces
/// between its words, all as fractions of the text's characters.
/// Otherwise than there: fractions end at 1 (overlapping n-grams can count for more than the text), and see <see cref="RepeatedGrams"/>.
/// FineWeb-2 leaves out the rules on paragraphs and on characters in lines for its languages.</summary>
internal sealed class GopherRepetition : IFilter
{
    private const int Paragraphs = 0, ParagraphChars = 1, Lines = 2, LineChars = 3, Grams = 4;
    private static readonly double[] DefaultTop = [0.20, 0.18, 0.16], DefaultDuplicate = [0.15, 0.14, 0.13, 0.12, 0.11, 0.10];
    private readonly RuleList _rules;

    public GopherRepetition(GopherRepetitionSettings settings)
    {
        double?[] top = [settings.MaxTop2GramFraction, settings.MaxTop3GramFraction, settings.MaxTop4GramFraction];
        double?[] duplicate =
        [
            settings.MaxDuplicate5GramFraction, settings.MaxDuplicate6GramFraction, settings.MaxDuplicate7GramFraction,
            settings.MaxDuplicate8GramFraction, settings.MaxDuplicate9GramFraction, settings.MaxDuplicate10GramFraction,
        ];
        _rules = new(
            Name,
            (rules, language) =>
            {
                var off = language.IsMultilingual;
                rules.AtMost(
                    "maxDuplicateParagraphFraction",
                    Paragraphs,
                    settings.MaxDuplicateParagraphFraction ?? (off ? RuleList.Off : 0.3)
                );
                rules.AtMost(
                    "maxDuplicateParagraphCharFraction",
                    ParagraphChars,
                    settings.MaxDuplicateParagraphCharFraction ?? (off ? RuleList.Off : 0.2)
                );
                rules.AtMost(
                    "maxDuplicateLineFraction",
                    Lines,
                    settings.MaxDuplicateLineFraction ?? language.MaxDuplicateLineFraction ?? 0.3
                );
                rules.AtMost(
                    "maxDuplicateLineCharFraction",
                    LineChars,
                    settings.MaxDuplicateLineCharFraction ?? (off ? RuleList.Off : 0.2)
                );
                for (var n = 2; n <= 4; n++)
                    rules.AtMost($"maxTop{n}GramFraction", Grams + n - 2, top[n - 2] ?? language.TopNGrams?[n - 2] ?? DefaultTop[n - 2]);
                for (var n = 5; n <= 10; n++)
                    rules.AtMost(
                        $"maxDuplicate{n}GramFraction",
                        Grams + n - 2,
                        duplicate[n - 5] ?? language.DuplicateNGrams?[n - 5] ?? DefaultDuplicate[n - 5]
                    );
            }
        );
    }

    public string Name => "gopherRepetition";

    public IReadOnlyList<string> Measures { get; } =
    [
        "gopher_repetition_duplicate_paragraph_fraction",
        "gopher_repetition_duplicate_paragraph_char_fraction",
        "gopher_repetition_duplicate_line_fraction",
        "gopher_repetition_duplicate_line_char_fraction",
        "gopher_repetition_top_2_gram_fraction",
        "gopher_repetition_top_3_gram_fraction",
        "gopher_repetition_top_4_gram_fraction",
        "gopher_repetition_duplicate_5_gram_fraction",
        "gopher_repetition_duplicate_6_gram_fraction",
        "gopher_repetition_duplicate_7_gram_fraction",
        "gopher_repetition_duplicate_8_gram_fraction",
        "gopher_repetition_duplicate_9_gram_fraction",
        "gopher_repetition_duplicate_10_gram_fraction",
    ];

    public IReadOnlyList<Rule> Rules(string language) => _rules.For(language);

    public void Measure(TextView text, string language, Span<double> values)
    {
        values.Fill(double.NaN);
        var length = (double)text.Text.Length;
        if (length == 0) return;
        var lines = ArrayPool<ulong>.Shared.Rent(Math.Max(1, text.Lines.Length));
        MeasureLines(text, lines, values);
        MeasureParagraphs(text, lines, values);
        ArrayPool<ulong>.Shared.Return(lines);
        RepeatedGrams.Count(text.Words, values.Slice(Grams, RepeatedGrams.Sizes));
        foreach (ref var value in values[Grams..]) value = Math.Min(1, value / length);
    }

    /// <param name="hashes">Receives each line's.</param>
    private static void MeasureLines(TextView text, ulong[] hashes, Span<double> values)
    {
        using var seen = new SeenHashes(text.Lines.Length);
        var duplicates = text.StartsWithBreak && text.EndsWithBreak ? 1 : 0;
        var count = text.Lines.Length + (text.StartsWithBreak ? 1 : 0) + (text.EndsWithBreak ? 1 : 0);
        long chars = 0;
        for (var index = 0; index < text.Lines.Length; index++)
        {
            ref readonly var line = ref text.Lines[index];
            hashes[index] = TextHash.Of(text.Of(line));
            if (seen.Add(hashes[index])) continue;
            duplicates++;
            chars += line.Length;
        }
        values[Lines] = (double)duplicates / count;
        values[LineChars] = (double)chars / text.Text.Length;
    }

    private static void MeasureParagraphs(TextView text, ulong[] hashes, Span<double> values)
    {
        var content = text.Text.AsSpan();
        var first = content.Length - content.TrimStart().Length;
        var last = content.TrimEnd().Length;
        var lines = text.Lines;
        using var seen = new SeenHashes(lines.Length);
        int paragraphs = 0, duplicates = 0;
        long chars = 0;
        for (var index = 0; index < lines.Length;)
        {
            var line = index;
            var start = Math.Max(first, lines[index].Start);
            var end = lines[index++].End;
            while (index < lines.Length && !lines[index].StartsParagraph) end = lines[index++].End;
            end = Math.Min(end, last);
            if (start >= end) continue;
            paragraphs++;
            var isLine = lines[line].Start == start && lines[line].End == end;
            if (seen.Add(isLine ? hashes[line] : TextHash.Of(content[start..end]))) continue;
            duplicates++;
            chars += end - start;
        }
        values[Paragraphs] = paragraphs == 0 ? 0 : (double)duplicates / paragraphs;
        values[ParagraphChars] = (double)chars / content.Length;
    }
}
