using System.IO.Compression;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Tests.Fakes;
using Dolmen.Web.Crawling;

namespace Dolmen.Tests.Web.Crawling;

public sealed class FetchListed : IDisposable
{
    private static readonly byte[] Content =
    [
        .. Gzip("one"),
        .. Gzip(string.Concat(Enumerable.Range(0, 9000).Select(i => $"{StableHash.Of($"{i}")}"))),
        .. Gzip("last"),
    ];

    private readonly TemporaryFolder _folder = new();
    private readonly LoopbackSite _site = new();
    private readonly List<string> _ranges = [];

    [Fact]
    public async Task Listed_files_come_with_their_folders_and_are_not_fetched_twice()
    {
        Serve("/crawl-data/CC-MAIN-2026-04/warc.paths.gz", Gzip("seg/a.warc.gz\nseg/b.warc.gz\n\nseg/c.warc.gz\n"));
        foreach (var name in "abc") Serve($"/seg/{name}.warc.gz", Content);
        var report = await FetchAsync(Settings() with { Crawl = "CC-MAIN-2026-04" });
        Assert.Equal((3, 3, 0, 3L * Content.Length), (report.Listed, report.Files.Count, report.Present, report.Bytes));
        Assert.All(report.Files, path => Assert.Equal(Content, File.ReadAllBytes(path)));
        Assert.Equal(
            ["a.warc.gz", "b.warc.gz", "c.warc.gz"],
            Directory.GetFiles(Path.Combine(_folder.Path, "out", "seg")).Select(Path.GetFileName).Order(StringComparer.Ordinal)
        );
        var again = await FetchAsync(Settings() with { Crawl = "CC-MAIN-2026-04" });
        Assert.Equal((3, 0L), (again.Present, again.Bytes));
        Assert.Equal(1, _site.Paths.Count(path => path == "/seg/a.warc.gz"));
    }

    [Theory]
    [InlineData("every 3", 3, "1,4,7")]
    [InlineData("every:4", 3, "1,5,9")]
    [InlineData("2-4,9", 3, "2,3,4")]
    [InlineData("9,2", null, "2,9")]
    [InlineData(null, 2, "1,2")]
    public void Lines_are_chosen_by_step_or_range(string? select, int? most, string chosen) =>
        Assert.Equal(chosen.Split(','), PathListing.Select([.. Enumerable.Range(1, 10).Select(i => $"{i}")], select, most));

    [Theory]
    [InlineData("x")]
    [InlineData("0-2")]
    [InlineData("5-2")]
    [InlineData("every 0")]
    [InlineData("11")]
    public void A_selection_of_nothing_is_the_users_error(string select) =>
        Assert.Throws<UserErrorException>(() => PathListing.Select([.. Enumerable.Range(1, 10).Select(i => $"{i}")], select, null));

    [Theory]
    [InlineData("../x.gz")]
    [InlineData("/etc/passwd")]
    [InlineData("a/../../x.gz")]
    [InlineData("a\\..\\x.gz")]
    [InlineData("c:x.gz")]
    [InlineData("http://evil.example/x.gz")]
    [InlineData("a//b.gz")]
    [InlineData("a.gz.partial")]
    public async Task A_name_that_leads_out_of_the_folder_stops_everything(string name)
    {
        _folder.Write("paths", "fine.gz", name);
        var error = await Assert.ThrowsAsync<UserErrorException>(() => FetchAsync(Settings("paths")));
        Assert.Contains("line 2", error.Message, StringComparison.Ordinal);
        Assert.Empty(_site.Paths);
    }

    [Fact]
    public async Task A_broken_connection_and_a_stopped_run_go_on_where_they_were()
    {
        Serve("/a.gz", Content, breakAfter: 5000);
        _folder.Write("paths", "a.gz");
        Directory.CreateDirectory(Path.Combine(_folder.Path, "out"));
        await File.WriteAllBytesAsync(Path.Combine(_folder.Path, "out", "a.gz.partial"), Content[..1000]);
        var report = await FetchAsync(Settings("paths"));
        Assert.Equal(Content, await File.ReadAllBytesAsync(report.Files[0]));
        Assert.Equal(Content.Length - 1000, report.Bytes);
        Assert.Equal("bytes=1000-", _ranges[0]);
        Assert.Equal("bytes=6000-", _ranges[1]);
        Assert.False(File.Exists(report.Files[0] + ".partial"));
    }

    [Fact]
    public async Task A_partial_file_of_something_else_is_fetched_from_the_start()
    {
        Serve("/a.gz", Content);
        _folder.Write("paths", "a.gz");
        Directory.CreateDirectory(Path.Combine(_folder.Path, "out"));
        await File.WriteAllBytesAsync(Path.Combine(_folder.Path, "out", "a.gz.partial"), new byte[Content.Length - 10]);
        Assert.Equal(Content, await File.ReadAllBytesAsync((await FetchAsync(Settings("paths"))).Files[0]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(40)]
    public async Task A_file_cut_short_by_its_server_is_not_kept(int missing)
    {
        Serve("/a.gz", Content[..^missing]);
        _folder.Write("paths", "a.gz");
        await Assert.ThrowsAsync<UserErrorException>(() => FetchAsync(Settings("paths")));
        Assert.Empty(Directory.GetFiles(Path.Combine(_folder.Path, "out")));
    }

    [Fact]
    public async Task Busy_servers_are_asked_again_and_missing_files_are_not()
    {
        var asked = 0;
        _folder.Write("paths", "a.txt");
        _site.Raw(
            "/a.txt",
            _ => asked++ < 2 ? "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n" : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        );
        Assert.Equal("ok", await File.ReadAllTextAsync((await FetchAsync(Settings("paths"))).Files[0]));
        _folder.Write("paths", "b.txt");
        await Assert.ThrowsAsync<UserErrorException>(() => FetchAsync(Settings("paths")));
        Assert.Equal(1, _site.Paths.Count(path => path == "/b.txt"));
    }

    public void Dispose()
    {
        _site.Dispose();
        _folder.Dispose();
    }

    private FetchSettings Settings(string? listing = null) =>
        new(Path.Combine(_folder.Path, "out"), listing is null ? null : Path.Combine(_folder.Path, listing), BaseUrl: _site.Address)
        {
            FirstPause = TimeSpan.FromMilliseconds(1),
        };

    private static Task<FetchReport> FetchAsync(FetchSettings settings) => ListedFiles.FetchAsync(settings, null, default);

    private void Serve(string path, byte[] content, int breakAfter = int.MaxValue) => _site.Stream(path, async (head, stream) =>
    {
        var start = 0;
        if (head.Split("\r\n").FirstOrDefault(line => line.StartsWith("Range: ", StringComparison.Ordinal)) is { } range)
        {
            lock (_ranges) _ranges.Add(range[7..]);
            start = int.Parse(range["Range: bytes=".Length..^1]);
        }
        var rest = content.AsMemory(start);
        var status = start > 0 ? $"206 Partial Content\r\nContent-Range: bytes {start}-{content.Length - 1}/{content.Length}" : "200 OK";
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: {rest.Length}\r\n\r\n"));
        await stream.WriteAsync(rest[..Math.Min(rest.Length, breakAfter)]);
        if (rest.Length > breakAfter) stream.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Both);
    });

    private static byte[] Gzip(string text)
    {
        using var member = new MemoryStream();
        using (var gzip = new GZipStream(member, CompressionLevel.Fastest)) gzip.Write(Encoding.UTF8.GetBytes(text));
        return member.ToArray();
    }
}
