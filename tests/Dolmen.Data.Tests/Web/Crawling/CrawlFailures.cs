using System.Net;
using System.Net.Sockets;
using Dolmen.Artifacts;
using Dolmen.Web.Crawling;

namespace Dolmen.Tests.Web.Crawling;

public class CrawlFailures
{
    [Fact]
    public async Task A_crawl_whose_addresses_all_refuse_connections_has_failed()
    {
        using var crawl = new CrawlFixture();
        var report = await crawl.RunAsync(crawl.Settings($"http://127.0.0.1:{ClosedPort()}/", $"http://127.0.0.1:{ClosedPort()}/a"));
        Assert.True(report.Failed);
        Assert.Contains("could not be fetched", report.Notices[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_crawl_of_errors_alone_has_failed_and_one_that_is_kept_out_has_not()
    {
        using var broken = new LoopbackSite().Say("/", "404 Not Found");
        using var failed = new CrawlFixture();
        Assert.True((await failed.RunAsync(failed.Settings(broken.Address))).Failed);

        using var closed = new LoopbackSite().Say("/robots.txt", "200 OK", "User-agent: *\nDisallow: /").Page("/", "<p>x</p>");
        using var kept = new CrawlFixture();
        Assert.False((await kept.RunAsync(kept.Settings(closed.Address))).Failed);

        using var page = new LoopbackSite().Page("/", "<a href=/gone>x</a>");
        using var whole = new CrawlFixture();
        Assert.False((await whole.RunAsync(whole.Settings(page.Address))).Failed);
    }

    [Theory]
    [InlineData("94608000")]
    [InlineData("1e300")]
    [InlineData("Infinity")]
    public async Task A_crawl_delay_of_years_is_bounded_and_said_at_once(string seconds)
    {
        var said = new List<string>();
        using var site = new LoopbackSite()
            .Say("/robots.txt", "200 OK", $"User-agent: *\nCrawl-delay: {seconds}")
            .Page("/", "<a href=/a>a</a>")
            .Page("/a", "<p>a</p>");
        var time = new LeapingTime();
        using var crawl = new CrawlFixture { Time = time };
        var report = await crawl.RunAsync(crawl.Settings(site.Address) with { Concurrency = 1, OnNotice = said.Add });
        Assert.Equal(2, report.Pages);
        Assert.Contains("60 are kept", Assert.Single(said), StringComparison.Ordinal);
        Assert.Equal(said, report.Notices);
        Assert.True(time.Pauses.Max() < TimeSpan.FromSeconds(61));
    }

    [Theory]
    [InlineData("http://user:secret@127.0.0.1:1/")]
    [InlineData("https://user:sec/ret@example.org/")]
    [InlineData("ftp://user:secret@example.org/")]
    [InlineData("user:secret@example.org")]
    [InlineData("//user:secret@example.org/")]
    public async Task A_password_in_an_address_is_not_shown(string seed)
    {
        using var crawl = new CrawlFixture();
        var error = await Assert.ThrowsAsync<UserErrorException>(() => crawl.RunAsync(crawl.Settings(seed)));
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("sec/ret", error.Message, StringComparison.Ordinal);
        Assert.Contains("***@", error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<UserErrorException>(() =>
            ListedFiles.FetchAsync(new FetchSettings(crawl.Out, Listing: "http://user:secret@127.0.0.1:1/x"), null, default)
        );
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://example.org/@name", "https://example.org/@name")]
    [InlineData("https://example.org:8080/@name", "https://example.org:8080/@name")]
    [InlineData("https://u@example.org/", "https://***@example.org/")]
    [InlineData("https://u:p@q@example.org/x", "https://***@example.org/x")]
    public void Addresses_without_a_password_stay_as_they_are(string address, string shown) =>
        Assert.Equal(shown, SecretFree.Address(address));

    [Fact]
    public async Task A_listing_with_a_file_inside_a_file_is_refused()
    {
        using var crawl = new CrawlFixture();
        Directory.CreateDirectory(crawl.Out);
        var listing = Path.Combine(crawl.Out, "paths.txt");
        await File.WriteAllTextAsync(listing, "a.warc.gz\na.warc.gz/b.warc.gz\n", TestContext.Current.CancellationToken);
        var error = await Assert.ThrowsAsync<UserErrorException>(() =>
            ListedFiles.FetchAsync(new FetchSettings(crawl.Out, listing), null, default)
        );
        Assert.Contains("in a folder of that name", error.Message, StringComparison.Ordinal);
    }

    private static int ClosedPort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
