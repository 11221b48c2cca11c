using System.Text;
using Dolmen.Web.Crawling;

namespace Dolmen.Tests.Web.Crawling;

public class RobotsFiles
{
    [Theory]
    [InlineData("Disallow: /a", "/a", false)]
    [InlineData("Disallow: /a", "/ab", false)]
    [InlineData("Disallow: /a", "/A", true)]
    [InlineData("Disallow: /a\nAllow: /a/b", "/a/b/c", true)]
    [InlineData("Allow: /a/b\nDisallow: /a", "/a/c", false)]
    [InlineData("Allow: /a\nDisallow: /a", "/a", true)]                  // as long: the one that allows
    [InlineData("Disallow:", "/a", true)]
    [InlineData("Disallow: /*.php", "/x/y.php?z", false)]
    [InlineData("Disallow: /*.php$", "/x/y.php", false)]
    [InlineData("Disallow: /*.php$", "/x/y.php?z", true)]
    [InlineData("Disallow: /*.php$", "/x.php/y.php", false)]
    [InlineData("Disallow: /a*b*c", "/a--b--c--", false)]
    [InlineData("Disallow: /a*b*c", "/a--c--b", true)]
    [InlineData("Disallow: *", "/", false)]
    [InlineData("Disallow: /$", "/", false)]
    [InlineData("Disallow: /$", "/a", true)]
    [InlineData("Disallow: /\nAllow: /robots", "/robots.txt", true)]
    [InlineData("Disallow: /%7Ejoe", "/~joe/x", false)]
    [InlineData("Disallow: /~joe", "/%7ejoe/x", false)]
    [InlineData("Disallow: /a%3cd", "/a%3Cd", false)]
    [InlineData("Disallow: /\u00FC", "/%C3%BC", false)]
    [InlineData("Disallow : /a # why", "/a", false)]
    [InlineData("disALLOW: /a", "/a", false)]
    public void The_longest_rule_that_matches_decides(string rules, string path, bool allowed) =>
        Assert.Equal(allowed, Read("User-agent: *\n" + rules).Allows(path));

    [Theory]
    [InlineData("User-agent: dolmen\nDisallow: /a\n\nUser-agent: *\nDisallow: /", "/b", true)]
    [InlineData("User-agent: DOLMEN/2.0\nDisallow: /a", "/a", false)]
    [InlineData("User-agent: dolmenbot\nDisallow: /a", "/a", true)]
    [InlineData("User-agent: x\nUser-agent: Dolmen\nDisallow: /a", "/a", false)]
    [InlineData("User-agent: Dolmen\nDisallow: /a\nUser-agent: x\nDisallow: /b", "/b", true)]
    // one group of two
    [InlineData("User-agent: Dolmen\nDisallow: /a\nUser-agent: x\nDisallow: /b\nUser-agent: Dolmen\nDisallow: /c", "/c", false)]
    // a line between agents does not part them
    [InlineData("User-agent: Dolmen\nSitemap: http://x/s\nUser-agent: x\nDisallow: /a", "/a", false)]
    [InlineData("Disallow: /a\nUser-agent: *", "/a", true)]
    public void Groups_that_name_the_crawler_go_before_those_for_all(string file, string path, bool allowed) =>
        Assert.Equal(allowed, Read(file).Allows(path));

    [Fact]
    public void Delay_and_sitemaps_are_read()
    {
        var rules = Read("\uFEFFSitemap: http://x/1\r\nUser-agent: *\r\nCrawl-delay: 2.5\r\nDisallow: /a\r\nSitemap: http://x/2");
        Assert.Equal(2.5, rules.CrawlDelaySeconds);
        Assert.Equal(["http://x/1", "http://x/2"], rules.Sitemaps);
        Assert.Equal(
            (1e9, 1e12),
            (Read("User-agent: *\nCrawl-delay: 1e9").CrawlDelaySeconds, Read("User-agent: *\nCrawl-delay: 1e300").CrawlDelaySeconds)
        );
        Assert.Equal(0, Read("User-agent: *\nCrawl-delay: NaN").CrawlDelaySeconds);
    }

    [Fact]
    public void What_lies_behind_500_kilobytes_is_not_read()
    {
        var fill = string.Concat(Enumerable.Repeat("# filling line of forty characters here\n", RobotsRules.MaxBytes / 40));
        Assert.False(Read("User-agent: *\n" + fill[..^200] + "Disallow: /a\n").Allows("/a"));
        Assert.True(Read("User-agent: *\n" + fill + "Disallow: /a\n").Allows("/a"));
    }

    [Fact]
    public void A_pattern_of_stars_takes_no_time()
    {
        var rules = Read("User-agent: *\nDisallow: /" + string.Concat(Enumerable.Repeat("*a", 500)) + "b");
        Assert.True(rules.Allows("/" + new string('a', 2000)));
    }

    [Fact]
    public async Task Excluded_pages_are_counted_and_not_asked_for()
    {
        using var site = new LoopbackSite()
            .Say("/robots.txt", "200 OK", "User-agent: *\nDisallow: /no")
            .Page("/", "<a href=no>n</a><a href=yes>y</a>")
            .Page("/yes", "");
        using var crawl = new CrawlFixture();
        var report = await crawl.RunAsync(crawl.Settings(site.Address));
        Assert.Equal(["/robots.txt", "/", "/yes"], site.Paths);
        Assert.Equal(1, report.RobotsExcluded);
    }

    [Theory]
    [InlineData("404 Not Found", 1, "complete")]
    [InlineData("403 Forbidden", 1, "complete")]
    [InlineData("503 Service Unavailable", 0, "incomplete")]
    [InlineData("429 Too Many Requests", 0, "incomplete")]
    public async Task Without_a_file_all_is_allowed_and_without_an_answer_nothing(string status, int pages, string ended)
    {
        using var site = new LoopbackSite().Say("/robots.txt", status).Page("/", "");
        using var crawl = new CrawlFixture();
        var report = await crawl.RunAsync(crawl.Settings(site.Address));
        Assert.Equal((pages, ended), (report.Pages, report.Ended));
        Assert.Equal(pages, site.Paths.Count(path => path == "/"));
        if (pages == 0) Assert.Contains("robots.txt", Assert.Single(report.Notices), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_robots_file_may_have_moved_within_the_host()
    {
        using var site = new LoopbackSite()
            .Say("/robots.txt", "301 Moved", "", "Location: /r2\r\n")
            .Say("/r2", "200 OK", "User-agent: *\nDisallow: /")
            .Page("/", "");
        using var crawl = new CrawlFixture();
        Assert.Equal(1, (await crawl.RunAsync(crawl.Settings(site.Address))).RobotsExcluded);
    }

    private static RobotsRules Read(string file) => RobotsRules.Parse(Encoding.UTF8.GetBytes(file), "Dolmen");
}
