namespace Dolmen.Data.Filters;

/// <param name="MinChars">UTF-16 units.</param>
/// <param name="MinWords">Words that are not punctuation.</param>
internal sealed record LengthSettings(double? MinChars = null, double? MaxChars = null, double? MinWords = null, double? MaxWords = null);

/// <summary>How long a text may be; nothing is asked unless it is set, except that it is not empty.</summary>
internal sealed class Length(LengthSettings settings) : IFilter
{
    private readonly RuleList _rules = new("length", (rules, _) =>
    {
        rules.AtLeast("minChars", 0, settings.MinChars ?? 1);
        rules.AtMost("maxChars", 0, settings.MaxChars ?? RuleList.Off);
        rules.AtLeast("minWords", 1, settings.MinWords ?? RuleList.Off);
        rules.AtMost("maxWords", 1, settings.MaxWords ?? RuleList.Off);
    });

    public string Name => "length";

    public IReadOnlyList<string> Measures { get; } = ["length_chars", "length_words"];

    public IReadOnlyList<Rule> Rules(string language) => _rules.For(language);

    public void Measure(TextView text, string language, Span<double> values)
    {
        values[0] = text.Text.Length;
        values[1] = text.Words.Length - text.PunctuationWords;
    }
}
