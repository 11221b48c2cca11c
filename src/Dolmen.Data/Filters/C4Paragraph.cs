namespace Dolmen.Data.Filters;

/// <param name="ParagraphLength">Least characters of a line that counts as a paragraph.</param>
internal sealed record C4ParagraphSettings(double? MinParagraphs = null, int ParagraphLength = 200);

/// <summary>mC4's rule (arXiv:2010.11934, 3.1), as datatrove's C4ParagraphFilter: at least 3 lines of 200 characters or more.</summary>
internal sealed class C4Paragraph : IFilter
{
    private readonly int _length;
    private readonly RuleList _rules;

    public C4Paragraph(C4ParagraphSettings settings)
    {
        _length = settings.ParagraphLength;
        _rules = new(Name, (rules, _) => rules.AtLeast("minParagraphs", 0, settings.MinParagraphs ?? 3));
    }

    public string Name => "c4Paragraph";

    public IReadOnlyList<string> Measures { get; } = ["c4_paragraph_long_lines"];

    public IReadOnlyList<Rule> Rules(string language) => _rules.For(language);

    public void Measure(TextView text, string language, Span<double> values)
    {
        var count = 0;
        foreach (ref readonly var line in text.Lines)
        {
            if (line.Length >= _length) count++;
        }
        values[0] = count;
    }
}
