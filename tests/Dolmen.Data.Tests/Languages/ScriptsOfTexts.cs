using Dolmen.Data.Languages;

namespace Dolmen.Tests.Data.Languages;

public class ScriptsOfTexts
{
    [Theory]
    [InlineData("A plain line.", "Latn")]
    [InlineData("Đây là một câu.", "Latn")]
    [InlineData("Вот строка.", "Cyrl")]
    [InlineData("هذا سطر", "Arab")]
    [InlineData("यह एक पंक्ति है", "Deva")]
    [InlineData("이것은 한 줄이다", "Hang")]
    [InlineData("這是一行字", "Hani")]
    [InlineData("これは一行です", "Jpan")]
    [InlineData("東京都庁舎へ行く", "Jpan")]
    [InlineData("カタカナ", "Jpan")]
    [InlineData("Αυτή είναι μια γραμμή", "Grek")]
    [InlineData("นี่คือบรรทัด", "Thai")]
    [InlineData("ဤသည်စာကြောင်းဖြစ်သည်", "Mymr")]
    [InlineData("𠀀𠀁𠀂", "Hani")]
    [InlineData("𞤀𞤁𞤂", "Adlm")]
    [InlineData("", "Zyyy")]
    [InlineData("1234 -- 56, 78! ½ ٣", "Zyyy")]
    [InlineData("\uD800 \uDC00", "Zyyy")]
    public void The_main_script_is_that_of_most_letters(string text, string script) =>
        Assert.Equal(script, ScriptShares.Of(text).Main.ToString());

    [Fact]
    public void Letters_are_counted_by_script_whatever_stands_between_them()
    {
        var shares = ScriptShares.Of("Привет, 3 worlds! 안녕" + new string('a', 1000) + "[]@`{" + new string('Z', 37));
        Assert.Equal(6, shares[Script.Cyrl]);
        Assert.Equal(6 + 1000 + 37, shares[Script.Latn]);
        Assert.Equal(2, shares[Script.Hang]);
        Assert.Equal(6 + 6 + 1000 + 37 + 2, shares.Letters);
    }

    [Fact]
    public void A_syllable_weighs_as_much_as_the_letters_that_spell_it()
    {
        Assert.Equal(Script.Hang, ScriptShares.Of("가나다라마 abcdefghi").Main);
        Assert.Equal(Script.Latn, ScriptShares.Of("가나다라마 abcdefghijk").Main);
        Assert.Equal(0.5, ScriptShares.Of("字字 abcdef").Share, 1e-9);
    }

    [Fact]
    public void A_little_kana_does_not_make_Chinese_Japanese()
    {
        Assert.Equal(Script.Hani, ScriptShares.Of(new string('字', 10) + "の").Main);
        Assert.Equal(Script.Jpan, ScriptShares.Of(new string('字', 9) + "の").Main);
    }

    [Fact]
    public void A_sample_is_of_the_longest_lines_without_foreign_letters()
    {
        var text = "Home\nAbout\n" + string.Concat(Enumerable.Repeat("длинная строка ", 20)) + "\nмальчик и door\nContact";
        Span<char> sample = stackalloc char[400];
        var taken = sample[..TextSample.Take(text, Script.Cyrl, sample)].ToString();
        Assert.Contains("длинная строка", taken, StringComparison.Ordinal);
        Assert.Contains("мальчик и", taken, StringComparison.Ordinal);
        Assert.DoesNotContain(taken, char.IsAsciiLetter);
        Assert.InRange(taken.Length, 300, 400);
    }

    [Fact]
    public void A_sample_is_never_longer_than_its_room()
    {
        foreach (var text in (string[])["", "\n\n\n", "a", new string('a', 5000), string.Join('\n', Enumerable.Repeat("ab cd", 300))])
        {
            for (var room = 0; room < 40; room++)
            {
                var sample = new char[room];
                Assert.InRange(TextSample.Take(text, Script.Latn, sample), 0, room);
            }
        }
    }
}
