using Dolmen.Web.Extraction;

namespace Dolmen.Data.Readers;

/// <summary>Where sentences end: at a full stop, question or exclamation mark before white space, outside parentheses and not after an
/// abbreviation.</summary>
internal static class Sentences
{
    private static readonly HashSet<string> Abbreviations = new(StringComparer.OrdinalIgnoreCase)
    {
        "e.g", "i.e", "etc", "vs", "cf", "mr", "mrs", "ms", "dr", "prof", "st", "no", "nos", "fig", "figs", "approx", "ca", "resp",
        "incl", "sec", "vol", "p", "pp", "ed", "eds", "al", "a.k.a", "z.b", "d.h", "bzw", "usw", "u.a", "inc", "ltd", "jr", "sr", "viz",
        "max", "min", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "col", "gen", "capt", "lt",
    };

    public static List<string> Of(string paragraph)
    {
        var found = new List<string>();
        var start = 0;
        while (start < paragraph.Length)
        {
            var end = End(paragraph, start);
            if (end < 0) end = paragraph.Length;
            if (WhiteSpace.Collapse(paragraph[start..end]) is { Length: > 0 } sentence) found.Add(sentence);
            start = end;
        }
        return found;
    }

    /// <summary>The place after the sentence that begins at <paramref name="start"/>; -1 when the text stops before it does.</summary>
    public static int End(ReadOnlySpan<char> text, int start)
    {
        var depth = 0;
        for (var i = start; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '(' or '[':
                    depth++;
                    continue;
                case ')' or ']':
                    depth = Math.Max(0, depth - 1);
                    continue;
                case '。' or '！' or '？':
                    return i + 1;
                case not ('.' or '!' or '?'):
                    continue;
            }
            var after = i + 1;
            var closes = 0;
            while (after < text.Length && ".!?)]\"'”’»*_".Contains(text[after]))
            {
                if (text[after] is ')' or ']') closes++;
                after++;
            }
            if (after < text.Length && !char.IsWhiteSpace(text[after])) continue;
            if (depth - closes > 0) continue;
            // "[, ...]" and "wait ... what": dots before a small letter or at the end of a fragment are not an end.
            if (text[i] == '.' && after < text.Length && (IsAbbreviation(text[start..i]) || IsEllipsisInside(text, i, after))) continue;
            return after;
        }
        return -1;
    }

    private static bool IsEllipsisInside(ReadOnlySpan<char> text, int dot, int after)
    {
        if (after - dot < 2 && (dot == 0 || text[dot - 1] != '.')) return false;
        while (after < text.Length && char.IsWhiteSpace(text[after])) after++;
        return after < text.Length && !char.IsUpper(text[after]);
    }

    private static bool IsAbbreviation(ReadOnlySpan<char> before)
    {
        var begin = before.LastIndexOfAny(" \t\n\u00A0(") + 1;
        var word = before[begin..];
        if (word.Length == 1 && char.IsUpper(word[0])) return true;
        return word.Length is > 0 and <= 6 && Abbreviations.Contains(word.ToString());
    }
}
