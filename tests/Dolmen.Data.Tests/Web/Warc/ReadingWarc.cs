using System.Text;
using Dolmen.Artifacts;
using Dolmen.Data.Sources;

namespace Dolmen.Tests.Web.Warc;

public class ReadingWarc
{
    [Theory]
    [InlineData(Stored.Plain)]
    [InlineData(Stored.GzipPerRecord)]
    [InlineData(Stored.GzipWhole)]
    [InlineData(Stored.GzipCutAnywhere)]
    [InlineData(Stored.ZstdPerRecord)]
    [InlineData(Stored.ZstdWhole)]
    [InlineData(Stored.ZstdWithDictionary)]
    public void Every_way_of_storing_gives_the_same_records(Stored stored)
    {
        var (records, funnel) = WarcFile.Read(new WarcFile().Pages("menhir", "cairn", "dolmen").Bytes(stored));
        Assert.Equal(["<urn:uuid:0000>", "<urn:uuid:0001>", "<urn:uuid:0002>"], records.Select(r => r.Id));
        Assert.Equal(["menhir", "cairn", "dolmen"], records.Select(r => r.Url[23..]));
        Assert.All(records, r => Assert.Equal(WarcFile.Page(r.Url[23..]), Encoding.UTF8.GetString(r.Html!)));
        Assert.All(records, r => Assert.Equal(("2024-05-18T01:58:10Z", "crawl", "crawl.warc"), (r.Date, r.Dump, r.FilePath)));
        Assert.Empty(funnel.Dropped);
    }

    [Theory]
    [InlineData(Stored.Plain)]
    [InlineData(Stored.GzipPerRecord)]
    [InlineData(Stored.ZstdPerRecord)]
    public void The_offset_is_where_the_record_is_stored(Stored stored)
    {
        var file = new WarcFile().Pages("menhir", "cairn", "dolmen");
        var third = WarcFile.Read(file.Bytes(stored)).Records[2].Offset;
        Assert.Equal("<urn:uuid:0002>", Assert.Single(WarcFile.Read(file.Bytes(stored)[(int)third..]).Records).Id);
    }

    [Theory]
    [InlineData("0.17")]
    [InlineData("0.18")]
    [InlineData("1.0")]
    [InlineData("1.1")]
    public void Every_version_is_read(string version) =>
        Assert.Equal(
            "a page",
            Assert
                .Single(
                    WarcFile
                        .Read(
                            new WarcFile()
                                .Record("conversion", "<https://stones.example/>", "text/plain", "a page"u8.ToArray(), version: version)
                                .Bytes()
                        )
                        .Records
                )
                .Text
        );

    [Fact]
    public void Records_that_are_no_pages_are_counted_by_what_they_are()
    {
        var (records, funnel) = WarcFile.Read(new WarcFile()
            .Record("warcinfo", "", "application/warc-fields", "software: test\r\nisPartOf: CC-MAIN-2024-22\r\n"u8.ToArray())
            .Record("request", "https://stones.example/", "application/http; msgtype=request", "GET / HTTP/1.1\r\n\r\n"u8.ToArray())
            .Record("metadata", "https://stones.example/", "application/warc-fields", "fetchTimeMs: 1\r\n"u8.ToArray())
            .Record("metadata", "https://stones.example/", "application/json", "{}"u8.ToArray())
            .Record("response", "dns:stones.example", "text/dns", "20240518\nstones.example. 1 IN A 127.0.0.1"u8.ToArray())
            .Record("revisit", "https://stones.example/", "application/http; msgtype=response", "HTTP/1.1 200 OK\r\n\r\n"u8.ToArray())
            .Record("continuation", "https://stones.example/", "text/plain", "rest"u8.ToArray())
            .Record("spell", "https://stones.example/", "text/plain", "?"u8.ToArray())
            .Response("moved", status: "301 Moved")
            .Response("gone", status: "404 Not Found")
            .Response("picture", "Content-Type: image/png\r\n")
            .Response("style", "content-type:TEXT/CSS;charset=utf-8\r\n")
            .Response("data", "Content-Type: application/json\r\n")
            .Response("made-up", "Content-Type: rock/granite\r\n")
            .Response("disguised", body: "%PDF-1.7 ..."u8.ToArray())
            .Response("empty", body: [])
            .Response("kept", "CONTENT-TYPE:\r\n  text/html;\r\n\tcharset=\"KOI8-R\"\r\n")
            .Bytes(Stored.GzipPerRecord));
        var page = Assert.Single(records);
        Assert.Equal(("https://stones.example/kept", "KOI8-R", "CC-MAIN-2024-22"), (page.Url, page.Charset, page.Dump));
        Assert.Equal(
            "empty-body:1 http-status:2 mime-application:1 mime-image:1 mime-mislabelled:1 mime-other:1 mime-text:1 revisit:1 "
                + "warc-segment:1",
            string.Join(' ', funnel.Dropped.Select(d => $"{d.Key}:{d.Value}"))
        );
        Assert.Equal(
            "warc-dns:1 warc-info:1 warc-metadata:1 warc-other:1 warc-request:1 wat-metadata:1",
            string.Join(' ', funnel.Noted.Select(d => $"{d.Key}:{d.Value}"))
        );
    }

