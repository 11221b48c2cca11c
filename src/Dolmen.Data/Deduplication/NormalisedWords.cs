using System.Globalization;
using System.Text;

namespace Dolmen.Data.Deduplication;

/// <summary>Words as deduplication sees them: lower case, no punctuation, a run of digits as one 0. Scripts written without spaces (Chinese,
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
    }

    private static Kind KindOf(char c)
    {
        if (char.IsSurrogate(c)) return Kind.Surrogate;
        if (c is '\'' or '\u2019' or '\u00ad') return Kind.Ignored;
        switch (char.GetUnicodeCategory(c))
        {
            case UnicodeCategory.DecimalDigitNumber: return Kind.Digit;
            case UnicodeCategory.Format: return Kind.Ignored;
            case UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter
                or UnicodeCategory.OtherLetter or UnicodeCategory.LetterNumber or UnicodeCategory.NonSpacingMark
                or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark:
                foreach (var (first, last) in WithoutSpaces)
                    if (c >= first && c <= last) return Kind.Alone;
                return Kind.Letter;
            default: return Kind.Separator;
        }
    }

    /// <summary>Fills <paramref name="into"/> with the text's words. Places are those of the text as given, or of its NFC form when
    /// <paramref name="text"/> is not in it: <see cref="Composed"/> first where places matter.</summary>
    /// <param name="keepDigits">True where numbers tell texts apart, as questions of a test.</param>
    public static void Hash(string text, WordBuffer into, bool keepDigits = false)
    {
        into.Clear();
        ReadOnlySpan<char> span = Composed(text);
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
            if (start >= 0) into.Add(Mixing.Mix(state), start, i);
            start = -1;
            state = 0;
            inDigits = false;
            if (Kinds[c] == Kind.Alone) into.Add(Mixing.Mix(c), i, i + 1);
            else if (Kinds[c] == Kind.Surrogate && i + 1 < span.Length && Rune.TryCreate(c, span[i + 1], out var rune))
            {
                // Han beyond the basic plane and the small scripts there; emoji are no letters.
                if (Rune.IsLetter(rune)) into.Add(Mixing.Mix((ulong)Rune.ToLowerInvariant(rune).Value), i, i + 2);
                i++;
            }
        }
        if (start >= 0) into.Add(Mixing.Mix(state), start, span.Length);
    }

    /// <summary>The text in NFC. All below U+0300 is in it; a text with lone surrogates has no normal form and stays as it is.</summary>
    public static string Composed(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\u0300', '\uffff') < 0) return text;
        try
        {
            return text.IsNormalized() ? text : text.Normalize();
        }
        catch (ArgumentException)
        {
            return text;
        }
    }
}
