using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class PreTokenizerTests
{
    private static readonly Regex Pattern = new(PreTokenizer.O200k.Pattern, RegexOptions.CultureInvariant);

    /// <summary>Every kind of character the pattern tells apart, those it names, and astral ones.</summary>
    private static readonly string[] Alphabet =
    [
        "a", "s", "T", "B", "é", "É", "ǅ", "中", "ʰ", "\u0301", "\u0903", "\u20DD", "1", "²", "Ⅷ",
        " ", "\t", "\u0085", "\u00A0", "\u3000", "\u2028",
        "\n", "\r", "'", "'s", "'LL", "'Ve", "'m", "ſ", "/", "!", "€", "\u200B", "\uFEFF", "\0", "😀", "𝒜", "𝒷", "𐐀", "𝟗", "\U000E0100",
    ];

    [Theory]
    [InlineData("TrimEnd", "Trim|End")]
    [InlineData("HTTPServer IOException", "HTTPServer| IOException")]
    [InlineData("It's they'LL 'twas", "It's| they'LL| '|twas")]
    [InlineData("1234567 a1", "123|456|7| a|1")]
    [InlineData("## System.String.Trim()\nRemoves", "##| System|.String|.Trim|()\n|Removes")]
    [InlineData("a  b \n\n  c ", "a| | b| \n\n| | c| ")]
    [InlineData("/// <summary>\n", "///| <|summary|>\n")]
    public void Text_is_cut_where_the_field_cuts_it(string text, string pieces) => Assert.Equal(pieces.Split('|'), Pieces(text));

    [Fact]
    public void The_scanner_cuts_random_text_as_the_regular_expression_does() =>
        Gen.OneOf(Gen.OneOf(Alphabet), Gen.Char.Select(unit => char.IsSurrogate(unit) ? "x" : unit.ToString())).Array[0, 40]
            .Select(parts => string.Concat(parts))
            .Sample(AgreesWithPattern, iter: 20_000);

    [Fact]
    public void The_scanner_cuts_real_text_as_the_regular_expression_does() =>
        Assert.All(Samples.Texts, text => Assert.True(AgreesWithPattern(text), text));

    [Fact]
    public void Any_bytes_are_cut_without_loss() => Gen.Byte.Array[0, 60].Sample(bytes =>
    {
        var at = 0;
        while (at < bytes.Length)
        {
            var end = PreTokenizer.O200k.Next(bytes, at);
            if (end <= at || end > bytes.Length) return false;
            at = end;
        }
        return true;
    });

    private static bool AgreesWithPattern(string text)
    {
        // .NET's unit is the UTF-16 half: a basic character of the same category stands in for an astral one.
        var expected = Pattern.Matches(string.Concat(text.EnumerateRunes().Select(StandIn))).Select(match => match.Length);
        return expected.SequenceEqual(Pieces(text).Select(piece => piece.EnumerateRunes().Count()));
    }

    private static char StandIn(Rune rune) => rune.IsBmp ? (char)rune.Value : Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter => 'A',
        UnicodeCategory.LowercaseLetter => 'a',
        UnicodeCategory.OtherLetter or UnicodeCategory.ModifierLetter => '中',
        UnicodeCategory.NonSpacingMark => '\u0301',
        UnicodeCategory.DecimalDigitNumber => '1',
        _ => '€',
    };

    private static List<string> Pieces(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var pieces = new List<string>();
        for (var at = 0; at < bytes.Length;)
        {
            var end = PreTokenizer.O200k.Next(bytes, at);
            pieces.Add(Encoding.UTF8.GetString(bytes, at, end - at));
            at = end;
        }
        return pieces;
    }
}
