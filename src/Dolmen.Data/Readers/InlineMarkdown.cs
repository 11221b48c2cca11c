using System.Buffers;
using System.Text.RegularExpressions;

namespace Dolmen.Data.Readers;

/// <summary>A line of Markdown as a reader sees it: links are their words, pictures and emphasis are gone. Code keeps its
/// backticks.</summary>
internal static partial class InlineMarkdown
{
    private static readonly SearchValues<char> Marks = SearchValues.Create("[]*_<!");

    public static string Plain(string line)
    {
        if (line.AsSpan().IndexOfAny(Marks) < 0) return line;
        var text = Picture().Replace(line, "");
        text = Link().Replace(text, "$1");
        text = Reference().Replace(text, "$1");
        text = Tag().Replace(text, "");
        text = Strong().Replace(text, "$2");
        return Emphasis().Replace(text, "$2");
    }

    // Nothing below reads on past the next opening mark or, where that may stand inside, past some hundred characters: a line of nothing
    // but openings must not be read to its end for each of them.
    [GeneratedRegex(@"!\[[^\]\[\n]*\]\([^)\[\n]*\)")]
    private static partial Regex Picture();

    [GeneratedRegex(@"\[([^\]\[\n]+)\]\([^)\[\n]*\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"(?<=[\s(]|^)\[([^\]\[\n]{2,})\]\[[^\]\n]*\]")]
    private static partial Regex Reference();

    [GeneratedRegex(@"</?(?:a|b|i|em|strong|span|br|img|p|div|sub|sup|kbd|code|small|u)(?:\s[^<>\n]*)?/?>", RegexOptions.IgnoreCase)]
    private static partial Regex Tag();

    [GeneratedRegex(@"(?<!\w)(\*\*|__)(?=\S)([^*\n]{1,300}?)(?<=\S)\1(?!\w)")]
    private static partial Regex Strong();

    // An asterisk or underscore between words, or inside one, is not emphasis.
    [GeneratedRegex(@"(?<![\w*\\])([*_])(?=[^\s*_])([^*_\n`]+?)(?<=[^\s*_])\1(?![\w*])")]
    private static partial Regex Emphasis();
}
