using System.Globalization;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Data.Deduplication;

/// <summary>Words as deduplication sees them: lower case, no diacritics of Latin, Greek and Cyrillic letters, no punctuation, a run of
/// digits as one 0. Scripts written without spaces (Chinese,
/// Japanese, Thai, Lao, Khmer, Burmese, Tibetan) give a word for each character.</summary>
internal static class NormalisedWords
{
    private enum Kind : byte { Separator, Ignored, Letter, Digit, Alone, Surrogate }

    private static readonly (char First, char Last)[] WithoutSpaces =
    [
        ('\u0e00', '\u0fff'), ('\u1000', '\u109f'), ('\u1780', '\u17ff'), ('\u1950', '\u19df'), ('\u1a20', '\u1aaf'), ('\u3005', '\u3007'),
        ('\u3040', '\u30ff'), ('\u31f0', '\u31ff'), ('\u3400', '\u4dbf'), ('\u4e00', '\u9fff'), ('\uf900', '\ufaff'), ('\uff66', '\uff9f'),
    ];

    private static readonly Kind[] Kinds = new Kind[65536];
    private static readonly char[] Lower = new char[65536];

    static NormalisedWords()
    {
        for (var i = 0; i < 65536; i++)
        {
            var c = (char)i;
            Lower[i] = char.ToLowerInvariant(c);
            Kinds[i] = KindOf(c);
        }
        Diacritics.Fold(Lower);
    }

    private static Kind KindOf(char c)
    {
        if (char.IsSurrogate(c)) return Kind.Surrogate;
        if (c is '\'' or '\u2019' or (>= '\u0300' and <= '\u036f')) return Kind.Ignored;
        switch (char.GetUnicodeCategory(c))
        {
            case UnicodeCategory.DecimalDigitNumber:
                return Kind.Digit;
            case UnicodeCategory.Format:
                return Kind.Ignored;
            case UnicodeCategory.UppercaseLetter
            or UnicodeCategory.LowercaseLetter
            or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter
            or UnicodeCategory.OtherLetter
            or UnicodeCategory.LetterNumber
            or UnicodeCategory.NonSpacingMark
            or UnicodeCategory.SpacingCombiningMark
            or UnicodeCategory.EnclosingMark:
                foreach (var (first, last) in WithoutSpaces)
                    if (c >= first && c <= last) return Kind.Alone;
                return Kind.Letter;
            default: return Kind.Separator;
        }
    }

    /// <summary>Fills <paramref name="into"/> with the text's words and their places.</summary>
    /// <param name="keepDigits">True where numbers tell texts apart, as questions of a test.</param>
    public static void Hash(string text, WordBuffer into, bool keepDigits = false)
    {
        into.Clear();
        ReadOnlySpan<char> span = text;
        ulong state = 0;
        var start = -1;
        var inDigits = false;
        for (var i = 0; i < span.Length; i++)
        {
            var c = span[i];
            switch (Kinds[c])
            {
                case Kind.Letter:
                    if (start < 0) start = i;
                    state = (state ^ Lower[c]) * 0x9fb21c651e98df25UL;
                    state ^= state >> 32;
                    inDigits = false;
                    continue;
                case Kind.Digit:
                    if (start < 0) start = i;
                    if (!inDigits || keepDigits)
                    {
                        state = (state ^ (keepDigits ? (uint)'0' + (uint)char.GetNumericValue(c) : '0')) * 0x9fb21c651e98df25UL;
                        state ^= state >> 32;
                    }
                    inDigits = true;
                    continue;
                case Kind.Ignored:
                    continue;
            }
            if (start >= 0) into.Add(HashMixing.Mix(state), start, i);
            start = -1;
            state = 0;
            inDigits = false;
            if (Kinds[c] == Kind.Alone) into.Add(HashMixing.Mix(c), i, i + 1);
            else if (Kinds[c] == Kind.Surrogate && i + 1 < span.Length && Rune.TryCreate(c, span[i + 1], out var rune))
            {
                // Han beyond the basic plane and the small scripts there; emoji are not letters.
                if (Rune.IsLetter(rune)) into.Add(HashMixing.Mix((ulong)Rune.ToLowerInvariant(rune).Value), i, i + 2);
                i++;
            }
        }
        if (start >= 0) into.Add(HashMixing.Mix(state), start, span.Length);
    }
}
