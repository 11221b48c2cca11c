using System.Net;
using System.Text;
using Dolmen.Web.Crawling;

namespace Dolmen.Tests.Web.Crawling;

public class CrawlBounds
{
    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.8.8.8", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("172.16.0.1", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("172.32.0.1", true)]
    [InlineData("192.168.1.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("100.128.0.1", true)]
    [InlineData("0.0.0.0", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("8.8.8.8", true)]
    [InlineData("::1", false)]
    [InlineData("::", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("::ffff:8.8.8.8", true)]
    [InlineData("64:ff9b::10.0.0.1", false)]
    [InlineData("64:ff9b::8.8.8.8", true)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("2002:808:808::", true)]
    [InlineData("fc00::1", false)]
    [InlineData("fd12::1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("ff02::1", false)]
    [InlineData("2001:db8::1", false)]
    [InlineData("2001:0:1::1", false)]
    [InlineData("2606:4700::1111", true)]
    public void Only_addresses_of_the_open_internet_are_public(string address, bool open) =>
        Assert.Equal(open, PublicAddress.Is(IPAddress.Parse(address)));

    [Theory]
    [InlineData("HTTP://Example.ORG:80/a/../b/./c?q=1&a=2#frag", "http://example.org/b/c?q=1&a=2")]
    [InlineData("https://example.org:443", "https://example.org/")]
    [InlineData("https://example.org:8443/x", "https://example.org:8443/x")]
    [InlineData(" http://example.org/a\n b ", "http://example.org/a%20b")]
    [InlineData("http://b\u00FCcher.example/\u00FC", "http://xn--bcher-kva.example/%C3%BC")]
    [InlineData("http://0x7f.1/", "http://127.0.0.1/")]
    [InlineData("http://[::1]:8000/a", "http://[::1]:8000/a")]
    public void Addresses_have_one_spelling(string address, string canonical) => Assert.Equal(canonical, WebAddress.Parse(address)?.Text);

    [Theory]
    [InlineData("javascript:alert(1)")]
    [InlineData("mailto:a@b.example")]
    [InlineData("//")]
    [InlineData("http://a:b@example.org/")]
    [InlineData("http://")]
    [InlineData("http://example.org/a/a/a/a/")]
    public void What_leads_nowhere_is_no_address(string address)
    {
        Assert.Null(WebAddress.Parse(address));
        Assert.Null(WebAddress.Parse("/" + string.Concat(Enumerable.Range(0, 33).Select(i => $"{i}/")), new Uri("http://example.org/")));
        Assert.Null(WebAddress.Parse("/" + new string('a', 2100), new Uri("http://example.org/")));
    }

    [Theory]
    [InlineData("http://example.org/", CrawlScope.Host, "https://example.org/x", true)]
    [InlineData("http://example.org/", CrawlScope.Host, "http://www.example.org/", false)]
    [InlineData("http://example.org/", CrawlScope.Host, "http://example.org:8080/", false)]
    [InlineData("http://example.org:8080/", CrawlScope.Host, "http://example.org/", false)]
    [InlineData("http://www.example.org/", CrawlScope.Domain, "http://docs.example.org/", true)]
    [InlineData("http://example.org/", CrawlScope.Domain, "http://badexample.org/", false)]
    [InlineData("http://example.org/", CrawlScope.Domain, "http://example.org.evil.example/", false)]
    [InlineData("http://10.0.0.1/", CrawlScope.Domain, "http://1.10.0.0.1/", false)]
    public void The_scope_is_the_named_hosts(string seed, CrawlScope scope, string address, bool inside)
    {
        var parsed = WebAddress.Parse(address);
        Assert.Equal(inside, parsed is not null && new ScopeRule([WebAddress.Parse(seed)!], scope).Contains(parsed));
    }

    [Fact]
    public async Task Other_hosts_are_never_asked_by_link_or_redirect()
    {
        using var other = new LoopbackSite().Page("/", "").Page("/r", "");
        using var site = new LoopbackSite()
            .Page("/", $"<a href='{other.Address}'>o</a><a href=r>r</a><a href='http://other.invalid/'>x</a>")
            .Say("/r", "302 Found", "", $"Location: {other.Address}r\r\n");
        using var crawl = new CrawlFixture();
        var report = await crawl.RunAsync(crawl.Settings(site.Address));
        Assert.Empty(other.Paths);
        Assert.Equal((3, 1, 1), (report.OutOfScope, report.Redirects, report.Pages));
    }

    [Fact]
    public async Task Redirects_within_the_host_are_recorded_and_followed_to_an_end()
    {
        using var site = new LoopbackSite().Say("/", "301 Moved", "", "Location: /1\r\n").Page("/end", "");
        for (var i = 1; i < 30; i++) site.Say($"/{i}", "302 Found", "", $"Location: /{(i == 3 ? "end" : i + 1)}\r\n");
        using var crawl = new CrawlFixture();
        var report = await crawl.RunAsync(crawl.Settings(site.Address));
        Assert.Equal(["/", "/1", "/2", "/3", "/end"], crawl.Stored());
        Assert.Equal((4, 1), (report.Redirects, report.Pages));
        using var endless = new CrawlFixture();
        var lost = await endless.RunAsync(endless.Settings(site.Address + "4"));
        Assert.Equal(1, lost.Errors["redirect-limit"]);
        Assert.Equal(11, endless.Stored().Count);
    }

    [Fact]
    public async Task A_name_that_leads_into_a_private_network_is_refused()
    {
        using var site = new LoopbackSite().Page("/", "");
        // At first the name is on the open internet; when the connection is made it no longer is.
        var asked = 0;
        using var crawl = new CrawlFixture
        {
            Guard = new ConnectionGuard(
                (_, _) => Task.FromResult<IPAddress[]>([asked++ == 0 ? IPAddress.Parse("8.8.8.8") : IPAddress.Loopback])
            ),
        };
        var report = await crawl.RunAsync(crawl.Settings($"http://rebind.example:{site.Port}/"));
        Assert.Empty(site.Paths);
        Assert.Equal("incomplete", report.Ended);
        Assert.Contains("127.0.0.1", Assert.Single(report.Notices), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_private_seed_opens_its_own_host_and_port_alone()
    {
        using var neighbour = new LoopbackSite().Page("/", "");
        using var site = new LoopbackSite().Page(
            "/",
            $"<a href='http://sub.intranet.example:{neighbour.Port}/'>s</a><a href='http://sub.intranet.example/'>s</a>"
        );
        using var crawl = new CrawlFixture
        {
            Guard = FakeNames.Guard(("intranet.example", ["127.0.0.1"]), ("sub.intranet.example", ["127.0.0.1"])),
        };
        var report = await crawl.RunAsync(
            crawl.Settings($"http://intranet.example:{site.Port}/", $"http://intranet.example:{site.Port}/") with
            {
                Scope = CrawlScope.Domain,
            }
        );
        Assert.Equal(1, report.Pages);
        Assert.Empty(neighbour.Paths);
        var guard = FakeNames.Guard(("intranet.example", ["10.0.0.1"]));
        await Assert.ThrowsAsync<PrivateAddressException>(() =>
            guard.ConnectAsync(new DnsEndPoint("intranet.example", neighbour.Port), default)
        );
    }

    [Fact]
    public async Task An_endless_body_and_endless_headers_end()
    {
        var junk = Encoding.ASCII.GetBytes(new string('x', 1 << 16));
        using var site = new LoopbackSite()
            .Page("/", "<a href=body>b</a><a href=head>h</a><a href=chunks>c</a><a href=interim>i</a><a href=no>n</a>")
            .Stream(
                "/body",
                async (_, stream) =>
                {
                    await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"u8.ToArray());
                    while (true)
                        await stream.WriteAsync(junk);
                }
            )
            .Stream(
                "/head",
                async (_, stream) =>
                {
                    await stream.WriteAsync("HTTP/1.1 200 OK\r\n"u8.ToArray());
                    for (var i = 0; ; i++)
                        await stream.WriteAsync(Encoding.ASCII.GetBytes($"X-{i}: {new string('y', 1000)}\r\n"));
                }
            )
            .Stream(
                "/chunks",
                async (_, stream) =>
                {
                    await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray());
                    var one = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("1\r\nz\r\n", 1000)));
                    while (true)
                        await stream.WriteAsync(one);
                }
            )
            .Stream(
                "/interim",
                async (_, stream) =>
                {
                    while (true)
                        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 102 Processing\r\nX: {new string('y', 1000)}\r\n\r\n"));
                }
            )
            .Stream("/no", async (_, stream) => await stream.WriteAsync(junk));
        using var crawl = new CrawlFixture();
        var report = await crawl.RunAsync(crawl.Settings(site.Address) with { MaxPageBytes = 100_000, TimeoutSeconds = 1 });
        Assert.Equal(["/", "/body", "/chunks"], crawl.Stored());
        var responses = crawl.Records().Where(record => record.Type == "response").ToList();
        Assert.NotEmpty(responses);
        Assert.All(responses, record => Assert.InRange(record.Block.Length, 1, 110_000));
        Assert.Equal((3, 2), (report.Pages, report.Truncated));
        Assert.Equal(3, report.Errors["head-too-long"]);
    }

    [Fact]
    public async Task Slow_servers_are_left_after_a_time()
    {
        using var site = new LoopbackSite()
            .Page("/", "<a href=silent>s</a><a href=drip>d</a>")
            .Stream("/silent", async (_, stream) =>
            {
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nX"u8.ToArray());
                await Task.Delay(5000);
            })
            .Stream("/drip", async (_, stream) =>
            {
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\nbegun"u8.ToArray());
                await Task.Delay(5000);
            });
        using var crawl = new CrawlFixture();
        var report = await crawl.RunAsync(crawl.Settings(site.Address) with { TimeoutSeconds = 0.2 });
        Assert.Equal(1, report.Errors["timeout"]);
        var cut = crawl.Records().Last(record => record.Type == "response");
        Assert.Equal("time", cut.Fields["WARC-Truncated"]);
        Assert.EndsWith("\r\n\r\nbegun", cut.Block, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_read_again_is_the_same_address()
    {
        foreach (
            var text in (string[])
                ["https://stones.example/?%25%2ehttps://a", "https://stones.example/%2e%2e/a%2Fb?%2e", "http://STONES.example:80/a b?c=%e4"]
        )
        {
            var address = WebAddress.Parse(text)!;
            Assert.Equal(address.Text, WebAddress.Parse(address.Text)!.Text);
        }
    }
}
