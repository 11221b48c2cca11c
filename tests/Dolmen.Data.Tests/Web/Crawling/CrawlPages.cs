using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Web.Crawling;

namespace Dolmen.Tests.Web.Crawling;

public class CrawlPages
{
    [Fact]
    public async Task Links_are_followed_near_ones_first_and_each_page_is_fetched_once()
    {
        using var site = new LoopbackSite()
            .Page(
                "/",
                """<a href="a#top">a</a> <a href='/b?x=2&amp;a=1'>b</a> <a href="/a">again</a> <iframe src="f"></iframe> <a rel="nofollow" href="/no">no</a>"""
            )
            .Page("/a", """<base href="/deep/"><a href="d">d</a><map><area href="/"></map>""")
            .Page("/b?x=2&a=1", """<script>"<a href='/script'>"</script><!-- <a href="/comment"> --><link rel="next" href="/n">""")
            .Page("/f", "").Page("/deep/d", "").Page("/n", "");
        using var crawl = new CrawlFixture();
        var report = await crawl.RunAsync(crawl.Settings(site.Address));
        Assert.Equal(["/robots.txt", "/", "/a", "/b?x=2&a=1", "/f", "/deep/d", "/n"], site.Paths);
        Assert.Equal(["/", "/a", "/b?x=2&a=1", "/f", "/deep/d", "/n"], crawl.Stored());
        Assert.Equal((6, "complete", 1), (report.Pages, report.Ended, report.Pass));
        Assert.Empty(report.Errors);
    }

