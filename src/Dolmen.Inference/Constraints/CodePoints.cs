using System.Globalization;

namespace Dolmen.Inference.Constraints;

/// <summary>A set of Unicode scalar values, kept as sorted ranges that neither touch nor overlap.</summary>
internal sealed class CodePoints
{
    public const int Last = 0x10FFFF;

    private const int FirstSurrogate = 0xD800, LastSurrogate = 0xDFFF;

    private CodePoints(IReadOnlyList<(int Low, int High)> ranges) => Ranges = ranges;

    public IReadOnlyList<(int Low, int High)> Ranges { get; }

    public static CodePoints None { get; } = new([]);

    public static CodePoints All { get; } = new([(0, FirstSurrogate - 1), (LastSurrogate + 1, Last)]);

    public bool IsEmpty => Ranges.Count == 0;

    public static CodePoints Of(int codePoint) => Range(codePoint, codePoint);

    /// <summary>Every member of the text, as in a character class.</summary>
    public static CodePoints AnyOf(string text) => Of(text.EnumerateRunes().Select(rune => (rune.Value, rune.Value)));

    public static CodePoints Range(int low, int high) => Of([(low, high)]);

    /// <summary>Surrogates are left out: no text of UTF-8 holds one.</summary>
    public static CodePoints Of(IEnumerable<(int Low, int High)> ranges)
    {
        var merged = new List<(int Low, int High)>();
        foreach (var (low, high) in ranges.SelectMany(WithoutSurrogates).Order())
        {
            if (merged.Count > 0 && low <= merged[^1].High + 1) merged[^1] = (merged[^1].Low, Math.Max(high, merged[^1].High));
            else merged.Add((low, high));
        }
        return new CodePoints(merged);
    }

    /// <summary>All characters whose general category is among those given.</summary>
    public static CodePoints OfCategories(Func<UnicodeCategory, bool> wanted)
    {
        var ranges = new List<(int Low, int High)>();
        for (var codePoint = 0; codePoint <= Last; codePoint++)
        {
            if (!wanted(CharUnicodeInfo.GetUnicodeCategory(codePoint))) continue;
            if (ranges.Count > 0 && ranges[^1].High == codePoint - 1) ranges[^1] = (ranges[^1].Low, codePoint);
            else ranges.Add((codePoint, codePoint));
        }
        return Of(ranges);
    }

    public CodePoints Union(CodePoints other) => Of(Ranges.Concat(other.Ranges));

    public CodePoints Without(CodePoints other) => Intersect(other.Complement());

    public CodePoints Complement()
    {
        var (gaps, next) = (new List<(int Low, int High)>(), 0);
        foreach (var (low, high) in Ranges)
        {
            if (low > next) gaps.Add((next, low - 1));
            next = high + 1;
        }
        if (next <= Last) gaps.Add((next, Last));
        return Of(gaps);
    }

    public CodePoints Intersect(CodePoints other)
    {
        var common = new List<(int Low, int High)>();
        for (int i = 0, j = 0; i < Ranges.Count && j < other.Ranges.Count;)
        {
            var (low, high) = (Math.Max(Ranges[i].Low, other.Ranges[j].Low), Math.Min(Ranges[i].High, other.Ranges[j].High));
            if (low <= high) common.Add((low, high));
            if (Ranges[i].High < other.Ranges[j].High) i++;
            else j++;
        }
        return new CodePoints(common);
    }

    public bool Contains(int codePoint)
    {
        foreach (var (low, high) in Ranges)
        {
            if (codePoint <= high) return codePoint >= low;
        }
        return false;
    }

    private static IEnumerable<(int Low, int High)> WithoutSurrogates((int Low, int High) range)
    {
        if (range.Low < FirstSurrogate && range.Low <= range.High) yield return (range.Low, Math.Min(range.High, FirstSurrogate - 1));
        if (range.High > LastSurrogate) yield return (Math.Max(range.Low, LastSurrogate + 1), range.High);
    }
}
