using Dolmen.Data.Filters;

namespace Dolmen.Tests.Data.Filters;

public class FineWebAndC4Rules
{
    private static readonly FineWebQuality FineWeb = new(new());
    private static readonly C4 C4 = new(new());

    private static string? Only(FineWebQuality filter, string reason, string text, string language = "en") =>
        filter
            .Rules(language)
            .Where(rule => rule.Reason == reason && rule.Breaks(Judged.Measures(filter, text, language)[rule.Measure]))
            .Select(rule => rule.Reason)
            .SingleOrDefault();

    [Fact]
    public void Twelve_lines_of_a_hundred_end_in_punctuation()
    {
        static string Text(int ended) =>
            string.Join('\n', Enumerable.Range(0, 100).Select(line => "line " + line + (line < ended ? "." : "")));
        Assert.Null(Only(FineWeb, "fineWebQuality.minLinePunctuation", Text(12)));
        Assert.Equal("fineWebQuality.minLinePunctuation", Only(FineWeb, "fineWebQuality.minLinePunctuation", Text(11)));
        // Thai asks for none.
        Assert.Null(Only(FineWeb, "fineWebQuality.minLinePunctuation", Text(0), "th"));
    }

    [Theory]
    [InlineData("。")]
    [InlineData("।")]
    [InlineData("؟")]
    [InlineData("။")]
    [InlineData("\"")]
    public void Every_scripts_marks_end_a_line(string mark) =>
        Assert.Equal(0.5, Judged.Value(FineWeb, "fineweb_quality_line_punctuation", "x" + mark + "\nx,"));

    [Fact]
    public void Sixty_seven_lines_of_a_hundred_have_thirty_characters_or_fewer()
    {
        static string Text(int brief) =>
            string.Join('\n', Enumerable.Range(0, 100).Select(line => new string('x', line < brief ? 30 : 31)));
        Assert.Null(Only(FineWeb, "fineWebQuality.maxShortLineFraction", Text(67)));
        Assert.Equal("fineWebQuality.maxShortLineFraction", Only(FineWeb, "fineWebQuality.maxShortLineFraction", Text(68)));
        Assert.Null(Only(FineWeb, "fineWebQuality.maxShortLineFraction", Text(68), "de"));
    }

    [Fact]
    public void One_character_of_a_hundred_is_in_a_duplicate_line()
    {
        static string Text(int rest) => "xx\nxx\n" + new string('y', rest);
        Assert.Null(Only(FineWeb, "fineWebQuality.maxDuplicateLineCharFraction", Text(196)));
        Assert.Equal(
            "fineWebQuality.maxDuplicateLineCharFraction",
            Only(FineWeb, "fineWebQuality.maxDuplicateLineCharFraction", Text(195))
        );
        Assert.Null(Only(FineWeb, "fineWebQuality.maxDuplicateLineCharFraction", Text(16), "de"));
        Assert.Equal(
            "fineWebQuality.maxDuplicateLineCharFraction",
            Only(FineWeb, "fineWebQuality.maxDuplicateLineCharFraction", Text(15), "de")
        );
    }

    [Fact]
    public void Three_line_breaks_go_with_ten_words()
    {
        const string text = "a b c d\ne f\ng h\ni j";
        Assert.Null(Only(FineWeb, "fineWebQuality.maxNewlineRatio", text));
        Assert.Equal("fineWebQuality.maxNewlineRatio", Only(FineWeb, "fineWebQuality.maxNewlineRatio", text + "\n"));
    }

    [Theory]
    [InlineData("One is a line. Two is a line. Three it is.\nFour is a line.\nFive is a line.", null)]
    [InlineData("One is a line. Two is a line. Three it is.\nFour is a line.\nFive too", "c4.minSentences")]
    [InlineData("One is a line. Two is a line. Three it is. Four. Five. Six. Lorem Ipsum it is.", "c4.maxLoremIpsum")]
    [InlineData("One is a line. Two is a line. Three it is. Four. Five. Six { is", "c4.maxCurlyBrackets")]
    [InlineData("One is a line. Two is a line. Three it is. Four. Five. Six.\n{ two", null)]
    [InlineData("One is a line. Two is a line. Three it is. Four. Five. Six.\nuse { for the privacy policy", "c4.maxCurlyBrackets")]
    [InlineData("One is a line. Two is a line. Three it is. Four. Five. Six.\nuse { for the javascript", null)]
    public void C4_drops_documents(string text, string? reason) => Assert.Equal(reason, Judged.By(C4, text));

    [Theory]
    [InlineData("three words here", true)]
    [InlineData("two words", false)]
    [InlineData("please turn on JavaScript now", false)]
    [InlineData("read our Privacy Policy now", false)]
    [InlineData("we make use of cookies here", false)]
    [InlineData("this site uses  cookies here", true)]
    [InlineData("no terminal mark here,", true)]
    [InlineData("   ", false)]
    public void C4_drops_lines(string line, bool kept) =>
        Assert.Equal(kept ? "A line that stays.\n" + line : "A line that stays.", Judged.Edited(C4, "A line that stays.\n\n" + line));

    [Fact]
    public void Words_of_more_than_a_thousand_characters_cost_the_line()
    {
        Assert.Equal(2 + 1000 + 2, Judged.Edited(C4, "a " + new string('x', 1000) + " b").Length);
        Assert.Equal("", Judged.Edited(C4, "a " + new string('x', 1001) + " b"));
    }

    [Fact]
    public void Citations_go_before_words_are_counted()
    {
        Assert.Equal("Stones are old. They stand.", Judged.Edited(C4, "Stones[1] are[] old.[edit] They[citation needed] stand.[23]"));
        Assert.Equal("", Judged.Edited(C4, "two words [1]"));
        Assert.Equal("see [a] and [1a] here", Judged.Edited(C4, "see [a] and [1a] here"));
    }

    [Theory]
    [InlineData("Ends with a mark.", true)]
    [InlineData("Ends with an ellipsis...", false)]
    [InlineData("Ends with no mark", false)]
    [InlineData("Ends with a \"quote\"", true)]
    public void Terminal_punctuation_can_be_asked_for(string line, bool kept) =>
        Assert.Equal(kept ? line : "", Judged.Edited(new C4(new(RequireTerminalPunctuation: true)), line));

    [Fact]
    public void Other_languages_are_left_alone_unless_all_are_meant()
    {
        Assert.Equal("zwei Wörter {", Judged.Edited(C4, "zwei Wörter {", "de"));
        Assert.Null(Judged.By(C4, "zwei Wörter {", "de"));
        Assert.Equal("", Judged.Edited(new C4(new(AllLanguages: true)), "zwei Wörter", "de"));
        Assert.Equal("我们在北京的大学学习。", Judged.Edited(new C4(new(AllLanguages: true)), "我们在北京的大学学习。", "zh"));
    }

    [Theory]
    [InlineData(3, 200, null)]
    [InlineData(2, 200, "c4Paragraph.minParagraphs")]
    [InlineData(3, 199, "c4Paragraph.minParagraphs")]
    public void Three_lines_have_two_hundred_characters(int count, int length, string? reason) =>
        Assert.Equal(reason, Judged.By(new C4Paragraph(new()), string.Join('\n', Enumerable.Repeat(new string('x', length), count))));
}
