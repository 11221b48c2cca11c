using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Dolmen.Data.Filters;

/// <summary>What a UTF-16 unit is to the cutting of words.</summary>
internal enum CharClass : byte
{
    /// <summary>Digits, marks and joiners: part of a word, but not a letter.</summary>
    Digit,
    Letter,
    Hangul,
    Han,
    Hiragana,
    Katakana,

    /// <summary>Thai, Lao, Khmer and Burmese letters and marks: scripts without spaces, cut by clusters.</summary>
    Cluster,
    Space,
    Newline,
    Punctuation,
    Symbol,
    Surrogate,
}

internal static class CharClasses
{
    // datatrove's PUNCTUATION holds these beside control characters; Unicode's P* categories are added to them.
    private const string NotInUnicodePunctuation = "+^~´=`～<>$|∶━＋";

    // The class, and flags of what spaces bound: a loop over a word needs one look-up and one "or" a character.
    private const int ClassBits = 0x0F;
    public const int Spaced = 0x10, SpacedLetter = 0x20, SpacedHangul = 0x40;

    private static readonly byte[] Table = Build();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CharClass Of(char unit) => (CharClass)(Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Table), unit) & ClassBits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FlagsOf(char unit) => Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Table), unit);

    public static CharClass Of(Rune rune) => rune.IsBmp ? Of((char)rune.Value)
        : rune.Value is >= 0x20000 and < 0x32000 ? CharClass.Han
        : Of(Rune.GetUnicodeCategory(rune));

    public static CharClass ClassOf(int flags) => (CharClass)(flags & ClassBits);

    private static byte[] Build()
    {
        var table = new byte[char.MaxValue + 1];
        for (var unit = 0; unit < table.Length; unit++) table[unit] = (byte)Flagged(Classify((char)unit));
        return table;
    }

    private static int Flagged(CharClass kind) => (int)kind | kind switch
    {
        CharClass.Digit => Spaced,
        CharClass.Letter => Spaced | SpacedLetter,
        CharClass.Hangul => Spaced | SpacedLetter | SpacedHangul,
        _ => 0,
    };

    private static CharClass Classify(char unit) =>
        unit switch
        {
            '\n' => CharClass.Newline,
            // ZERO WIDTH SPACE bounds words in Khmer, Lao and Burmese text, the TSHEG syllables in Tibetan.
            '\u200B' or '\u0F0B' or '\uFEFF' => CharClass.Space,
            >= '\uAC00' and <= '\uD7A3' => CharClass.Hangul,
            '\u3005' or '\u3007' or (>= '\u3400' and <= '\u4DBF') or (>= '\u4E00' and <= '\u9FFF') or (>= '\uF900' and <= '\uFAFF') =>
                CharClass.Han,
            >= '\u3041' and <= '\u309F' => CharClass.Hiragana,
            '\u30FC' or (>= '\u30A1' and <= '\u30FA') or (>= '\u31F0' and <= '\u31FF') or (>= '\uFF66' and <= '\uFF9F') =>
                CharClass.Katakana,
            (>= '\u0E01' and <= '\u0EDF')
            or (>= '\u1000' and <= '\u109F')
            or (>= '\u1780' and <= '\u17D3')
            or (>= '\uAA60' and <= '\uAA7F') when IsWord(unit) => CharClass.Cluster,
            _ when char.IsWhiteSpace(unit) => CharClass.Space,
            _ when NotInUnicodePunctuation.Contains(unit) => CharClass.Punctuation,
            _ => Of(CharUnicodeInfo.GetUnicodeCategory(unit)),
        };

    private static bool IsWord(char unit) => Of(CharUnicodeInfo.GetUnicodeCategory(unit)) == CharClass.Letter
        || CharUnicodeInfo.GetUnicodeCategory(unit) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;

    private static CharClass Of(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CharClass.Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber
            or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
            or UnicodeCategory.Format => CharClass.Digit,
        UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation
            or UnicodeCategory.ClosePunctuation or UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation
            or UnicodeCategory.OtherPunctuation or UnicodeCategory.Control => CharClass.Punctuation,
        UnicodeCategory.Surrogate => CharClass.Surrogate,
        _ => CharClass.Symbol,
    };
}