    [Fact]
    public async Task Records_hold_what_went_over_the_wire()
    {
        using var site = new LoopbackSite().Raw(
            "/",
            _ =>
                "HTTP/1.1 103 Early Hints\r\nLink: </s>\r\n\r\nHTTP/1.1 200 Fine indeed\r\ncontent-TYPE: text/html\r\nTransfer-Encoding: "
                    + "chunked\r\nX-B: 2\r\nX-A: 1\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        );
        using var crawl = new CrawlFixture();
        await crawl.RunAsync(crawl.Settings(site.Address));
        var records = crawl.Records();
        Assert.Equal(
            ["warcinfo", "response", "request", "metadata", "response", "request", "metadata"],
            records.Select(record => record.Type)
        );
        var (response, request, metadata) = (records[4], records[5], records[6]);
        Assert.Equal(
            "HTTP/1.1 200 Fine indeed\r\ncontent-TYPE: text/html\r\nTransfer-Encoding: chunked\r\nX-B: 2\r\nX-A: "
                + "1\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            response.Block
        );
        Assert.Equal("sha1:" + Base32Sha1("abcde"), response.Fields["WARC-Payload-Digest"]);
        Assert.Equal("sha1:" + Base32Sha1(response.Block), response.Fields["WARC-Block-Digest"]);
        Assert.Equal("127.0.0.1", response.Fields["WARC-IP-Address"]);
        Assert.Equal(site.Requests.Last(), request.Block);
        Assert.StartsWith("GET / HTTP/1.1\r\n", request.Block, StringComparison.Ordinal);
        Assert.Contains("User-Agent: Dolmen/", request.Block, StringComparison.Ordinal);
        Assert.Equal(response.Fields["WARC-Record-ID"], request.Fields["WARC-Concurrent-To"]);
        Assert.Equal(response.Fields["WARC-Record-ID"], metadata.Fields["WARC-Concurrent-To"]);
        Assert.Contains("hopsFromSeed: 0\r\n", metadata.Block, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_index_points_at_records_that_unzip_alone()
    {
        using var site = new LoopbackSite().Page("/", "<a href=b>b</a><a href=a>a</a>").Page("/a", "aa").Page("/b", "bb");
        using var crawl = new CrawlFixture();
        await crawl.RunAsync(crawl.Settings(site.Address));
        var lines = crawl.Index();
        Assert.Equal(lines.Order(StringComparer.Ordinal), lines);
        Assert.Equal(4, lines.Length);
        foreach (var line in lines)
        {
            Assert.StartsWith($"1,0,0,127:{site.Port})/", line, StringComparison.Ordinal);
            var json = JsonDocument.Parse(line.Split(' ', 3)[2]).RootElement;
            string Value(string name) => json.GetProperty(name).GetString()!;
            var file = File.ReadAllBytes(Path.Combine(crawl.Out, Value("filename")));
            var record = StoredRecord.Parse(CrawlFixture.Unzip(file.AsSpan(int.Parse(Value("offset")), int.Parse(Value("length")))));
            Assert.Equal((Value("url"), "response"), (record.Url, record.Type));
            Assert.Equal("sha1:" + Value("digest"), record.Fields["WARC-Payload-Digest"]);
        }
    }

    [Fact]
    public async Task Files_roll_over_at_their_size()
    {
        var noise = string.Concat(Enumerable.Range(0, 20_000).Select(StableHash));
        using var site = new LoopbackSite().Page("/", "<a href=a>a</a>").Page("/a", noise + "<a href=b>b</a>").Page("/b", "b");
        using var crawl = new CrawlFixture();
        var report = await crawl.RunAsync(crawl.Settings(site.Address) with { WarcBytes = 1 << 16 });
        Assert.Equal(["crawl-00000.warc.gz", "crawl-00001.warc.gz"], report.WarcFiles.Select(Path.GetFileName));
        Assert.Equal(["/", "/a", "/b"], crawl.Stored());
        Assert.Equal(2, crawl.Records().Count(record => record.Type == "warcinfo"));

        static string StableHash(int n) => Dolmen.Artifacts.StableHash.Of($"{n}").ToString("x");
    }

    [Theory]
    [InlineData("<meta name=robots content='noindex'>", "/", "/kept")]
    [InlineData("<meta name=ROBOTS content='NoFollow'>", "/", "/page")]
    [InlineData("<meta name=dolmen content='none'>", "/")]
    [InlineData("<meta name=otherbot content='none'>", "/", "/page", "/kept")]
    public async Task Pages_may_ask_not_to_be_kept_or_followed(string meta, params string[] stored)
    {
        using var site = new LoopbackSite().Page("/", "<a href=page>p</a>").Page("/page", meta + "<a href=kept>k</a>").Page("/kept", "");
        using var crawl = new CrawlFixture();
        var report = await crawl.RunAsync(crawl.Settings(site.Address));
        Assert.Equal(stored, crawl.Stored());
        Assert.Equal(stored.Contains("/page") ? 0 : 1, report.OptedOut);
    }

    [Fact]
    public async Task Headers_may_ask_the_same()
    {
        using var site = new LoopbackSite()
            .Page("/", "<a href=a>a</a><a href=b>b</a>")
            .Page("/a", "", "X-Robots-Tag: noindex, nofollow\r\n")
            .Page("/b", "", "X-Robots-Tag: otherbot: noindex\r\n");
        using var crawl = new CrawlFixture();
        await crawl.RunAsync(crawl.Settings(site.Address));
        Assert.Equal(["/", "/b"], crawl.Stored());
    }

    [Fact]
    public async Task Depth_pages_and_bytes_are_limits()
    {
        using var site = new LoopbackSite();
        for (var i = 0; i < 20; i++) site.Page($"/{i}", $"<a href=/{i + 1}>next</a>" + new string('x', 5000));
        using var shallow = new CrawlFixture();
        Assert.Equal((3, "complete"), Ends(await shallow.RunAsync(shallow.Settings(site.Address + "0") with { MaxDepth = 2 })));
        using var few = new CrawlFixture();
        Assert.Equal((4, "limit"), Ends(await few.RunAsync(few.Settings(site.Address + "0") with { MaxPages = 4 })));
        using var small = new CrawlFixture();
        Assert.Equal((2, "limit"), Ends(await small.RunAsync(small.Settings(site.Address + "0") with { MaxBytes = 10_000 })));

        static (long, string) Ends(CrawlReport report) => (report.Pages, report.Ended);
    }

    [Fact]
    public async Task A_long_page_is_cut_and_says_so()
    {
        using var site = new LoopbackSite().Page("/", new string('x', 5000));
        using var crawl = new CrawlFixture();
        var report = await crawl.RunAsync(crawl.Settings(site.Address) with { MaxPageBytes = 2000 });
        var response = crawl.Records().Last(record => record.Type == "response");
        Assert.Equal("length", response.Fields["WARC-Truncated"]);
        Assert.EndsWith("\r\n\r\n" + new string('x', 2000), response.Block, StringComparison.Ordinal);
        Assert.Equal((1, 1), (report.Pages, report.Truncated));
    }

    [Fact]
    public async Task What_holds_no_text_is_left()
    {
        using var site = new LoopbackSite()
            .Page("/", "<a href=i.png>i</a><a href=data>d</a>")
            .Page("/i.png", "")
            .Say("/data", "200 OK", "xxx", "Content-Type: application/octet-stream\r\n");
        using var crawl = new CrawlFixture();
        var report = await crawl.RunAsync(crawl.Settings(site.Address));
        Assert.Equal(["/"], crawl.Stored());
        Assert.Equal(1, report.NotText);
        using var all = new CrawlFixture();
        await all.RunAsync(all.Settings(site.Address) with { AllTypes = true });
        Assert.Equal(["/", "/i.png", "/data"], all.Stored());
    }

    [Theory]
    [InlineData("ftp://127.0.0.1/")]
    [InlineData("http://user:word@127.0.0.1/")]
    [InlineData("/usr/share")]
    [InlineData("file:///etc/passwd")]
    public async Task What_is_no_web_address_is_the_users_error(string seed)
    {
        using var crawl = new CrawlFixture();
        var error = await Assert.ThrowsAsync<UserErrorException>(() => crawl.RunAsync(crawl.Settings(seed)));
        Assert.Contains(seed.Replace("user:word", "***", StringComparison.Ordinal), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_with_other_files_is_left_alone()
    {
        using var crawl = new CrawlFixture();
        Directory.CreateDirectory(crawl.Out);
        await File.WriteAllTextAsync(Path.Combine(crawl.Out, "thesis.txt"), "words");
        await Assert.ThrowsAsync<UserErrorException>(() => crawl.RunAsync(crawl.Settings("http://127.0.0.1:1/")));
        Assert.Equal(["thesis.txt"], Directory.GetFileSystemEntries(crawl.Out).Select(Path.GetFileName));
    }

    private static string Base32Sha1(string text)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        hash.AppendData(Encoding.Latin1.GetBytes(text));
        var bits = string.Concat(hash.GetHashAndReset().Select(octet => octet.ToString("b8")));
        return string.Concat(bits.Chunk(5).Select(five => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[Convert.ToInt32(new string(five), 2)]));
    }
}
