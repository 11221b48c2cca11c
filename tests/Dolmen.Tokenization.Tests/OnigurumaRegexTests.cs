using Dolmen.Artifacts;
using Dolmen.Tokenization.Oniguruma;

namespace Dolmen.Tests.Tokenization;

/// <summary>Matches against Oniguruma's own, as npm tokenizers 0.23.2 has it built in; Goldens/formats/variants.jsonl has more.</summary>
public class OnigurumaRegexTests
{
    [Theory]
    [InlineData("[[:alpha:]]+", "ab1é漢-", "ab|é漢")]
    [InlineData("[^[:alpha:]]", "a1-", "1|-")]
    [InlineData("[a-w&&[^c-g]z]+", "abchzw", "ab|h|w")]
    [InlineData("[^a-c&&b-d]", "abcd", "a|d")]
    [InlineData("[a[bc]]+", "abcd", "abc")]
    [InlineData("\\h+", "xyzabcDEF19g", "abcDEF19")]
    [InlineData("\\p{^L}+", "ab12c", "12")]
    [InlineData("\\P{^L}+", "ab12c", "ab|c")]
    [InlineData("\\p{ han }", "a漢", "漢")]
    [InlineData("a{,2}", "aaab", "aa|a|")]
    [InlineData("a{2}+", "aaaaab", "aaaa")]
    [InlineData("a{2}?", "aaab", "aa||")]
    [InlineData("a{3,1}", "aaaa", "aaa|a")]
    [InlineData("\\R", "a\r\nb\u2028", "\r\n|\u2028")]
    [InlineData("x++x", "xxx", "")]
    [InlineData("^a", "a\nab", "a|a")]
    [InlineData("a$", "a\na", "a|a")]
    [InlineData("\\Aa|b\\z", "aab", "a|b")]
    [InlineData("b\\Z", "b\n", "b")]
    [InlineData("\\Ga", "aab a", "a|a")]
    [InlineData("(?m:.)", "\n", "\n")]
    [InlineData("a|(?i)b|c", "ABC", "B|C")]
    [InlineData("(?i)ß", "ss SS", "ss|SS")]
    [InlineData("(?i)st", "ﬆ ſT", "ﬆ|ſT")]
    [InlineData("(?i)[ß]", "ssa", "ss")]
    [InlineData("(?i)[^ß]", "sß", "s")]
    [InlineData("(?i)k", "kK\u212A", "k|K|\u212A")]
    [InlineData("(?i)ΐ", "\u0390\u1FD3", "\u0390|\u1FD3")]
    [InlineData("\\w", "²", "²")]
    [InlineData("[\\w]", "²", "")]
    [InlineData("\\x{61}\\x62|\\141|\\u3042", "ab aあ", "ab|a|あ")]
    [InlineData("[]a]+", "]ab", "]a")]
    [InlineData("(?<n>a)(?'m'b)", "ab", "ab")]
    [InlineData("a(?#x)b", "ab", "ab")]
    [InlineData("(?x) a b # c", "ab", "ab")]
    [InlineData("𐐀|[𝒜-𝒵]", "a𐐀𝒝", "𐐀|𝒝")]
    [InlineData("[[:punct:]]", "$!", "$|!")]
    [InlineData("\\p{Punct}", "$!", "!")]
    [InlineData("\\Qa\\E", "QaE", "QaE")]
    public void A_pattern_matches_as_Oniguruma_does(string pattern, string text, string expected)
    {
        var matches = new List<(int Start, int End)>();
        new OnigurumaRegex(pattern).Match(text, matches);
        Assert.Equal(expected, string.Join('|', matches.Select(match => text[match.Start..match.End])));
    }

    [Theory]
    [InlineData("(?~ab)", "an absent operator")]
    [InlineData("(?{x})", "a callout")]
    [InlineData("(*FAIL)", "a callout")]
    [InlineData("(?(a)b|c)", "a condition")]
    [InlineData("(a)\\1", "a back reference")]
    [InlineData("(?<n>a)\\k<n>", "a back reference")]
    [InlineData("\\g<0>", "a call of a group")]
    [InlineData("a\\Kb", "\\K")]
    [InlineData("\\X", "a boundary of text segments")]
    [InlineData("\\y", "a boundary of text segments")]
    [InlineData("(?W:a)", "the option")]
    [InlineData("\\xe3", "the byte 0xE3")]
    [InlineData("[[:foo:]]", "[:foo:], which is not a class of POSIX")]
    [InlineData("\\p{Klingon}", "the property 'Klingon'")]
    [InlineData("(", "a '(' without a ')'")]
    [InlineData(")", "a ')' without a '('")]
    [InlineData("[a", "a class '[' without a ']'")]
    [InlineData("*a", "repeats nothing")]
    [InlineData("{2}", "repeats nothing")]
    [InlineData("(?=a)*", "repeats what cannot match a character")]
    [InlineData("^*", "repeats what cannot match a character")]
    [InlineData("[\\d-x]", "a '-' behind a set")]
    [InlineData("[a-\\d]", "a range that ends in a set")]
    [InlineData("[z-a]", "a range whose last character comes before its first")]
    [InlineData("a\\", "ends in a '\\'")]
    [InlineData("(?s:.)", "the option 's'")]
    [InlineData("\\u{61}", "fewer than 4 digits")]
    public void What_is_wrong_or_not_read_is_named(string pattern, string expected) =>
        Assert.Contains(expected, Assert.Throws<UserErrorException>(() => new OnigurumaRegex(pattern)).Message, StringComparison.Ordinal);

    [Fact]
    public void Categories_scripts_and_classes_hold_as_many_characters_as_Oniguruma_has_in_them()
    {
        (string Name, int Count)[] counts =
        [
            ("L", 141028),
            ("Lu", 1858),
            ("Ll", 2258),
            ("Lt", 31),
            ("Lm", 404),
            ("Lo", 136477),
            ("LC", 4147),
            ("M", 2501),
            ("Mn", 2020),
            ("N", 1911),
            ("Nd", 760),
            ("Nl", 236),
            ("No", 915),
            ("P", 855),
            ("Pc", 10),
            ("S", 8514),
            ("Sm", 950),
            ("So", 7376),
            ("Z", 19),
            ("Zs", 17),
            ("Cc", 65),
            ("Cf", 170),
            ("Alphabetic", 142759),
            ("Emoji", 1431),
            ("Greek", 518),
            ("Han", 99030),
            ("Latin", 1487),
            ("Lowercase", 2569),
            ("Uppercase", 1978),
        ];
        foreach (var (name, count) in counts)
            Assert.Equal(
                (name, count),
                (name, (UnicodeProperties.Find(name) ?? CodePointSet.Empty).Ranges().Sum(range => range.Last - range.First + 1))
            );
    }
}
