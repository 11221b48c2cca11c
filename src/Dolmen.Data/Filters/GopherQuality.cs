namespace Dolmen.Data.Filters;

/// <param name="MinStopWords">Words of the language's list, each occurrence counted.</param>
internal sealed record GopherQualitySettings(
    double? MinWords = null,
    double? MaxWords = null,
    double? MinMeanWordLength = null,
    double? MaxMeanWordLength = null,
    double? MaxHashRatio = null,
    double? MaxEllipsisRatio = null,
    double? MaxBulletLineFraction = null,
    double? MaxEllipsisLineFraction = null,
    double? MinAlphabeticFraction = null,
    double? MinStopWords = null
);

/// <summary>Quality rules of Gopher (arXiv:2112.11446, A.1.1) as datatrove's GopherQualityFilter computes them: word counts and mean length
/// over words that are not punctuation alone, ratios over all of them.
/// Otherwise than there: lengths are in UTF-16 units, all of Unicode's punctuation counts as such, lines end at \n only, a language
/// without a stop word list is not asked for stop words, and a text without words gives no ratios.</summary>
internal sealed class GopherQuality : IFilter
{
    private const int Count = 0, MeanLength = 1, Hashes = 2, Ellipses = 3, Bullets = 4, EllipsisLines = 5, Alphabetic = 6, StopWords = 7;
    private readonly RuleList _rules;

    public GopherQuality(GopherQualitySettings settings) => _rules = new(Name, (rules, language) =>
    {
        rules.AtLeast("minWords", Count, settings.MinWords ?? 50);
        rules.AtMost("maxWords", Count, settings.MaxWords ?? 100_000);
        rules.AtLeast("minMeanWordLength", MeanLength, settings.MinMeanWordLength ?? language.MinMeanWordLength ?? 3);
        rules.AtMost("maxMeanWordLength", MeanLength, settings.MaxMeanWordLength ?? language.MaxMeanWordLength ?? 10);
        rules.AtMost("maxHashRatio", Hashes, settings.MaxHashRatio ?? 0.1);
        rules.AtMost("maxEllipsisRatio", Ellipses, settings.MaxEllipsisRatio ?? 0.1);
        rules.AtMost("maxBulletLineFraction", Bullets, settings.MaxBulletLineFraction ?? 0.9);
        rules.AtMost("maxEllipsisLineFraction", EllipsisLines, settings.MaxEllipsisLineFraction ?? 0.3);
        rules.AtLeast("minAlphabeticFraction", Alphabetic, settings.MinAlphabeticFraction ?? language.MinAlphabeticFraction ?? 0.8);
        rules.AtLeast("minStopWords", StopWords, settings.MinStopWords ?? 2);
    });

    public string Name => "gopherQuality";

    public IReadOnlyList<string> Measures { get; } =
    [
        "gopher_quality_words",
        "gopher_quality_mean_word_length",
        "gopher_quality_hash_ratio",
        "gopher_quality_ellipsis_ratio",
        "gopher_quality_bullet_line_fraction",
        "gopher_quality_ellipsis_line_fraction",
        "gopher_quality_alphabetic_fraction",
        "gopher_quality_stop_words",
    ];

    public IReadOnlyList<Rule> Rules(string language) => _rules.For(language);

    public void Measure(TextView text, string language, Span<double> values)
    {
        var stopWords = LanguageThresholds.For(language).FunctionWords;
        var content = text.Text;
        int count = 0, alphabetic = 0, stops = 0;
        long length = 0, hashes = 0, ellipses = 0;
        foreach (ref readonly var word in text.Words)
        {
            if (word.IsPunctuation)
            {
                switch (content[word.Start])
                {
                    case '#': hashes += word.Length; break;
                    case '.': ellipses += word.Length / 3; break;
                    case '…': ellipses += word.Length; break;
                    default: break;
                }
            }
            else
            {
                count++;
                length += word.Length;
                if (word.IsAlphabetic) alphabetic++;
            }
            if (stopWords.Contains(word)) stops++;
        }
        int bullets = 0, trailing = 0;
        foreach (ref readonly var line in text.Lines)
        {
            var trimmed = text.Of(line).Trim();
            if (trimmed.IsEmpty) continue;
            if (trimmed[0] is '•' or '-') bullets++;
            if (trimmed[^1] == '…' || trimmed.EndsWith("...")) trailing++;
        }
        var words = text.Words.Length;
        values[Count] = count;
        values[MeanLength] = (double)length / count;
        values[Hashes] = (double)hashes / words;
        values[Ellipses] = (double)ellipses / words;
        values[Bullets] = (double)bullets / text.LineCount;
        values[EllipsisLines] = (double)trailing / text.LineCount;
        values[Alphabetic] = (double)alphabetic / words;
        values[StopWords] = stopWords.Count == 0 ? double.NaN : stops;
    }
}
