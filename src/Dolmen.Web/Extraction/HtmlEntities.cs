using System.Text;
using AngleSharp.Html;

namespace Dolmen.Web.Extraction;

/// <summary>Character references. Names come from AngleSharp's table of all 2,231.</summary>
public static class HtmlEntities
{
    // CounterClockwiseContourIntegral; the longest that may lack its semicolon is six letters.
    private const int MaxName = 32;
    private const int MaxLegacyName = 6;
    private const string Windows1252 =
        "\u20AC\u0081\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\u008D\u017D\u008F"
        + "\u0090\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\u009D\u017E\u0178";

    public static string Decode(ReadOnlySpan<char> text)
    {
        if (!text.Contains('&')) return text.ToString();
        var result = new StringBuilder(text.Length);
        while (text.Length > 0)
        {
            var at = text.IndexOf('&');
            if (at < 0) break;
            result.Append(text[..at]);
            text = text[at..];
            var used = Read(text, out var value);
            if (used == 0) result.Append('&');
            else result.Append(value);
            text = text[Math.Max(1, used)..];
        }
        return result.Append(text).ToString();
    }

    /// <summary>Reads the reference at the start of <paramref name="text"/>, an ampersand.</summary>
    /// <returns>How many characters it takes; 0 when it is not a reference.</returns>
    public static int Read(ReadOnlySpan<char> text, out string value)
    {
        value = "";
        if (text.Length < 3) return 0;
        if (text[1] == '#') return ReadNumber(text, out value);
        var length = 0;
        while (length < MaxName && length + 1 < text.Length && char.IsAsciiLetterOrDigit(text[length + 1])) length++;
        if (length < 2) return 0;
        var name = text.Slice(1, length);
        var ended = length + 1 < text.Length && text[length + 1] == ';';
        if (ended && Named(text.Slice(1, length + 1)) is { } symbol)
        {
            value = symbol;
            return length + 2;
        }
        for (var prefix = Math.Min(MaxLegacyName, length); prefix >= 2; prefix--)
        {
            if (Named(name[..prefix]) is not { } legacy) continue;
            value = legacy;
            return prefix + 1;
        }
        return 0;
    }

    private static string? Named(ReadOnlySpan<char> name) => name switch
    {
        "nbsp;" => "\u00A0",
        "amp;" => "&",
        "quot;" => "\"",
        "lt;" => "<",
        "gt;" => ">",
        "rsquo;" => "\u2019",
        "lsquo;" => "\u2018",
        "rdquo;" => "\u201D",
        "ldquo;" => "\u201C",
        "mdash;" => "\u2014",
        "ndash;" => "\u2013",
        "hellip;" => "\u2026",
        _ => HtmlEntityProvider.Resolver.GetSymbol(name.ToString()),
    };

    private static int Digit(char c) => char.IsAsciiDigit(c) ? c - (int)'0' : (c | 0x20) - (int)'a' + 10;

    private static int ReadNumber(ReadOnlySpan<char> text, out string value)
    {
        value = "";
        var at = 2;
        var radix = 10;
        if (at < text.Length && text[at] is 'x' or 'X') (at, radix) = (3, 16);
        var first = at;
        var code = 0;
        for (; at < text.Length && (radix == 16 ? char.IsAsciiHexDigit(text[at]) : char.IsAsciiDigit(text[at])); at++)
            if (code <= 0x10FFFF) code = (code * radix) + Digit(text[at]);
        if (at == first) return 0;
        if (code is >= 0x80 and <= 0x9F) code = Windows1252[code - 0x80];
        value = Rune.IsValid(code) && code != 0 ? new Rune(code).ToString() : "\uFFFD";
        return at < text.Length && text[at] == ';' ? at + 1 : at;
    }
}
