using System.IO.Compression;
using System.Net;
using System.Text;
using Dolmen.Tests.Fakes;
using Dolmen.Tests.Web.Warc;
using Dolmen.Web.Crawling;

namespace Dolmen.Tests.Web.Crawling;

/// <summary>A crawl into a temporary folder, and what it wrote.</summary>
internal sealed class CrawlFixture : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public string Out => Path.Combine(_folder.Path, "crawl");

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public ConnectionGuard Guard { get; init; } = new();

    public CrawlSettings Settings(params string[] seeds) =>
        new(seeds, Out, Concurrency: 2, Retries: 0, TimeoutSeconds: 10, Sitemaps: false);

    public Task<CrawlReport> RunAsync(CrawlSettings settings, CancellationToken stop = default) =>
        Crawler.RunAsync(settings, null, Guard, Time, stop);

    /// <summary>Every record of every file; each must be a gzip member of its own.</summary>
    public List<StoredRecord> Records() =>
        [
            .. Directory
                .GetFiles(Out, "*.warc.gz")
                .Order(StringComparer.Ordinal)
                .SelectMany(path => Members(File.ReadAllBytes(path)).Select(StoredRecord.Parse)),
        ];

    public List<string> Stored(string type = "response") =>
        [
            .. Records()
                .Where(record => record.Type == type && !record.Url.EndsWith("/robots.txt", StringComparison.Ordinal))
                .Select(record => new Uri(record.Url).PathAndQuery),
        ];

    public string[] Index() => File.ReadAllLines(Path.Combine(Out, "index.cdxj"));

    public static byte[] Unzip(ReadOnlySpan<byte> member)
    {
        using var gzip = new GZipStream(new MemoryStream(member.ToArray()), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        gzip.CopyTo(plain);
        return plain.ToArray();
    }

    public void Dispose() => _folder.Dispose();

    // A member begins with the magic number, the method and no flags: unlikely enough inside compressed bytes of a test.
    private static IEnumerable<byte[]> Members(byte[] file)
    {
        for (var start = 0; start < file.Length;)
        {
            var next = file.AsSpan(start + 1).IndexOf((byte[])[0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00]);
            var end = next < 0 ? file.Length : start + 1 + next;
            yield return Unzip(file.AsSpan(start, end - start));
            start = end;
        }
    }
}

internal sealed record StoredRecord(string Type, string Url, Dictionary<string, string> Fields, string Block)
{
    public static StoredRecord Parse(byte[] record)
    {
        var text = Encoding.Latin1.GetString(record);
        Assert.EndsWith("\r\n\r\n", text, StringComparison.Ordinal);
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        var lines = text[..(end - 4)].Split("\r\n");
        Assert.Equal("WARC/1.1", lines[0]);
        var fields = lines
            .Skip(1)
            .Select(line => line.Split(": ", 2))
            .ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
        var block = text[end..^4];
        Assert.Equal(fields["Content-Length"], $"{block.Length}");
        return new StoredRecord(fields["WARC-Type"], fields.GetValueOrDefault("WARC-Target-URI", ""), fields, block);
    }
}

/// <summary>A clock that jumps to the end of every pause, and keeps them.</summary>
internal sealed class LeapingTime : TimeProvider
{
    private readonly Lock _gate = new();
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public List<TimeSpan> Pauses { get; } = [];

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate) return _now;
    }

    public override long GetTimestamp() => GetUtcNow().Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime > TimeSpan.Zero)
        {
            lock (_gate)
            {
                _now += dueTime;
                Pauses.Add(dueTime);
            }
            ThreadPool.QueueUserWorkItem(_ => callback(state));
        }
        return new Nothing();
    }

    private sealed class Nothing : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() { }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

internal static class FakeNames
{
    /// <summary>A guard for which these names lead to these addresses.</summary>
    public static ConnectionGuard Guard(params (string Name, string[] Addresses)[] names) =>
        new(
            (host, _) =>
                Task.FromResult(
                    IPAddress.TryParse(host, out var literal)
                        ? [literal]
                        : names.Single(name => name.Name == host).Addresses.Select(IPAddress.Parse).ToArray()
                )
        );
}
