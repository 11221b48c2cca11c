using System.Buffers;

namespace Dolmen.Retrieval;

/// <summary>
/// The words that an index knows a text by, in documents and questions alike: words without their English endings, the parts of
/// identifiers, pairs of signs where a script writes no spaces, and names.
/// </summary>
/// <remarks>
/// A title such as <c>System.String.Trim(Char trimChar)</c> is also known by its names: <c>.trim</c>, <c>string.trim</c>,
/// <c>system.string.trim</c>, by the same with parameters, <c>trim(char)</c>, and by what it belongs to, <c>string:</c> and
/// <c>system.string:</c>. Names are rare, so BM25 weighs a question's name above its other words.
/// </remarks>
internal static class IndexTerms
{
    private const int MaxTermChars = 200;
    private static readonly SearchValues<char> Vowels = SearchValues.Create("aeiouy");

    /// <summary>The words of running text.</summary>
    public static void AddWords(ReadOnlySpan<char> text, List<string> terms)
    {
        for (var i = 0; i < text.Length;)
        {
            if (!IsWordChar(text, i))
            {
                i++;
                continue;
            }
            var start = i;
            var unspaced = IsUnspaced(text[i]);
            while (i < text.Length && IsWordChar(text, i) && IsUnspaced(text[i]) == unspaced) i++;
            var word = text[start..i];
            if (unspaced) AddPairs(word, terms);
            else AddWord(word, terms);
        }
    }

    /// <summary>What a title is called: see <see cref="NamePath"/>.</summary>
    public static void AddNames(string title, List<string> terms)
    {
        foreach (var path in NamePath.Find(title, most: 1))
        {
            terms.AddRange(path.Names());
            terms.AddRange(path.Containers());
        }
    }

    private static void AddWord(ReadOnlySpan<char> word, List<string> terms)
    {
        if (word.Length > MaxTermChars) return;
        var whole = Stem(word.ToString().ToLowerInvariant());
        terms.Add(whole);
        var parts = 0;
        for (int i = 1, start = 0; i <= word.Length; i++)
        {
            if (i < word.Length && !IsPartStart(word, i)) continue;
            if (i == word.Length && parts == 0) break;
            var part = word[start..i].Trim('_');
            if (part.Length > 0) terms.Add(Stem(part.ToString().ToLowerInvariant()));
            parts++;
            start = i;
        }
    }

    // Where a script has no spaces, two signs in a row stand for a word.
    private static void AddPairs(ReadOnlySpan<char> run, List<string> terms)
    {
        if (run.Length == 1) terms.Add(run.ToString());
        for (var i = 0; i + 1 < run.Length; i++) terms.Add(run.Slice(i, 2).ToString());
    }

    private static bool IsPartStart(ReadOnlySpan<char> word, int i) =>
        (char.IsUpper(word[i]) && (!char.IsUpper(word[i - 1]) || (i + 1 < word.Length && char.IsLower(word[i + 1]))))
        || (word[i] == '_') != (word[i - 1] == '_');

    private static bool IsWordChar(ReadOnlySpan<char> text, int i) =>
        char.IsLetterOrDigit(text[i])
        || text[i] == '_'
        || char.IsSurrogate(text[i])
        || char.GetUnicodeCategory(text[i]) is System.Globalization.UnicodeCategory.NonSpacingMark
            or System.Globalization.UnicodeCategory.SpacingCombiningMark;

    // Thai, Lao, Burmese and Khmer; kana and Han.
    private static bool IsUnspaced(char c) =>
        c is (>= '\u0E00' and <= '\u0EFF')
            or (>= '\u1000' and <= '\u109F')
            or (>= '\u1780' and <= '\u17FF')
            or (>= '\u3040' and <= '\u30FF')
            or (>= '\u3400' and <= '\u9FFF')
            or (>= '\uF900' and <= '\uFAFF');

    /// <summary>An English word without its ending, so that "removes", "removed" and "removing" are one term, which need not be a
    /// word.</summary>
    internal static string Stem(string word)
    {
        if (word.Length <= 3 || word.AsSpan().IndexOfAnyExceptInRange('a', 'z') >= 0) return word;
        var stem = word.AsSpan();
        if (stem.EndsWith("ies")) stem = word[..^3] + "y";
        else if (stem.EndsWith("es")) stem = stem[..^2];
        else if (stem[^1] == 's' && stem[^2] is not ('s' or 'u' or 'i')) stem = stem[..^1];
        else if (stem.EndsWith("ing") && HasVowel(stem[..^3])) stem = stem[..^3];
        else if (stem.EndsWith("ed") && HasVowel(stem[..^2])) stem = stem[..^2];
        if (stem.Length > 3 && stem[^1] == 'e') stem = stem[..^1];
        if (stem.Length > 2 && stem[^1] == stem[^2]) stem = stem[..^1];
        return stem.ToString();
    }

    private static bool HasVowel(ReadOnlySpan<char> text) => text.Length > 1 && text.IndexOfAny(Vowels) >= 0;
}
