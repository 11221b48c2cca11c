using Dolmen.Artifacts;
using Dolmen.Web.Crawling;

namespace Dolmen.Tests.Web.Crawling;

public class CrawlAgain
{
    [Fact]
    public async Task Unchanged_pages_become_revisits()
    {
        var changed = false;
        using var site = new LoopbackSite()
            .Page("/", "<a href=tag>t</a><a href=same>s</a><a href=new>n</a><a href=gone>g</a>")
            .Raw(
                "/tag",
                head =>
                    head.Contains("If-None-Match: \"v1\"", StringComparison.Ordinal)
                    && head.Contains("If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT", StringComparison.Ordinal)
                        ? "HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n"
                        : "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: \"v1\"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 "
                            + "GMT\r\nContent-Length: 3\r\n\r\ntag"
            )
            .Page("/same", "same")
            .Raw(
                "/new",
                _ =>
                    changed
                        ? "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 24\r\n\r\n<a href=found>after</a>\n"
                        : "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\nbefore"
            )
            .Raw(
                "/gone",
                _ =>
                    changed
                        ? "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
                        : "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\nx"
            )
            .Page("/found", "");
        using var crawl = new CrawlFixture();
        var first = await crawl.RunAsync(crawl.Settings(site.Address));
        changed = true;
        var second = await crawl.RunAsync(crawl.Settings(site.Address));
        Assert.Equal((5, 0, 1), (first.Pages, first.Revisits, first.Pass));
        Assert.Equal((2, 3, 2), (second.Pages, second.Revisits, second.Pass));
        Assert.Equal(1, second.Errors["http-410"]);
        var records = crawl.Records();
        var original = records.First(record => record.Url.EndsWith("/tag", StringComparison.Ordinal) && record.Type == "response");
        var revisits = records.Where(record => record.Type == "revisit").ToDictionary(record => new Uri(record.Url).AbsolutePath);
        Assert.Equal(["/", "/same", "/tag"], revisits.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("http://netpreserve.org/warc/1.1/revisit/server-not-modified", revisits["/tag"].Fields["WARC-Profile"]);
        Assert.Equal("http://netpreserve.org/warc/1.1/revisit/identical-payload-digest", revisits["/same"].Fields["WARC-Profile"]);
        Assert.Equal(original.Fields["WARC-Record-ID"], revisits["/tag"].Fields["WARC-Refers-To"]);
        Assert.Equal(original.Fields["WARC-Date"], revisits["/tag"].Fields["WARC-Refers-To-Date"]);
        Assert.Equal(original.Fields["WARC-Payload-Digest"], revisits["/tag"].Fields["WARC-Payload-Digest"]);
        Assert.EndsWith("\r\n\r\n", revisits["/same"].Block, StringComparison.Ordinal);
        Assert.Equal(3, crawl.Index().Count(line => line.Contains("warc/revisit", StringComparison.Ordinal)));
        Assert.Equal(3, (await crawl.RunAsync(crawl.Settings(site.Address))).Pass);
        Assert.Equal(records.Count, records.Select(record => record.Fields["WARC-Record-ID"]).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task A_crawl_stopped_anywhere_goes_on_and_fetches_nothing_twice()
    {
        using var stop = new CancellationTokenSource();
        using var site = new LoopbackSite();
        for (var i = 0; i < 30; i++) site.Page($"/{i}", $"<a href=/{i + 1}>n</a>");
        site.Raw("/12", _ =>
        {
            stop.Cancel();
            Thread.Sleep(50);
            return "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 17\r\n\r\n<a href=/13>n</a>";
        });
        using var crawl = new CrawlFixture();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            crawl.RunAsync(crawl.Settings(site.Address + "0") with { MaxDepth = 99 }, stop.Token)
        );
        Assert.Equal(12, crawl.Stored().Count);
        Assert.Equal(13, crawl.Index().Length);
        var report = await crawl.RunAsync(crawl.Settings(site.Address + "0") with { MaxDepth = 99 });
        Assert.Equal((30, "complete", 1), (report.Pages, report.Ended, report.Pass));
        Assert.Equal(Enumerable.Range(0, 31).Select(i => $"/{i}"), crawl.Stored());
        Assert.Equal(crawl.Index().Distinct(StringComparer.Ordinal), crawl.Index());
        Assert.Equal(2, site.Paths.Count(path => path == "/12"));        // the one under way, whose answer no one had
        Assert.Equal(1, site.Paths.Count(path => path == "/11"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(700)]
    public async Task What_a_kill_tore_is_cut_off(int bytes)
    {
        using var site = new LoopbackSite();
        for (var i = 0; i < 5; i++) site.Page($"/{i}", $"<a href=/{i + 1}>n</a>");
        using var crawl = new CrawlFixture();
        await crawl.RunAsync(crawl.Settings(site.Address + "0") with { MaxPages = 3 });
        var warc = Path.Combine(crawl.Out, "crawl-00000.warc.gz");
        var journal = Path.Combine(crawl.Out, ".crawl", "journal");
        // A page written and not noted, torn; and a note torn in the middle.
        var whole = await File.ReadAllBytesAsync(warc);
        await File.AppendAllBytesAsync(warc, whole.AsMemory(0, Math.Min(bytes, whole.Length)));
        await File.AppendAllTextAsync(journal, "{\"kind\":\"done\",\"url\":\"http");
        await File.WriteAllBytesAsync(Path.Combine(crawl.Out, "crawl-00001.warc.gz"), [0x1F]);
        var report = await crawl.RunAsync(crawl.Settings(site.Address + "0"));
        Assert.Equal((5, 1), (report.Pages, report.Pass));
        Assert.Equal(["/0", "/1", "/2", "/3", "/4", "/5"], crawl.Stored());
        Assert.Single(report.WarcFiles);
    }

    [Fact]
    public async Task Records_that_never_reached_the_disk_are_fetched_again()
    {
        using var site = new LoopbackSite();
        for (var i = 0; i < 5; i++) site.Page($"/{i}", $"<a href=/{i + 1}>n</a>");
        using var crawl = new CrawlFixture();
        await crawl.RunAsync(crawl.Settings(site.Address + "0") with { MaxPages = 4 });
        var warc = Path.Combine(crawl.Out, "crawl-00000.warc.gz");
        using (var stream = File.OpenWrite(warc)) stream.SetLength(stream.Length - 100);
        var report = await crawl.RunAsync(crawl.Settings(site.Address + "0"));
        Assert.Equal(5, report.Pages);
        Assert.Equal(["/0", "/1", "/2", "/3", "/4", "/5"], crawl.Stored());
        Assert.Equal(2, site.Paths.Count(path => path == "/3"));
    }

    [Theory]
    [InlineData("crawl-00000.warc.gz", false)]
    [InlineData(".crawl/journal", false)]
    [InlineData(".crawl/journal", true)]
    public async Task A_folder_that_lost_a_part_is_left_as_it_is(string file, bool spoilt)
    {
        using var site = new LoopbackSite();
        for (var i = 0; i < 5; i++)
            site.Page(
                $"/{i}",
                string.Concat(Enumerable.Range(0, 20_000).Select(n => $"{StableHash.Of($"{i} {n}"):x}")) + $"<a href=/{i + 1}>n</a>"
            );
        using var crawl = new CrawlFixture();
        var settings = crawl.Settings(site.Address + "0") with { WarcBytes = 1 << 16, MaxPages = 3 };
        Assert.Equal(3, (await crawl.RunAsync(settings)).WarcFiles.Count);
        var path = Path.Combine(crawl.Out, file);
        if (spoilt) await File.WriteAllTextAsync(path, "{" + (await File.ReadAllTextAsync(path))[4..]);
        else File.Delete(path);
        var left = Directory.GetFiles(crawl.Out, "*.warc.gz").Length;
        await Assert.ThrowsAsync<UserErrorException>(() => crawl.RunAsync(settings with { MaxPages = 9 }));
        Assert.Equal(left, Directory.GetFiles(crawl.Out, "*.warc.gz").Length);
    }

    [Fact]
    public async Task Another_crawl_does_not_go_into_the_same_folder()
    {
        using var site = new LoopbackSite().Page("/", "").Page("/b", "");
        using var crawl = new CrawlFixture();
        await crawl.RunAsync(crawl.Settings(site.Address));
        await Assert.ThrowsAsync<UserErrorException>(() => crawl.RunAsync(crawl.Settings(site.Address + "b")));
        var both = await crawl.RunAsync(crawl.Settings(site.Address, site.Address + "b"));
        Assert.Equal((1, 1), (both.Pages, both.Revisits));
    }

    [Fact]
    public async Task What_fails_in_passing_is_tried_again_after_longer_and_longer_pauses()
    {
        var (busy, broken) = (0, 0);
        using var site = new LoopbackSite()
            .Page("/", "<a href=busy>b</a><a href=broken>c</a><a href=never>d</a>")
            .Raw(
                "/busy",
                _ =>
                    busy++ < 2
                        ? "HTTP/1.1 503 Busy\r\nRetry-After: 77\r\nContent-Length: 0\r\n\r\n"
                        : "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"
            )
            .Stream(
                "/broken",
                async (_, stream) =>
                {
                    await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nab"u8.ToArray());
                    if (broken++ < 1)
                        stream.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Both);
                    else
                        await stream.WriteAsync("cd"u8.ToArray());
                }
            )
            .Say("/never", "500 Oh");
        var time = new LeapingTime();
        using var crawl = new CrawlFixture { Time = time };
        var report = await crawl.RunAsync(crawl.Settings(site.Address) with { Retries = 3, Concurrency = 1 });
        Assert.Equal((3, 3), (busy, report.Pages));
        Assert.Equal(2, broken);
        Assert.Equal(4, site.Paths.Count(path => path == "/never"));
        Assert.Equal(1, report.Errors["http-500"]);
        Assert.Contains(time.Pauses, pause => pause > TimeSpan.FromSeconds(70));
        Assert.Equal(["/", "/broken", "/busy", "/never"], crawl.Stored().Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("", 3, 3)]
    [InlineData("Crawl-delay: 20", 3, 20)]
    [InlineData("Crawl-delay: 2", 3, 3)]
    public async Task A_host_is_asked_no_sooner_than_it_wants(string robots, double setting, double expected)
    {
        var time = new LeapingTime();
        var asked = new List<DateTimeOffset>();
        using var site = new LoopbackSite().Say("/robots.txt", "200 OK", $"User-agent: *\nDisallow: /no\n{robots}");
        for (var i = 0; i < 4; i++)
        {
            var next = i + 1;
            site.Raw($"/{i}", _ =>
            {
                asked.Add(time.GetUtcNow());
                var html = $"<a href=/no{next}>x</a><a href=/{next}>n</a>";
                return $"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {html.Length}\r\n\r\n{html}";
            });
        }
        using var crawl = new CrawlFixture { Time = time };
        var report = await crawl.RunAsync(crawl.Settings(site.Address + "0") with { DelaySeconds = setting, Concurrency = 1 });
        Assert.Equal((4, 4), (report.Pages, report.RobotsExcluded));
        for (var i = 1; i < asked.Count; i++) Assert.InRange((asked[i] - asked[i - 1]).TotalSeconds, expected, expected + 0.5);
    }

    [Fact]
    public async Task A_dead_host_is_given_up_and_tried_again_by_the_next_run()
    {
        var down = true;
        using var site = new LoopbackSite().Page("/", string.Concat(Enumerable.Range(0, 20).Select(i => $"<a href=/{i}>n</a>")));
        for (var i = 0; i < 20; i++)
        {
            site.Stream($"/{i}", async (_, stream) =>
            {
                if (down) stream.Socket.Close();
                else await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
            });
        }
        using var crawl = new CrawlFixture();
        var first = await crawl.RunAsync(crawl.Settings(site.Address));
        Assert.Equal(("incomplete", 5L, 15L, 15L), (first.Ended, first.Errors["connection"], first.Errors["host-given-up"], first.Waiting));
        down = false;
        var second = await crawl.RunAsync(crawl.Settings(site.Address));
        Assert.Equal(("complete", 16L, 1), (second.Ended, second.Pages, second.Pass));
    }
}
