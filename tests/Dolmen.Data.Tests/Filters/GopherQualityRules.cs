using Dolmen.Data.Filters;

namespace Dolmen.Tests.Data.Filters;

public class GopherQualityRules
{
    private static readonly GopherQuality Filter = new(new());

    // "the and cat " is three words of three letters.
    private static string Words(int count) =>
        string.Join(
            ' ',
            Enumerable
                .Range(0, count)
                .Select(index =>
                    index switch
                    {
                        0 => "the",
                        1 => "and",
                        _ => "cats",
                    }
                )
        );

    [Theory]
    [InlineData(50, null)]
    [InlineData(49, "gopherQuality.minWords")]
    [InlineData(100_000, null)]
    [InlineData(100_001, "gopherQuality.maxWords")]
    public void Words_are_fifty_to_a_hundred_thousand(int count, string? reason) => Assert.Equal(reason, Judged.By(Filter, Words(count)));

    [Theory]
    [InlineData(3, 3, null)]
    [InlineData(3, 2, "gopherQuality.minMeanWordLength")]
    [InlineData(10, 10, null)]
    [InlineData(10, 11, "gopherQuality.maxMeanWordLength")]
    public void Words_have_three_to_ten_letters_on_average(int length, int odd, string? reason)
    {
        // 100 words of one length but for one; the stop words are made up for.
        var words = Enumerable.Repeat(new string('x', length), 99).Append(new string('x', odd));
        var filter = new GopherQuality(new(MinStopWords: 0));
        Assert.Equal(reason, Judged.By(filter, string.Join(' ', words)));
    }

    [Theory]
    [InlineData("#", 10, null)]
    [InlineData("#", 11, "gopherQuality.maxHashRatio")]
    [InlineData("…", 10, null)]
    [InlineData("...", 11, "gopherQuality.maxEllipsisRatio")]
    public void Hashes_and_ellipses_are_a_tenth_of_the_words(string mark, int count, string? reason)
    {
        // The marks count among the words: of 100 in all, 10 may be marks, of 101 not 11.
        var text = Words(90) + " end " + string.Concat(Enumerable.Repeat(mark + " x ", count))[..^1];
        var filter = new GopherQuality(new(MinAlphabeticFraction: 0, MinMeanWordLength: 0));
        var words = Judged.Words(text, "en").Length;
        text += string.Concat(Enumerable.Repeat(" dogs", Math.Max(0, 100 - words)));
        if (Judged.Words(text, "en").Length > 100)
            text = Words(100 - (2 * count)) + string.Concat(Enumerable.Repeat(" " + mark + " x", count));
        Assert.Equal(100, Judged.Words(text, "en").Length);
        Assert.Equal(reason, Judged.By(filter, text));
    }

    [Theory]
    [InlineData("•", 9, null)]
    [InlineData("-", 10, "gopherQuality.maxBulletLineFraction")]
    [InlineData("*", 10, null)]
    public void Bullets_start_nine_tenths_of_the_lines(string bullet, int count, string? reason)
    {
        var text = string.Join(
            '\n',
            Enumerable.Range(0, 10).Select(line => (line < count ? $"  {bullet} " : "") + "the cats and dogs run over hills")
        );
        Assert.Equal(reason, Judged.By(Filter, text));
    }

    [Theory]
    [InlineData("...", 3, null)]
    [InlineData("... ", 4, "gopherQuality.maxEllipsisLineFraction")]
    [InlineData("…", 4, "gopherQuality.maxEllipsisLineFraction")]
    [InlineData("..", 4, null)]
    public void Ellipses_end_three_tenths_of_the_lines(string end, int count, string? reason)
    {
        var text = string.Join(
            '\n',
            Enumerable.Range(0, 10).Select(line => "the cats and dogs run over hills and dales" + (line < count ? end : ""))
        );
        Assert.Equal(reason, Judged.By(Filter, text));
    }

    [Theory]
    [InlineData(20, null)]
    [InlineData(21, "gopherQuality.minAlphabeticFraction")]
    public void Four_fifths_of_the_words_have_a_letter(int numbers, string? reason)
    {
        var text = Words(100 - numbers) + string.Concat(Enumerable.Repeat(" 1234", numbers));
        Assert.Equal(reason, Judged.By(Filter, text));
    }

    [Theory]
    [InlineData("the the", null)]
    [InlineData("the The", "gopherQuality.minStopWords")]
    [InlineData("with other", "gopherQuality.minStopWords")]
    public void Two_stop_words_are_asked_for(string stops, string? reason) =>
        Assert.Equal(reason, Judged.By(Filter, stops + string.Concat(Enumerable.Repeat(" cats", 60))));

    [Fact]
    public void Thresholds_are_the_users_before_the_languages_before_the_familys()
    {
        static double Threshold(GopherQualitySettings settings, string language) =>
            new GopherQuality(settings).Rules(language).Single(rule => rule.Reason == "gopherQuality.maxMeanWordLength").Threshold;

        Assert.Equal(10, Threshold(new(), "en"));
        Assert.Equal(21, Threshold(new(), "hi"));
        Assert.Equal(12, Threshold(new(MaxMeanWordLength: 12), "hi"));
        Assert.Equal(15, Threshold(new(), "xx"));
    }

    [Fact]
    public void A_language_without_a_list_is_not_asked_for_stop_words()
    {
        Assert.True(double.IsNaN(Judged.Value(Filter, "gopher_quality_stop_words", Words(60), "xx")));
        Assert.Null(Judged.By(Filter, string.Concat(Enumerable.Repeat("cats ", 60)), "xx"));
    }

    [Fact]
    public void Korean_particles_are_stop_words_inside_what_spaces_bound() =>
        Assert.Equal(3, Judged.Value(Filter, "gopher_quality_stop_words", "학교에서 책을 읽었다", "ko"));

    [Fact]
    public void A_text_without_words_is_too_short_and_nothing_else()
    {
        foreach (var text in new[] { "", "\n\n\n", "   ", "... !!!" }) Assert.Equal("gopherQuality.minWords", Judged.By(Filter, text));
    }
}
