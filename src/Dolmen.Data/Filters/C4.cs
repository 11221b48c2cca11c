using System.Buffers;
using System.Text;

namespace Dolmen.Data.Filters;

/// <param name="MinWordsPerLine">A line with fewer words is dropped.</param>
/// <param name="MaxWordLength">A line with a longer word is dropped.</param>
/// <param name="RequireTerminalPunctuation">C4 drops lines that end otherwise; FineWeb found that this costs too much and turned it
/// off.</param>
/// <param name="AllLanguages">FineWeb-2 applies none of C4's rules to other languages than English.</param>
internal sealed record C4Settings(
    double? MinSentences = null,
    double? MaxLoremIpsum = null,
    double? MaxCurlyBrackets = null,
    int MinWordsPerLine = 3,
    int MaxWordLength = 1000,
    bool DropJavascriptLines = true,
    bool DropPolicyLines = true,
    bool StripCitations = true,
    bool RequireTerminalPunctuation = false,
    bool AllLanguages = false
);

/// <summary>Rules of C4 (JMLR 21/140, 2.2) as datatrove's C4QualityFilter applies them: lines are dropped first, the document rules look
/// at what is left. A line that would drop the document (lorem ipsum, a curly bracket) is not dropped for what is asked after it.
/// Otherwise than there: sentences are those of <see cref="TextCutter"/>, words of a line are counted after citation marks are gone (so
/// that filtering twice changes nothing), and in scripts without spaces they are the words cut.</summary>
internal sealed class C4 : IFilter
{
    private const int Sentences = 0,
        LoremIpsum = 1,
        CurlyBrackets = 2;
    private const string Lorem = "lorem ipsum",
        Javascript = "javascript";
    private static readonly string[] Policies =
    [
        "terms of use",
        "privacy policy",
        "cookie policy",
        "uses cookies",
        "use of cookies",
        "use cookies",
    ];
    private static readonly SearchValues<string> Suspects = SearchValues.Create(
        [Lorem, Javascript, .. Policies],
        StringComparison.OrdinalIgnoreCase
    );
    private static readonly SearchValues<string> PolicySearch = SearchValues.Create(Policies, StringComparison.OrdinalIgnoreCase);
    private static readonly SearchValues<string> LoremSearch = SearchValues.Create([Lorem], StringComparison.OrdinalIgnoreCase);
    private readonly RuleList _rules;
    private readonly C4Settings _settings;

    public C4(C4Settings settings)
    {
        _settings = settings;
        _rules = new(Name, (rules, language) =>
        {
            if (!Applies(language)) return;
            rules.AtMost("maxLoremIpsum", LoremIpsum, settings.MaxLoremIpsum ?? 0);
            rules.AtMost("maxCurlyBrackets", CurlyBrackets, settings.MaxCurlyBrackets ?? 0);
            rules.AtLeast("minSentences", Sentences, settings.MinSentences ?? 5);
        });
    }

    public string Name => "c4";

    public IReadOnlyList<string> Measures { get; } = ["c4_sentences", "c4_lorem_ipsum", "c4_curly_brackets"];

    public IReadOnlyList<Rule> Rules(string language) => _rules.For(language);

    public TextView Edit(TextView text, string language)
    {
        var thresholds = LanguageThresholds.For(language);
        if (!Applies(thresholds)) return text;
        var stripped = _settings.StripCitations ? Citations.Strip(text.Text) : text.Text;
        var view = ReferenceEquals(stripped, text.Text) ? text : TextView.Of(stripped, text.Language, text.IsMarkdown);
        var lines = view.Lines;
        var marks = ArrayPool<bool>.Shared.Rent(Math.Max(1, lines.Length));
        var suspicious = view.Text.AsSpan().ContainsAny(Suspects);
        var all = view.LineBreaks + 1 == lines.Length;
        for (var index = 0; index < lines.Length; index++)
        {
            marks[index] = Keeps(view, index, thresholds.WritesSpaces, suspicious);
            all &= marks[index];
        }
        var kept = all ? view : view.Keep(marks.AsSpan(0, lines.Length), this);
        if (!all && !ReferenceEquals(view, text)) view.Dispose();
        ArrayPool<bool>.Shared.Return(marks);
        return kept;
    }

    public void Measure(TextView text, string language, Span<double> values)
    {
        values[Sentences] = text.Sentences;
        values[CurlyBrackets] = text.Text.AsSpan().Count('{');
        var lorem = 0;
        for (var rest = text.Text.AsSpan(); rest.IndexOfAny(LoremSearch) is >= 0 and var at; rest = rest[(at + Lorem.Length)..]) lorem++;
        values[LoremIpsum] = lorem;
    }

    private bool Applies(LanguageThresholds language) => _settings.AllLanguages || !language.IsMultilingual;

    private bool Keeps(TextView text, int index, bool spaced, bool suspicious)
    {
        ref readonly var line = ref text.Lines[index];
        var (words, longest) = spaced ? (line.Chunks, line.LongestChunk) : CutWords(text, index);
        if (longest > _settings.MaxWordLength || words < _settings.MinWordsPerLine || line.Chunks == 0) return false;
        if (!_settings.RequireTerminalPunctuation && !suspicious) return true;
        var content = text.Of(line).Trim();
        if (_settings.RequireTerminalPunctuation && (content[^1] is not ('.' or '?' or '!' or '"' or '\'') || content.EndsWith("...")))
            return false;
        if (!suspicious || !content.ContainsAny(Suspects) || content.Contains(Lorem, StringComparison.OrdinalIgnoreCase))
            return true;
        if (_settings.DropJavascriptLines && content.Contains(Javascript, StringComparison.OrdinalIgnoreCase))
            return false;
        return content.Contains('{') || !_settings.DropPolicyLines || !content.ContainsAny(PolicySearch);
    }

    private static (int Words, int Longest) CutWords(TextView text, int line)
    {
        int count = 0, longest = 0;
        foreach (ref readonly var word in text.WordsOf(line))
        {
            if (word.IsPunctuation) continue;
            count++;
            longest = Math.Max(longest, word.Length);
        }
        return (count, longest);
    }
}

/// <summary>Marks of citations as encyclopaedias have them: [12], [], [edit], [citation needed].</summary>
internal static class Citations
{
    private const string Edit = "edit]", Needed = "citation needed]";

    /// <returns>The same text if it has none.</returns>
    public static string Strip(string text)
    {
        // What is left when a mark goes may be a mark itself; each round takes brackets away, and few texts nest them.
        for (var round = 0; round < 8 && Once(text) is { } stripped; round++) text = stripped;
        return text;
    }

    private static string? Once(string text)
    {
        StringBuilder? kept = null;
        var from = 0;
        for (var at = text.IndexOf('['); at >= 0; at = at + 1 < text.Length ? text.IndexOf('[', at + 1) : -1)
        {
            var length = LengthAt(text.AsSpan(at + 1));
            if (length == 0) continue;
            (kept ??= new StringBuilder(text.Length)).Append(text, from, at - from);
            from = at + 1 + length;
            at = from - 1;
        }
        return kept?.Append(text, from, text.Length - from).ToString();
    }

    private static int LengthAt(ReadOnlySpan<char> rest)
    {
        if (rest.StartsWith(Edit, StringComparison.Ordinal)) return Edit.Length;
        if (rest.StartsWith(Needed, StringComparison.Ordinal)) return Needed.Length;
        var digits = 0;
        // A longer number is not a citation's.
        while (digits < rest.Length && digits < 10 && char.IsDigit(rest[digits])) digits++;
        return digits < rest.Length && rest[digits] == ']' ? digits + 1 : 0;
    }
}
