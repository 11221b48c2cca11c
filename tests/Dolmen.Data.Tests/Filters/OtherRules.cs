using System.IO.Compression;
using Dolmen.Artifacts;
using Dolmen.Data.Filters;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Data.Filters;

public class OtherRules
{
    private static readonly Lines Lines = new(new());

    [Theory]
    [InlineData("", "length.minChars")]
    [InlineData("x", null)]
    public void An_empty_text_is_no_document(string text, string? reason) => Assert.Equal(reason, Judged.By(new Length(new()), text));

    [Theory]
    [InlineData("one two", "length.minWords")]
    [InlineData("one two three", null)]
    [InlineData("one two, three!", null)]
    [InlineData("one two three 4 5", null)]
    [InlineData("one two three 4 5 6", "length.maxWords")]
    [InlineData("one two three, four five!!", "length.maxChars")]
    public void Lengths_are_bounded_both_ways(string text, string? reason) =>
        Assert.Equal(reason, Judged.By(new Length(new(MaxChars: 25, MinWords: 3, MaxWords: 5)), text));

    [Theory]
    [InlineData("HALF half", true)]
    [InlineData("MORE THAn it", false)]
    [InlineData("12 34 56", false)]
    [InlineData("12 likes", false)]
    [InlineData("1.2K views", false)]
    [InlineData("12 likely things", true)]
    [InlineData("word", false)]
    [InlineData("Sign in to see it", false)]
    [InlineData("A long story. Read more...", false)]
    [InlineData("3 items in cart now", false)]
    [InlineData("You should read more books", true)]
    [InlineData("one two three four five six seven eight nine read more", true)]
    [InlineData("one two three four five six seven eight read more", false)]
    [InlineData("中文没有空格", true)]
    public void Boilerplate_lines_go(string line, bool kept) =>
        Assert.Equal(
            kept ? "A line that stays.\n" + line : "A line that stays.",
            Judged.Edited(Lines, "A line that stays.\n" + line, line[0] == '中' ? "zh" : "en")
        );

    [Fact]
    public void A_document_that_loses_more_than_a_twentieth_of_its_words_goes()
    {
        static string Text(int words) => string.Join(' ', Enumerable.Repeat("word", words)) + "\n12 likes\n34 likes";
        Assert.Null(Judged.By(Lines, Text(76)));
        Assert.Equal("lines.maxRemovedFraction", Judged.By(Lines, Text(75)));
        Assert.Equal(0, Judged.Value(Lines, "lines_removed_fraction", "nothing goes here"));
    }

    [Fact]
    public void Bad_words_stand_alone_except_where_no_spaces_are()
    {
        using var folder = Lists();
        var filter = new BadWords(new(folder.Path, MaxRatio: 0.25));
        Assert.Equal(1, Judged.Value(filter, "bad_words_words", "A FOOBAR, foobars, xfoobar and foo_foobar", "en"));
        Assert.Equal(2, Judged.Value(filter, "bad_words_words", "very bad thing; foo", "en"));
        Assert.Equal(1, Judged.Value(filter, "bad_words_words", "这是坏词吗性", "zh"));
        Assert.True(double.IsNaN(Judged.Value(filter, "bad_words_words", "foobar", "de")));
        Assert.Null(Judged.By(filter, "fine words", "en"));
        Assert.Equal("badWords.maxWords", Judged.By(filter, "one foobar among", "en"));
    }

    [Fact]
    public void Bad_word_ratios_have_a_bound()
    {
        using var folder = Lists();
        var filter = new BadWords(new(folder.Path, MaxRatio: 0.25, MaxWords: 100));
        Assert.Null(Judged.By(filter, "foobar two three four"));
        Assert.Equal("badWords.maxRatio", Judged.By(filter, "foobar two three"));
    }

    [Fact]
    public void The_draw_spares_its_share_and_always_the_same()
    {
        using var folder = Lists();
        var filter = new BadWords(new(folder.Path, KeepFraction: 0.3, Seed: 7));
        var texts = Enumerable.Range(0, 2000).Select(index => $"foobar {index}").ToList();
        var spared = texts.Where(text => Judged.By(filter, text) is null).ToList();
        Assert.InRange(spared.Count, 520, 680);
        var again = new BadWords(new(folder.Path, KeepFraction: 0.3, Seed: 7));
        Assert.Equal(spared, texts.AsEnumerable().Reverse().Where(text => Judged.By(again, text) is null).Reverse());
    }

    [Fact]
    public void A_folder_that_is_not_there_is_the_users_to_mend() =>
        Assert.Contains(
            "filters.badWords.lists",
            Assert
                .Throws<UserErrorException>(() =>
                    new BadWords(new("/nowhere/at/all")).Measure(TextView.Of("text", "en"), "en", new double[3])
                )
                .Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("https://example.com/essay", null)]
    [InlineData("https://www.bad.example/page", "url.domains")]
    [InlineData("http://user@deep.sub.BAD.example:8080/", "url.domains")]
    [InlineData("https://notbad.example/", null)]
    [InlineData("https://ads.example/x", "url.domains")]
    [InlineData("https://tracker.example/x", "url.domains")]
    [InlineData("https://example.com/one/page/", "url.urls")]
    [InlineData("https://example.com/one/page/two", null)]
    [InlineData("https://example.com/casino-night", "url.bannedWords")]
    [InlineData("https://example.com/casinos", null)]
    [InlineData("https://example.com/poker-bets", "url.minSoftBannedWords")]
    [InlineData("https://example.com/poker-poker", null)]
    [InlineData("https://example.com/free-slot-s/", "url.bannedSubwords")]
    [InlineData("https://example.com/XXX/1", "url.bannedWords")]
    [InlineData("", null)]
    public void Addresses_are_judged_by_lists(string url, string? reason)
    {
        using var folder = new TemporaryFolder();
        folder.Write(
            "domains.txt",
            "# comment",
            "bad.example",
            "||ads.example^",
            "0.0.0.0 tracker.example",
            "-ad-banner.",
            "@@||fine.example^",
            "##.ad"
        );
        using (var gzip = new GZipStream(File.Create(Path.Combine(folder.Path, "urls.txt.gz")), CompressionLevel.Fastest))
            gzip.Write("http://example.com/one/page\n"u8);
        folder.Write("banned.txt", "casino");
        folder.Write("soft.txt", "poker", "bets");
        folder.Write("sub.txt", "free slots");
        string In(string name) => Path.Combine(folder.Path, name);
        var filter = new UrlFilter(new(true, In("domains.txt"), In("urls.txt.gz"), In("banned.txt"), In("soft.txt"), In("sub.txt")));
        Assert.Equal(reason, filter.Judge(url)?.Reason);
    }

    [Fact]
    public void Addresses_of_any_length_are_judged()
    {
        var filter = new UrlFilter(new());
        Assert.Null(filter.Judge("https://example.com/" + new string('a', 1_000_000)));
        Assert.Null(filter.Judge("://@:/?#[]"));
        Assert.Null(new UrlFilter(new(BuiltIn: false)).Judge("https://xxx.example/"));
    }

    private static TemporaryFolder Lists()
    {
        var folder = new TemporaryFolder();
        folder.Write("en", "foobar", "foo", "very bad thing");
        folder.Write("zh.json", "[\"坏词\", \"性\"]");
        return folder;
    }
}
