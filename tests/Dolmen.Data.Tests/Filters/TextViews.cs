using CsCheck;
using Dolmen.Data.Filters;

namespace Dolmen.Tests.Data.Filters;

public class TextViews
{
    [Theory]
    [InlineData("en", "The cat's well-known toy costs 3,500.25, e.g. $5!", "The|cat's|well-known|toy|costs|3,500.25|,|e.g|.|$|5|!")]
    [InlineData("en", "Wait... what?! (a/b) x=1", "Wait|...|what|?|!|(|a/b|)|x|=|1")]
    [InlineData("fr", "L'eau d’ici n'est pas", "L'|eau|d’|ici|n'|est|pas")]
    [InlineData("ko", "한국의 학교에서 배우는 것은 좋다.", "한국|의|학교|에서|배우|는|것|은|좋|다|.")]
    [InlineData("zh", "我们在北京的大学学习。", "我们|在|北京|的|大学|学习|。")]
    [InlineData("ja", "東京のコンピューターは速い", "東京|の|コンピューター|は|速|い")]
    [InlineData("th", "ประเทศไทยและลาว", "ประเท|ศไทย|และ|ลาว")]
    [InlineData("hi", "यह हिन्दी है।", "यह|हिन्दी|है|।")]
    [InlineData("en", "naïve e\u0301te\u0301 😀😀 𝒳yz \uD800", "naïve|e\u0301te\u0301|😀|😀|𝒳yz|\uD800")]
    [InlineData("bo", "བོད་ཡིག", "བོད|ཡིག")]
    public void Words_are_cut_by_script_and_language(string language, string text, string words) =>
        Assert.Equal(words, string.Join('|', Judged.Words(text, language)));

    [Fact]
    public void Burmese_and_Khmer_go_by_syllables()
    {
        Assert.Equal(["မြန်မာ", "နိုင်ငံ", "သည်"], Judged.Words("မြန်မာနိုင်ငံသည်", "my"));
        Assert.Equal(["កម្ពុ", "ជា"], Judged.Words("កម្ពុជា", "km"));
    }

    [Theory]
    [InlineData("One. Two! Three? Four", 4)]
    [InlineData("Mr. J. Smith paid 3.50 euros, i.e. too much. \"Really?\" she said. Yes.", 4)]
    [InlineData("今天。明天！\n\n后天", 3)]
    [InlineData("एक। दो।", 2)]
    [InlineData("...\n!!!\n", 0)]
    [InlineData("", 0)]
    public void Sentences_are_counted(string text, int count)
    {
        using var view = TextView.Of(text, "en");
        Assert.Equal(count, view.Sentences);
    }

    [Theory]
    [InlineData("", 0, 0, false, false)]
    [InlineData("a", 1, 1, false, false)]
    [InlineData("a\n", 1, 1, false, true)]
    [InlineData("\r\na\r\n\r\nb", 4, 2, true, false)]
    [InlineData("\n\n\n", 3, 0, true, true)]
    public void Lines_end_at_line_breaks(string text, int count, int full, bool starts, bool ends)
    {
        using var view = TextView.Of(text, "en");
        Assert.Equal((count, full, starts, ends), (view.LineCount, view.Lines.Length, view.StartsWithBreak, view.EndsWithBreak));
    }

    [Fact]
    public void Very_long_texts_hold_bounded_words_and_lines()
    {
        using var words = TextView.Of(Judged.Repeat("a ", TextView.MaxWords + 10), "en");
        Assert.Equal(TextView.MaxWords, words.Words.Length);
        using var lines = TextView.Of(Judged.Repeat("a\n", TextView.MaxLines + 10), "en");
        Assert.Equal(
            (TextView.MaxLines, TextView.MaxLines + 10, lines.Text.Length),
            (lines.Lines.Length, lines.LineCount, lines.Lines[^1].End)
        );
    }

    [Fact]
    public void Words_know_letters_and_punctuation()
    {
        using var view = TextView.Of("a1 12 ... = •", "en");
        Assert.Equal(
            [(true, false), (false, false), (false, true), (false, true), (false, true)],
            view.Words.ToArray().Select(word => (word.IsAlphabetic, word.IsPunctuation)));
    }

    [Fact]
    public void Lines_kept_are_the_same_as_a_text_cut_anew() => Gen.Select(Texts.Any, Gen.Int).Sample((text, seed) =>
    {
        using var view = TextView.Of(text, "zh");
        var random = new Random(seed);
        var marks = view.Lines.ToArray().Select(line => random.Next(2) == 0 && view.Of(line).Trim().Length > 0).ToArray();
        using var kept = view.Keep(marks, new C4(new()));
        using var anew = TextView.Of(kept.Text, "zh");
        Assert.Equal(Shown(anew), Shown(kept));
        Assert.Equal(anew.Lines.ToArray(), kept.Lines.ToArray());
    }, iter: 150);

    [Fact]
    public void Every_character_that_is_no_space_is_in_one_word() => Texts.Any.Sample(text =>
    {
        foreach (var language in new[] { "en", "fr", "ko", "ja", "th", "my" })
        {
            using var view = TextView.Of(text, language);
            var at = 0;
            foreach (var word in view.Words)
            {
                Assert.True(word.Start >= at && word.Length > 0);
                Assert.All(text[at..word.Start], unit => Assert.True(CharClasses.Of(unit) is CharClass.Space or CharClass.Newline));
                at = word.End;
            }
            Assert.All(text[at..], unit => Assert.True(CharClasses.Of(unit) is CharClass.Space or CharClass.Newline));
        }
    }, iter: 100);

    private static string Shown(TextView view) =>
        string.Join('|', view.Words.ToArray().Select(word => $"{view.Of(word)}{word.Hash:x}{word.IsAlphabetic}{word.IsPunctuation}"));
}
