using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class PreTokenizerTests
{
    /// <summary>Every kind of character the patterns tell apart, those they name, and astral ones.</summary>
    private static readonly string[] Alphabet =
    [
        "a", "s", "T", "B", "é", "É", "ǅ", "中", "ʰ", "\u0301", "\u0903", "\u20DD", "1", "²", "Ⅷ", "23", "456", "٣",
        " ", " ", "\t", "\u0085", "\u00A0", "\u3000", "\u2028", "\v",
        "\n", "\r", "'", "'s", "'LL", "'Ve", "'m", "'re", "'ſ", "ſ", "\u212A", "/", "!", "$", "~", "`", "_", "€", "\u200B", "\uFEFF", "\0",
        "…", "あ", "ゟ", "が", "한", "ก", "ิ", "ကိ", "😀", "𝒜", "𝒷", "𐐀", "𝟗", "\U000E0100",
    ];

    public static TheoryData<string> Names => [.. PreTokenizer.Names];

    [Theory]
    [InlineData("o200k", "TrimEnd", "Trim|End")]
    [InlineData("o200k", "HTTPServer IOException", "HTTPServer| IOException")]
    [InlineData("o200k", "It's they'LL 'twas", "It's| they'LL| '|twas")]
    [InlineData("o200k", "1234567 a1", "123|456|7| a|1")]
    [InlineData("o200k", "## System.String.Trim()\nRemoves", "##| System|.String|.Trim|()\n|Removes")]
    [InlineData("o200k", "a  b \n\n  c ", "a| | b| \n\n| | c| ")]
    [InlineData("o200k", "/// <summary>\n", "///| <|summary|>\n")]
    [InlineData("gpt2", "It's  a 1234 test!\n\n x", "It|'s| | a| 1234| test|!|\n\n| x")]
    [InlineData("gpt2", "IT'S", "IT|'|S")]
    [InlineData("cl100k", "IT'S 12345 x\n\n y()\n", "IT|'S| |123|45| x|\n\n| y|()\n")]
    [InlineData("gpt-4o", "it'ſ", "it'ſ")]
    [InlineData("o200k", "it'ſ", "it|'ſ")]
    [InlineData("cl100k", "'ſo", "'ſ|o")]
    [InlineData("qwen2", "x 123", "x| |1|2|3")]
    [InlineData("qwen35", "เป็น កើត", "เป็น| កើត")]
    [InlineData("nanochat", "12345", "12|34|5")]
    [InlineData("starcoder", "a1  23", "a|1|  |2|3")]
    [InlineData("falcon", "a$b 1234", "a|$|b| |123|4")]
    [InlineData("deepseek-llm", "Hi, 世界 12  ", "Hi|,| |世界| |1|2|  ")]
    [InlineData("deepseek-llm", "a 𐐀𝒜😀", "a| 𐐀|𝒜😀")]
    [InlineData("deepseek-coder", "a+b\n\n c", "a|+|b|\n|\n| c")]
    [InlineData("deepseek-v3", ".a𐐀 #𐐀", ".a|𐐀| #|𐐀")]
    [InlineData("deepseek-v3", "x.Length 12345世界が!!\n", "x|.Length| |123|45|世界が|!!\n")]
    [InlineData("tekken", "HelloWorld's 12", "Hello|World|'s| |1|2")]
    public void Text_is_cut_where_the_field_cuts_it(string name, string text, string pieces) =>
        Assert.Equal(pieces.Split('|'), Pieces(Named(name), text));

    [Theory, MemberData(nameof(Names))]
    public void Scanners_cut_random_text_as_their_regular_expressions_do(string name)
    {
        var splitter = Named(name);
        var expressions = Expressions(splitter);
        Gen.OneOf(Gen.OneOf(Alphabet), Gen.Char.Select(unit => char.IsSurrogate(unit) ? "x" : unit.ToString())).Array[0, 40]
            .Select(parts => string.Concat(parts))
            .Sample(
                text => Agrees(splitter, expressions, text),
                iter: 1_500,
                print: text => text.Replace("\n", "\\n", StringComparison.Ordinal)
            );
    }

    [Theory, MemberData(nameof(Names))]
    public void Scanners_cut_real_text_as_their_regular_expressions_do(string name)
    {
        var splitter = Named(name);
        var expressions = Expressions(splitter);
        Assert.All(Samples.Texts, text => Assert.True(Agrees(splitter, expressions, text), text));
    }

    [Fact]
    public void Every_character_is_of_the_kind_the_regular_expression_sees()
    {
        foreach (var name in (string[])["gpt2", "cl100k", "o200k", "qwen35", "deepseek-v3", "falcon"])
        {
            var (splitter, expressions) = (Named(name), Expressions(Named(name)));
            for (var first = 0; first < 0x10000; first += 8)
            {
                var text = string.Concat(Enumerable.Range(first, 8).Where(value => !char.IsSurrogate((char)value))
                    .Select(value => $"a {(char)value}{(char)value}b1"));
                Assert.True(Agrees(splitter, expressions, text), $"{name}: U+{first:X4}");
            }
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Any_bytes_are_cut_without_loss(string name)
    {
        var splitter = Named(name);
        Gen.Byte.Array[0, 60].Sample(bytes => Covers(splitter, bytes), iter: 500);
    }

    [Fact]
    public void Other_spellings_of_a_known_pattern_cut_alike()
    {
        const string Possessive =
            @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+";
        const string WholeAtEnd =
            @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s";
        const string Gpt2 = @"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s";
        var unknown = PreTokenizer.Of(WholeAtEnd.Replace("'(?i:[sdmt]|ll|ve|re)", "'(?i:[sſdmt]|ll|ve|re)", StringComparison.Ordinal));
        Gen.OneOf(Alphabet).Array[0, 40].Select(parts => string.Concat(parts)).Sample(text =>
            Pieces(PreTokenizer.Of(Possessive), text).SequenceEqual(Pieces(PreTokenizer.Cl100k, text))
            && Pieces(PreTokenizer.Of(WholeAtEnd), text).SequenceEqual(Pieces(unknown, text))
            && Pieces(PreTokenizer.Of(Gpt2), text).SequenceEqual(Pieces(PreTokenizer.Gpt2, text)));
        Assert.Equal(["a", "\n  "], Pieces(PreTokenizer.Of(WholeAtEnd), "a\n  "));
        Assert.Equal(["a", "\n", "  "], Pieces(PreTokenizer.Cl100k, "a\n  "));
    }

    [Fact]
    public void A_pattern_of_ones_own_cuts_by_code_points_and_keeps_what_lies_between()
    {
        var letters = PreTokenizer.Of(@"\p{L}{2}|\p{Lo}++b?");
        Assert.Equal(["𐐀a", "-", "中", "!"], Pieces(letters, "𐐀a-中!"));
        Gen.Byte.Array[0, 60].Sample(bytes => Covers(letters, bytes), iter: 500);
    }

    [Fact]
    public void A_pattern_that_explodes_or_is_none_is_the_users_error()
    {
        var explodes = PreTokenizer.Of("(x+z?x+)+y");
        Assert.Contains("(x+z?x+)+y", Assert.Throws<UserErrorException>(() => Pieces(explodes, new string('x', 60) + "zy")).Message);
        Assert.Equal([new string('x', 60) + "zy"], Pieces(PreTokenizer.Of("(x+z?x++)+y"), new string('x', 60) + "zy"));
        foreach (var bad in (string[])["(", "", "[a", "\\p{Klingon}+", new string('a', 20_000)])
            Assert.Throws<UserErrorException>(() => PreTokenizer.Of(bad));
    }

    private static bool Covers(PreTokenizer splitter, byte[] bytes)
    {
        var ends = new List<int>();
        splitter.Split(bytes, ends);
        return ends.LastOrDefault() == bytes.Length && ends.Zip(ends.Prepend(0)).All(pair => pair.First > pair.Second);
    }

    private static PreTokenizer Named(string name) => PreTokenizer.ByName(name) ?? throw new InvalidOperationException(name);

    private static Regex[] Expressions(PreTokenizer splitter) =>
        [
            .. splitter.Steps.Select(step => new Regex(
                // .NET's (?i:s) leaves out the long s, and its classes know UTF-16 halves, not what lies beyond U+FFFF.
                step.Pattern.Replace("(?i:'s|", "(?i:'s|'ſ|", StringComparison.Ordinal)
                    .Replace("(?i:[sdmt]", "(?i:[sdmtſ]", StringComparison.Ordinal)
                    .Replace("?+", "?", StringComparison.Ordinal)
                    .Replace("++", "+", StringComparison.Ordinal)
                    .Replace("\\p{N}{1,3}+", "\\p{N}+", StringComparison.Ordinal)
                    .Replace("𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃", "", StringComparison.Ordinal),
                RegexOptions.CultureInvariant | (step.Pattern == @"\s+$" ? RegexOptions.Multiline : RegexOptions.None)
            )),
        ];

    /// <summary>.NET's unit is the UTF-16 half: a basic character of the same category stands in for an astral one.</summary>
    private static bool Agrees(PreTokenizer splitter, Regex[] expressions, string text)
    {
        // DeepSeek's patterns name ranges of characters, in which a stand-in may lie and the astral one not.
        if (
            expressions.Any(expression =>
                expression.ToString().Contains("A-Z", StringComparison.Ordinal)
                || expression.ToString().Contains("一-龥", StringComparison.Ordinal)
            )
        )
            text = string.Concat(text.EnumerateRunes().Where(rune => rune.IsBmp));
        var shown = string.Concat(text.EnumerateRunes().Select(StandIn));
        var pieces = new List<string> { shown };
        foreach (var expression in expressions) pieces = [.. pieces.SelectMany(piece => Cut(expression, piece))];
        return pieces.Where(piece => piece.Length > 0).Select(piece => piece.Length)
            .SequenceEqual(Pieces(splitter, text).Select(piece => piece.EnumerateRunes().Count()));
    }

    private static IEnumerable<string> Cut(Regex expression, string text)
    {
        var done = 0;
        foreach (Match match in expression.Matches(text))
        {
            if (match.Index > done) yield return text[done..match.Index];
            yield return match.Value;
            done = match.Index + match.Length;
        }
        if (done < text.Length) yield return text[done..];
    }

    private static char StandIn(Rune rune) => rune.IsBmp ? (char)rune.Value : Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter => 'A',
        UnicodeCategory.LowercaseLetter => 'a',
        UnicodeCategory.OtherLetter or UnicodeCategory.ModifierLetter => '中',
        UnicodeCategory.NonSpacingMark => '\u0301',
        UnicodeCategory.DecimalDigitNumber => '²',
        _ => '€',
    };

    private static List<string> Pieces(PreTokenizer splitter, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var ends = new List<int>();
        splitter.Split(bytes, ends);
        return [.. ends.Zip(ends.Prepend(0), (end, start) => Encoding.UTF8.GetString(bytes, start, end - start))];
    }
}
