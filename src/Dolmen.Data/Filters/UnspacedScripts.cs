using System.Buffers;
using System.Globalization;
using System.Text;

namespace Dolmen.Data.Filters;

/// <summary>Words in scripts that write none, without a dictionary: good for counts, lengths and repetition, not for search.
/// Function words (the language's stop words) stand alone wherever they begin and end between clusters; of what is between them,
/// Han and Hiragana go in pairs, Katakana runs stay whole, Thai and Lao go in threes of character clusters, Khmer and Burmese in pairs
/// of syllables. FineWeb-2 expects mean lengths up to 5 in Chinese and Japanese (its tokenizers give about 1.7), 2 to 10 in Thai,
/// 2 to 9 in Lao, 2 to 13 in Khmer, 2 to 21 in Burmese; the rule gives means inside all of these.</summary>
internal static class UnspacedScripts
{
    private const char KhmerCoeng = '\u17D2',
        BurmeseVirama = '\u1039',
        BurmeseAsat = '\u103A',
        BurmeseDot = '\u1037',
        ThaiSilencer = '\u0E4C';

    /// <returns>Where the run of this class ends.</returns>
    public static int Cut(ref TextCutter words, ReadOnlySpan<char> text, int start, CharClass kind, FunctionWords functions)
    {
        var end = EndOfRun(text, start, kind);
        if (kind == CharClass.Katakana)
        {
            words.Add(start, end - start, WordKind.Alphabetic);
            return end;
        }
        var group = kind == CharClass.Cluster && text[start] < '\u1000' ? 3 : 2;
        int wordStart = start, clusters = 0;
        for (var at = start; at < end;)
        {
            var function = functions.LengthAt(text[at..end]);
            if (function > 0 && kind == CharClass.Cluster && at + function < end && !Begins(text, at + function, end)) function = 0;
            if (function > 0 || clusters == group)
            {
                if (at > wordStart) words.Add(wordStart, at - wordStart, WordKind.Alphabetic);
                (wordStart, clusters) = (at, 0);
            }
            if (function > 0)
            {
                words.Add(at, function, WordKind.Alphabetic);
                wordStart = at += function;
                continue;
            }
            at = kind == CharClass.Cluster ? NextCluster(text, at, end) : at + (char.IsHighSurrogate(text[at]) && at + 1 < end ? 2 : 1);
            clusters++;
        }
        if (end > wordStart) words.Add(wordStart, end - wordStart, WordKind.Alphabetic);
        return end;
    }

    private static int EndOfRun(ReadOnlySpan<char> text, int start, CharClass kind)
    {
        var at = start;
        while (at < text.Length)
        {
            var here = CharClasses.Of(text[at]);
            if (here == kind)
            {
                at++;
            }
            else if (
                kind == CharClass.Han
                && here == CharClass.Surrogate
                && Rune.DecodeFromUtf16(text[at..], out var rune, out var units) == OperationStatus.Done
                && CharClasses.Of(rune) == CharClass.Han
            )
            {
                at += units;
            }
            else
            {
                break;
            }
        }
        return at;
    }

    private static int NextCluster(ReadOnlySpan<char> text, int at, int end)
    {
        at++;
        while (at < end && !Begins(text, at, end)) at++;
        return at;
    }

    /// <summary>Whether a cluster begins here, inside a run.</summary>
    private static bool Begins(ReadOnlySpan<char> text, int at, int end)
    {
        var unit = text[at];
        var before = text[at - 1];
        if (before is KhmerCoeng or BurmeseVirama || IsLeadingVowel(before)) return false;
        // Following vowels and the repetition mark of Thai and Lao.
        if (unit is '\u0E30' or '\u0E32' or '\u0E33' or '\u0E45' or '\u0E46' or '\u0EB0' or '\u0EB2' or '\u0EB3' or '\u0EC6')
            return false;
        if (CharUnicodeInfo.GetUnicodeCategory(unit) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark)
            return false;
        // A consonant that a killer follows closes the syllable before it.
        var next = at + 1 < end ? text[at + 1] : '\0';
        if (next == BurmeseDot && at + 2 < end) next = text[at + 2];
        return next is not (BurmeseAsat or BurmeseVirama or ThaiSilencer);
    }

    private static bool IsLeadingVowel(char unit) => unit is (>= '\u0E40' and <= '\u0E44') or (>= '\u0EC0' and <= '\u0EC4');
}
