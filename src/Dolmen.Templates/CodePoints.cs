using System.Buffers;

namespace Dolmen.Templates;

/// <summary>Python counts a string in code points, .NET in UTF-16 units: these count as Python does.</summary>
internal static class CodePoints
{
    private static readonly SearchValues<char> Surrogates =
        SearchValues.Create([.. Enumerable.Range(0xD800, 0x800).Select(value => (char)value)]);

    public static int Count(string text)
    {
        if (!text.AsSpan().ContainsAny(Surrogates)) return text.Length;
        var count = 0;
        for (var at = 0; at < text.Length; at += UnitsAt(text, at)) count++;
        return count;
    }

    public static int UnitsAt(string text, int at) =>
        char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]) ? 2 : 1;

    public static IEnumerable<Text> Each(Text text)
    {
        for (var at = 0; at < text.Length;)
        {
            var units = UnitsAt(text.Value, at);
            yield return text.Slice(at, units);
            at += units;
        }
    }

    /// <summary>The UTF-16 offset of a code point; <paramref name="index"/> may be one past the end.</summary>
    public static int Offset(string text, int index)
    {
        if (!text.AsSpan().ContainsAny(Surrogates)) return index;
        var at = 0;
        for (; index > 0; index--) at += UnitsAt(text, at);
        return at;
    }
}
