using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Dolmen.Tokenization;

/// <summary>The Unicode categories that pre-tokenizers tell apart.</summary>
[Flags]
internal enum CharKind : short
{
    None = 0,
    Upper = 1,           // Lu, Lt
    Lower = 2,           // Ll
    Caseless = 4,        // Lm, Lo
    Mark = 8,            // Mn, Mc, Me: not a letter, yet part of a word
    Number = 16,         // Nd, Nl, No
    Newline = 32,        // \r, \n
    Space = 64,          // white space that is not a line break of these two
    Punctuation = 128,   // P
    Sign = 256,          // S
    Other = 512,         // control and format characters, private use, unassigned

    Letter = Upper | Lower | Caseless,
    Symbol = Mark | Punctuation | Sign | Other,                          // no white space, letter or number
    WhiteSpace = Newline | Space,
}

/// <summary>Kinds of the characters of UTF-8, from a table that grows by 256 characters where text needs them.</summary>
internal static class CharKinds
{
    private static readonly CharKind[] Ascii = [.. Enumerable.Range(0, 128).Select(value => Classify(new Rune(value)))];
    private static readonly CharKind[]?[] Blocks = new CharKind[]?[0x110000 >> 8];

    /// <summary>Kind and length of the character at <paramref name="at"/>; none behind the end. Bytes that are not UTF-8 are U+FFFD, a
    /// sign, as long as the longest beginning of a character they make.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CharKind At(ReadOnlySpan<byte> text, int at, out int width)
    {
        if ((uint)at < (uint)text.Length && text[at] < 128)
        {
            width = 1;
            return Ascii[text[at]];
        }
        return BeyondAscii(text, at, out width);
    }

    public static CharKind Of(int codePoint) => (Volatile.Read(ref Blocks[codePoint >> 8]) ?? Fill(codePoint >> 8))[codePoint & 255];

    /// <summary>The character at <paramref name="at"/>, which must lie in the text.</summary>
    public static int CodePoint(ReadOnlySpan<byte> text, int at, out int width)
    {
        var first = text[at];
        if (first < 128)
        {
            width = 1;
            return first;
        }
        if (at + 2 < text.Length && (first & 0xF0) == 0xE0 && ((text[at + 1] & 0xC0) | (text[at + 2] & 0xC0)) == 0x80)
        {
            var value = (first & 0x0F) << 12 | (text[at + 1] & 0x3F) << 6 | (text[at + 2] & 0x3F);
            if (value >= 0x800 && (value & 0xF800) != 0xD800)
            {
                width = 3;
                return value;
            }
        }
        else if (at + 1 < text.Length && first is >= 0xC2 and <= 0xDF && (text[at + 1] & 0xC0) == 0x80)
        {
            width = 2;
            return (first & 0x1F) << 6 | (text[at + 1] & 0x3F);
        }
        Rune.DecodeFromUtf8(text[at..], out var rune, out width);        // U+FFFD for bytes that are not UTF-8
        return rune.Value;
    }

    private static CharKind BeyondAscii(ReadOnlySpan<byte> text, int at, out int width)
    {
        if ((uint)at < (uint)text.Length) return Of(CodePoint(text, at, out width));
        width = 0;
        return CharKind.None;
    }

    private static CharKind[] Fill(int block)
    {
        var kinds = new CharKind[256];
        for (var i = 0; i < kinds.Length; i++)
            kinds[i] = Rune.TryCreate(block << 8 | i, out var rune) ? Classify(rune) : CharKind.Other;
        Volatile.Write(ref Blocks[block], kinds);
        return kinds;
    }

    private static CharKind Classify(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        _ when rune.Value is '\r' or '\n' => CharKind.Newline,
        _ when Rune.IsWhiteSpace(rune) => CharKind.Space,
        UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => CharKind.Upper,
        UnicodeCategory.LowercaseLetter => CharKind.Lower,
        UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CharKind.Caseless,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => CharKind.Mark,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharKind.Number,
        UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation
            or UnicodeCategory.ClosePunctuation or UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation
            or UnicodeCategory.OtherPunctuation => CharKind.Punctuation,
        UnicodeCategory.MathSymbol or UnicodeCategory.CurrencySymbol or UnicodeCategory.ModifierSymbol or UnicodeCategory.OtherSymbol =>
            CharKind.Sign,
        _ => CharKind.Other,
    };
}
