using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Dolmen.Data.Filters;

/// <param name="MaxUppercaseFraction">Of a line's letters; a line with more is dropped.</param>
/// <param name="MaxBoilerplateWords">Lines up to so many words are looked at for "read more" and its like.</param>
/// <param name="MinWords">A line with fewer words is dropped.</param>
/// <param name="MaxRemovedFraction">Of the document's words: with more in dropped lines the document goes.</param>
internal sealed record LinesSettings(
    double? MaxRemovedFraction = null, double MaxUppercaseFraction = 0.5, bool DropNumericLines = true, bool DropCounterLines = true,
    int MaxBoilerplateWords = 10, int MinWords = 2);

/// <summary>Line-wise corrections of RefinedWeb (arXiv:2306.01116, G.2), whose order and figures DCLM's baseline has too: lines mainly in
/// capitals, of digits alone, counters ("3 likes"), of one word, and short ones that beg ("sign in", "read more", "items in cart") are
/// dropped; a document that loses more than 5 % of its words by that is rejected. For languages with capitals and for English phrases;
/// one-word lines are only dropped where spaces part words.</summary>
internal sealed class Lines : IFilter
{
    private const int MaxCounterWords = 3;

    private static readonly SearchValues<string> Counted = SearchValues.Create(
        [
            "likes",
            "like",
            "shares",
            "share",
            "comments",
            "comment",
            "retweets",
            "retweet",
            "reposts",
            "quotes",
            "bookmarks",
            "upvotes",
            "downvotes",
            "downloads",
            "views",
            "view",
            "followers",
            "following",
            "replies",
            "reply",
            "votes",
        ],
        StringComparison.OrdinalIgnoreCase
    );
    private static readonly SearchValues<string> Cart = SearchValues.Create(["items in cart"], StringComparison.OrdinalIgnoreCase);
    private readonly RuleList _rules;
    private readonly LinesSettings _settings;

    public Lines(LinesSettings settings)
    {
        _settings = settings;
        _rules = new(Name, (rules, _) => rules.AtMost("maxRemovedFraction", 0, settings.MaxRemovedFraction ?? 0.05));
    }

    public string Name => "lines";

    public IReadOnlyList<string> Measures { get; } = ["lines_removed_fraction"];

    public IReadOnlyList<Rule> Rules(string language) => _rules.For(language);

    public TextView Edit(TextView text, string language)
    {
        var spaced = LanguageThresholds.For(language).WritesSpaces;
        var lines = text.Lines;
        var marks = ArrayPool<bool>.Shared.Rent(Math.Max(1, lines.Length));
        var all = true;
        for (var index = 0; index < lines.Length; index++)
        {
            marks[index] = Keeps(text.Of(lines[index]).Trim(), lines[index].Chunks, spaced);
            all &= marks[index];
        }
        var kept = all ? text : text.Keep(marks.AsSpan(0, lines.Length), this);
        ArrayPool<bool>.Shared.Return(marks);
        return kept;
    }

    public void Measure(TextView text, string language, Span<double> values) =>
        values[0] = text.Editor == this && text.WordsBefore > 0 ? (double)(text.WordsBefore - text.Words.Length) / text.WordsBefore : 0;

    private bool Keeps(ReadOnlySpan<char> line, int words, bool spaced)
    {
        if (line.IsEmpty || (spaced && words < _settings.MinWords)) return false;
        if (words <= _settings.MaxBoilerplateWords && IsBoilerplate(line)) return false;
        // Where small letters are the rest of the share there is no room for too many capitals: so with nearly every line of prose.
        var small = AsciiSmallLetters(line);
        if (small > 0 && words > MaxCounterWords && small >= line.Length * (1 - _settings.MaxUppercaseFraction)) return true;
        int letters = 0, capitals = 0, digits = 0;
        foreach (var unit in line)
        {
            if (char.IsDigit(unit)) digits++;
            else if (char.IsLetter(unit))
            {
                letters++;
                if (char.IsUpper(unit)) capitals++;
            }
        }
        if (capitals > _settings.MaxUppercaseFraction * letters) return false;
        if (_settings.DropNumericLines && letters == 0 && digits > 0) return false;
        return !(_settings.DropCounterLines && digits > 0 && words <= MaxCounterWords && IsCounter(line));
    }

    private static int AsciiSmallLetters(ReadOnlySpan<char> line)
    {
        int count = 0, at = 0;
        for (; at + Vector128<ushort>.Count <= line.Length; at += Vector128<ushort>.Count)
        {
            var units = Vector128.LoadUnsafe(ref Unsafe.As<char, ushort>(ref MemoryMarshal.GetReference(line)), (nuint)at);
            count += BitOperations.PopCount(
                Vector128.LessThan(units - Vector128.Create((ushort)'a'), Vector128.Create((ushort)26)).ExtractMostSignificantBits()
            );
        }
        for (; at < line.Length; at++)
        {
            if (char.IsAsciiLetterLower(line[at])) count++;
        }
        return count;
    }

    private static bool IsBoilerplate(ReadOnlySpan<char> line) =>
        line.StartsWith("sign-in", StringComparison.OrdinalIgnoreCase) || line.StartsWith("sign in", StringComparison.OrdinalIgnoreCase)
        || line.TrimEnd(".…").TrimEnd().EndsWith("read more", StringComparison.OrdinalIgnoreCase)
        || line.ContainsAny(Cart);

    /// <summary>A number and what is counted, nothing else: <c>1.2K views</c>.</summary>
    private static bool IsCounter(ReadOnlySpan<char> line)
    {
        var space = line.IndexOf(' ');
        if (space <= 0 || !char.IsDigit(line[0])) return false;
        var thing = line[(space + 1)..].Trim();
        return thing.IndexOfAny(Counted) == 0 && thing.IndexOf(' ') < 0;
    }
}
