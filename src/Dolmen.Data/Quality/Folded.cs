using System.Globalization;
using System.Text;

namespace Dolmen.Data.Quality;

internal enum UnitKind : byte
{
    Separator,
    /// <summary>Part of a word that spaces or punctuation end.</summary>
    Word,
    /// <summary>A character of a script that writes no spaces between words: a token of its own.</summary>
    Single,
    LineEnd,
}

/// <summary>What the models see of a UTF-16 unit, by table: letters in lower case, every digit as 0 (no number is quality, and none
/// repeats).</summary>
internal static class Folded
{
    private static readonly UnitKind[] Kinds = new UnitKind[char.MaxValue + 1];
    private static readonly char[] Letters = new char[char.MaxValue + 1];

    static Folded()
    {
        for (var i = 0; i <= char.MaxValue; i++)
        {
            var unit = (char)i;
            Kinds[i] = KindOf(unit);
            Letters[i] = char.IsDigit(unit) ? '0' : char.ToLowerInvariant(unit);
        }
    }

    public static UnitKind Kind(char unit) => Kinds[unit];

    public static char Letter(char unit) => Letters[unit];

    /// <summary>An n-gram as people read it.</summary>
    public static string Show(ReadOnlySpan<char> text)
    {
        var shown = new StringBuilder(text.Length);
        foreach (var unit in text)
        {
            if (Kind(unit) is UnitKind.Word or UnitKind.Single) shown.Append(Letter(unit));
            else if (shown.Length > 0 && shown[^1] != ' ') shown.Append(' ');
        }
        return shown.ToString().TrimEnd();
    }

    private static UnitKind KindOf(char unit)
    {
        if (unit is '\n' or '\r') return UnitKind.LineEnd;
        // Half a pair is a token too, so that a pair is what two adjacent ones make.
        if (char.IsSurrogate(unit)) return UnitKind.Single;
        return char.GetUnicodeCategory(unit) switch
        {
            UnicodeCategory.UppercaseLetter
            or UnicodeCategory.LowercaseLetter
            or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter
            or UnicodeCategory.OtherLetter
            or UnicodeCategory.NonSpacingMark
            or UnicodeCategory.SpacingCombiningMark
            or UnicodeCategory.DecimalDigitNumber => IsSpaceless(unit) ? UnitKind.Single : UnitKind.Word,
            _ => UnitKind.Separator,
        };
    }

    // Thai, Lao, Tibetan, Myanmar, Khmer, Tai scripts, kana, Bopomofo, Han, Yi; Hangul writes spaces.
    private static bool IsSpaceless(char unit) =>
        unit
            is (>= '\u0E00' and <= '\u0FFF')
                or (>= '\u1000' and <= '\u109F')
                or (>= '\u1780' and <= '\u17FF')
                or (>= '\u1950' and <= '\u19DF')
                or (>= '\u1A20' and <= '\u1AAF')
                or (>= '\u3005' and <= '\u3007')
                or (>= '\u3040' and <= '\u312F')
                or (>= '\u31A0' and <= '\u31FF')
                or (>= '\u3400' and <= '\u4DBF')
                or (>= '\u4E00' and <= '\u9FFF')
                or (>= '\uA000' and <= '\uA4CF')
                or (>= '\uA9E0' and <= '\uA9FF')
                or (>= '\uAA60' and <= '\uAA7F')
                or (>= '\uF900' and <= '\uFAFF');
}
