using System.IO.Compression;
using System.Text;
using Dolmen.Web.Crawling;
using Dolmen.Web.Warc;

namespace Dolmen.Tests.Web.Crawling;

public class SitemapFiles
{
    private static readonly WebAddress At = WebAddress.Parse("http://example.org/sitemap.xml")!;

    [Fact]
    public void Pages_and_sitemaps_are_told_apart()
    {
        var pages = Read(
            """<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc> http://example.org/a?b&amp;c </loc><lastmod>2024</lastmod></url><url><loc>/b</loc></url></urlset>"""
        );
        Assert.Equal(["http://example.org/a?b&c", "http://example.org/b"], pages.Pages.Select(page => page.Text));
        var index = Read("<sitemapindex><sitemap><loc>http://example.org/s1.xml.gz</loc></sitemap></sitemapindex>");
        Assert.Equal("http://example.org/s1.xml.gz", Assert.Single(index.Sitemaps).Text);
        Assert.Equal("http://example.org/t", Assert.Single(Read("http://example.org/t\nnonsense\n").Pages).Text);
    }

    [Fact]
    public void A_broken_or_hostile_file_gives_what_came_before()
    {
        Assert.Single(Read("<urlset><url><loc>http://example.org/a</loc></url><url><loc>http://exa").Pages);
        Assert.Empty(
            Read(
                """<!DOCTYPE x [<!ENTITY a "http://example.org/"><!ENTITY b "&a;&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>"""
            ).Pages
        );
        Assert.Empty(Read(string.Concat(Enumerable.Repeat("<a>", 100_000))).Pages);
    }

    [Fact]
    public async Task Sitemaps_of_the_robots_file_lead_to_pages_no_link_leads_to()
    {
        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write("<urlset><url><loc>/hidden</loc></url><url><loc>http://other.example/</loc></url></urlset>"u8);
        using var site = new LoopbackSite()
            .Page("/", "")
            .Page("/hidden", "")
            .Page("/other", "")
            .Say(
                "/maps.xml",
                "200 OK",
                "<sitemapindex><sitemap><loc>/one.xml.gz</loc></sitemap><sitemap><loc>/maps.xml</loc></sitemap></sitemapindex>"
            )
            .Stream(
                "/one.xml.gz",
                async (_, stream) =>
                {
                    await stream.WriteAsync(
                        Encoding.ASCII.GetBytes(
                            $"HTTP/1.1 200 OK\r\nContent-Type: application/gzip\r\nContent-Length: {zipped.Length}\r\n\r\n"
                        )
                    );
                    await stream.WriteAsync(zipped.ToArray());
                }
            )
            .Say("/sitemap.xml", "200 OK", "<urlset><url><loc>/other</loc></url></urlset>");
        site.Say("/robots.txt", "200 OK", "Sitemap: /maps.xml");
        using var crawl = new CrawlFixture();
        var report = await crawl.RunAsync(crawl.Settings(site.Address) with { Sitemaps = true });
        Assert.Equal((3, 1), (report.Pages, report.OutOfScope));
        Assert.Equal(["/robots.txt", "/maps.xml", "/sitemap.xml", "/one.xml.gz", "/", "/other", "/hidden"], site.Paths);
    }

    [Theory]
    [InlineData("http://www.Example.org/A/?c=1&b=2#f", "org,example)/a?b=2&c=1")]
    [InlineData("https://docs.example.org:8443/", "org,example,docs:8443)/")]
    [InlineData("http://www2.example.org/x/y/", "org,example)/x/y")]
    [InlineData("http://www.org/", "org,www)/")]
    [InlineData("http://192.168.1.254/info/", "254,1,168,192)/info")]
    public void Index_keys_sort_by_domain(string url, string surt) => Assert.Equal(surt, CdxjIndex.Surt(url));

    private static Sitemap Read(string file) => Sitemap.Read(Encoding.UTF8.GetBytes(file), At);
}
