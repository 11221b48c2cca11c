using System.IO.Compression;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Inputs;
using Dolmen.Data.Sources;
using ZstdSharp;

namespace Dolmen.Tests.Web.Warc;

public enum Stored
{
    Plain, GzipPerRecord, GzipWhole, GzipCutAnywhere, ZstdPerRecord, ZstdWhole, ZstdWithDictionary,
}

/// <summary>A small WARC file made record by record.</summary>
internal sealed class WarcFile
{
    private readonly List<byte[]> _records = [];

    public IReadOnlyList<byte[]> Records => _records;

    public static string Page(string words) => $"<html><body><p>{words}</p></body></html>";

    public WarcFile Raw(byte[] record)
    {
        _records.Add(record);
        return this;
    }

    public WarcFile Record(
        string type,
        string url,
        string contentType,
        byte[] block,
        string more = "",
        long? length = null,
        string version = "1.0"
    )
    {
        var head =
            $"WARC/{version}\r\nWARC-Type: {type}\r\nWARC-Record-ID: <urn:uuid:{_records.Count:D4}>\r\nWARC-Date: 2024-05-18T01:58:10Z\r\n"
            + $"WARC-Target-URI: {url}\r\nContent-Type: {contentType}\r\n{more}Content-Length: {length ?? block.Length}\r\n\r\n";
        return Raw([.. Encoding.UTF8.GetBytes(head), .. block, .. "\r\n\r\n"u8]);
    }

    public WarcFile Response(
        string words,
        string headers = "Content-Type: text/html\r\n",
        byte[]? body = null,
        string status = "200 OK",
        long? length = null,
        string more = ""
    ) =>
        Record(
            "response",
            $"https://stones.example/{words}",
            "application/http; msgtype=response",
            [.. Encoding.Latin1.GetBytes($"HTTP/1.1 {status}\r\n{headers}\r\n"), .. body ?? Encoding.UTF8.GetBytes(Page(words))],
            more,
            length
        );

    public WarcFile Pages(params string[] words)
    {
        foreach (var word in words) Response(word);
        return this;
    }

    public byte[] Bytes(Stored stored = Stored.Plain) => stored switch
    {
        Stored.Plain => All(),
        Stored.GzipPerRecord => [.. _records.SelectMany(r => Gzip(r))],
        Stored.GzipWhole => Gzip(All()),
        Stored.GzipCutAnywhere => [.. All().Chunk(97).SelectMany(Gzip)],
        Stored.ZstdPerRecord => [.. _records.SelectMany(r => Zstd(r))],
        Stored.ZstdWhole => Zstd(All()),
        _ => WithDictionary(),
    };

    public static byte[] Gzip(byte[] bytes)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Optimal, leaveOpen: true)) gzip.Write(bytes);
        return output.ToArray();
    }

    public static byte[] Zstd(byte[] bytes, byte[]? dictionary = null)
    {
        using var compressor = new Compressor();
        if (dictionary is not null) compressor.LoadDictionary(dictionary);
        return compressor.Wrap(bytes).ToArray();
    }

    /// <summary>Reads what was written to a file of that name.</summary>
    public static (List<SourceRecord> Records, Funnel Funnel) Read(byte[] bytes, string name = "crawl.warc", ReadLimits? limits = null)
    {
        using var folder = new Fakes.TemporaryFolder();
        var path = Path.Combine(folder.Path, name);
        File.WriteAllBytes(path, bytes);
        var funnel = new Funnel();
        return (
            [.. SourceReaders.Read(new InputFile(path, name, "crawl"), limits ?? new ReadLimits(), funnel, CancellationToken.None)],
            funnel
        );
    }

    /// <summary>The last parts of the addresses read, and the reasons counted.</summary>
    public static (string Pages, string Dropped) Summary(byte[] bytes, ReadLimits? limits = null, string name = "crawl.warc")
    {
        var (records, funnel) = Read(bytes, name, limits);
        return (
            string.Join(' ', records.Select(r => r.Url[(r.Url.LastIndexOf('/') + 1)..])),
            string.Join(' ', funnel.Dropped.Select(d => $"{d.Key}:{d.Value}"))
        );
    }

    private byte[] All() => [.. _records.SelectMany(r => r)];

    private byte[] WithDictionary()
    {
        byte[] dictionary = [.. _records.SelectMany(r => r)];
        return
        [
            0x5D,
            0x2A,
            0x4D,
            0x18,
            .. BitConverter.GetBytes(dictionary.Length),
            .. dictionary,
            .. _records.SelectMany(r => Zstd(r, dictionary)),
        ];
    }
}