    [Fact]
    public void What_the_crawler_saw_goes_before_what_the_server_said()
    {
        var file = new WarcFile()
            .Response("page", "Content-Type: application/octet-stream\r\n", more: "WARC-Identified-Payload-Type: text/html\r\n")
            .Response("pdf", "Content-Type: text/html\r\n", more: "WARC-Identified-Payload-Type: application/pdf\r\n")
            .Response("sniffed", "Server: none\r\n")
            .Response("unknown", "Server: none\r\n", [0, 1, 2]);
        Assert.Equal(("page sniffed", "mime-application:1 mime-unknown:1"), WarcFile.Summary(file.Bytes()));
    }

    [Fact]
    public void Plain_text_is_decoded_and_html_is_left_to_the_workers()
    {
        var records = WarcFile.Read(new WarcFile()
            .Response("text", "Content-Type: text/plain; charset=iso-8859-1\r\n", [(byte)'c', (byte)'a', (byte)'f', 0xE9])
            .Record("resource", "https://stones.example/page", "text/html", "<p>page"u8.ToArray())
            .Bytes()).Records;
        Assert.Equal("café", records[0].Text);
        Assert.Equal("<p>page", Encoding.UTF8.GetString(records[1].Html!));
    }

    [Theory]
    [InlineData("crawl.warc.wet.gz")]
    [InlineData("sample.wet.txt")]
    [InlineData("odd.jsonl")]
    public void A_crawl_is_known_by_its_first_bytes(string name) =>
        Assert.Equal(
            ("menhir", ""),
            WarcFile.Summary(
                new WarcFile().Pages("menhir").Bytes(name.EndsWith(".gz", StringComparison.Ordinal) ? Stored.GzipPerRecord : Stored.Plain),
                name: name
            )
        );

    [Fact]
    public void A_file_that_an_editor_saved_with_other_line_ends_keeps_its_texts()
    {
        var text = Encoding.UTF8.GetString(new WarcFile()
            .Record("conversion", "https://stones.example/one", "text/plain", "Old stones.\r\nMore of them.\r\n"u8.ToArray())
            .Record("conversion", "https://stones.example/two", "text/plain", "Others.\r\n\r\nAnd more.\r\n"u8.ToArray())
            .Bytes());
        var (records, funnel) = WarcFile.Read(Encoding.UTF8.GetBytes(text.Replace("\r\n", "\n", StringComparison.Ordinal)));
        Assert.Equal(["Old stones.\nMore of them.", "Others.\n\nAnd more."], records.Select(r => r.Text));
        Assert.Equal((0, 1L), (funnel.Dropped.Count, funnel.Noted["warc-length-ignored"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Arc_files_are_read(bool compressed)
    {
        string[] records =
        [
            Arc(
                "filedesc://crawl.arc 0.0.0.0 20040813120000 text/plain",
                "1 0 InternetArchive\nURL IP-address Archive-date Content-type Archive-length\n"
            ),
            Arc(
                "http://stones.example/menhir 127.0.0.1 20040813120001 text/html",
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>menhir"
            ),
            Arc(
                "http://stones.example/cairn 127.0.0.1 20040813120002 image/png 200 - - 123 crawl.arc",
                "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\nx"
            ),
            Arc("dns:stones.example 127.0.0.1 20040813120003 text/dns", "127.0.0.1"),
            Arc(
                "http://stones.example/dolmen 127.0.0.1 20040813120004 text/html 200 - - 123 crawl.arc",
                "HTTP/1.1 200 OK\r\n\r\n<p>dolmen"
            ),
        ];
        var parts = records.Select(Encoding.ASCII.GetBytes).Select(r => compressed ? WarcFile.Gzip(r) : r);
        var (pages, funnel) = WarcFile.Read([.. parts.SelectMany(p => p)], compressed ? "crawl.arc.gz" : "crawl.arc");
        Assert.Equal(["http://stones.example/menhir", "http://stones.example/dolmen"], pages.Select(p => p.Url));
        Assert.Equal("2004-08-13T12:00:01Z", pages[0].Date);
        Assert.Equal("<p>dolmen", Encoding.ASCII.GetString(pages[1].Html!));
        Assert.Equal("mime-image", Assert.Single(funnel.Dropped).Key);
    }

    [Fact]
    public void A_record_too_big_is_passed_over_and_not_held()
    {
        // 300 MB that no reader may hold; the file system stores the zeros as a hole.
        using var folder = new Fakes.TemporaryFolder();
        var path = Path.Combine(folder.Path, "big.warc");
        const long Big = 300L << 20;
        using (var file = File.Create(path))
        {
            file.Write(
                new WarcFile()
                    .Pages("menhir")
                    .Record("response", "https://stones.example/big", "application/http", [], length: Big)
                    .Bytes()
                    .AsSpan()[..^4]
            );
            file.Position += Big;
            file.Write([.. "\r\n\r\n"u8, .. new WarcFile().Pages("dolmen").Bytes()]);
        }
        var funnel = new Funnel();
        var input = new InputFile(path, "big.warc", "");
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(2, SourceReaders.Read(input, new ReadLimits(), funnel, CancellationToken.None).Count());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
        Assert.Equal("record-too-big", Assert.Single(funnel.Broken).Reason);
    }

    private static string Arc(string line, string block) => $"{line} {block.Length}\n{block}\n";
}
