using System.Buffers;
using System.Globalization;
using Dolmen.Artifacts;

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

    // Upper and lower case, with diacritics and without, are one letter.
    private static readonly char[] Folded = Fold();

    /// <summary>The words of running text.</summary>
    public static void AddWords(ReadOnlySpan<char> text, List<string> terms)
    {
        foreach (var range in Words(text))
        {
            var word = text[range];
            if (IsUnspaced(word[0])) AddPairs(word, terms);
            else AddWord(word, terms);
        }
    }

    /// <summary>Where words are: letters, digits and marks in a row, of scripts with or without spaces.</summary>
    public static List<Range> Words(ReadOnlySpan<char> text)
    {
        var words = new List<Range>();
        for (var i = 0; i < text.Length;)
        {
            if (!IsWordChar(text[i]))
            {
                i++;
                continue;
            }
            var start = i;
            var unspaced = IsUnspaced(text[i]);
            while (i < text.Length && IsWordChar(text[i]) && IsUnspaced(text[i]) == unspaced) i++;
            words.Add(start..i);
        }
        return words;
    }

    /// <summary>What a title is called: see <see cref="NamePath"/>.</summary>
    public static void AddNames(string title, List<string> terms)
    {
        foreach (var path in NamePath.Find(title, most: 1))
        {
            terms.AddRange(path.Names());
            terms.AddRange(path.Containers());
            if (path.Segments[^1] == NamePath.Constructor) terms.Add(NamePath.Constructor);
        }
    }

    private static void AddWord(ReadOnlySpan<char> word, List<string> terms)
    {
        if (word.Length > MaxTermChars) return;
        if (Stem(Lower(word)) is not { Length: > 0 } whole) return;
        terms.Add(whole);
        var start = 0;
        for (var i = 1; i <= word.Length; i++)
        {
            if (i < word.Length ? !IsPartStart(word, i) : start == 0) continue;
            var part = word[start..i].Trim('_');
            if (part.Length > 0) terms.Add(Stem(Lower(part)));
            start = i;
        }
    }

    /// <summary>In lower case and without diacritics.</summary>
    public static string Lower(ReadOnlySpan<char> word)
    {
        Span<char> folded = word.Length <= 256 ? stackalloc char[word.Length] : new char[word.Length];
        var length = 0;
        foreach (var c in word)
        {
            var isMark = c is >= '\u0300' and <= '\u036F';
            if (!isMark) folded[length++] = Folded[c];
        }
        return new string(folded[..length]);
    }

    private static char[] Fold()
    {
        var letters = new char[char.MaxValue + 1];
        for (var i = 0; i < letters.Length; i++) letters[i] = char.ToLowerInvariant((char)i);
        Diacritics.Fold(letters);
        return letters;
    }

    // Where a script has no spaces, two signs in a row stand for a word.
    internal static void AddPairs(ReadOnlySpan<char> run, List<string> terms)
    {
        if (run.Length == 1) terms.Add(run.ToString());
        for (var i = 0; i + 1 < run.Length; i++) terms.Add(run.Slice(i, 2).ToString());
    }

    private static bool IsPartStart(ReadOnlySpan<char> word, int i) =>
        (char.IsUpper(word[i]) && (!char.IsUpper(word[i - 1]) || (i + 1 < word.Length && char.IsLower(word[i + 1]))))
        || (word[i] == '_') != (word[i - 1] == '_');

    private static bool IsWordChar(char c) =>
        char.IsLetterOrDigit(c)
        || c == '_'
        || (c > 127 && (char.IsSurrogate(c) || IsMark(char.GetUnicodeCategory(c))));

    private static bool IsMark(UnicodeCategory category) =>
        category is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;

    // Thai, Lao, Burmese and Khmer; kana and Han.
    internal static bool IsUnspaced(char c) =>
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
