using System.IO.Compression;
using System.Text;
using Dolmen.Data.Sources;

namespace Dolmen.Tests.Web.Warc;

public class HttpBodies
{
    private static readonly byte[] Body = Encoding.UTF8.GetBytes(
        WarcFile.Page(string.Join(' ', Enumerable.Range(0, 200).Select(i => $"stone {i}")))
    );

    public static TheoryData<string, byte[]> Encoded => new()
    {
        { "Content-Encoding: gzip", WarcFile.Gzip(Body) },
        { "content-encoding: X-GZIP", WarcFile.Gzip(Body) },
        { "Content-Encoding: deflate", Zlib(Body) },
        { "Content-Encoding: deflate", Deflate(Body) },
        { "Content-Encoding: br", Brotli(Body) },
        { "Content-Encoding: zstd", WarcFile.Zstd(Body) },
        { "Content-Encoding: identity", Body },
        { "Content-Encoding: gzip, br", Brotli(WarcFile.Gzip(Body)) },
        { "Content-Encoding: deflate\r\nContent-Encoding: gzip", WarcFile.Gzip(Zlib(Body)) },
        { "Transfer-Encoding: chunked", Chunked(Body, 100) },
        { "Transfer-Encoding: chunked\r\nContent-Encoding: gzip", Chunked(WarcFile.Gzip(Body), 77) },
        { "Transfer-Encoding: gzip, chunked", Chunked(WarcFile.Gzip(Body), 77) },
        // Stored decoded under the header of the encoded one.
        { "Transfer-Encoding: chunked", Body },
        { "Content-Encoding: gzip", Body },
        { "Content-Encoding: br", Body },
        { "Content-Encoding: deflate", Body },
        { "Content-Encoding: zstd", Body },
        { "Content-Encoding: sdch", Body },
    };

    [Theory]
    [MemberData(nameof(Encoded))]
    public void Encodings_are_undone(string header, byte[] body) => Assert.Equal(Body, Only(header, body).Html);

    [Theory]
    [InlineData("br")]
    [InlineData("deflate")]
    [InlineData("zstd")]
    public void Text_stored_decoded_is_not_decoded_again(string encoding) =>
        Assert.Equal("Just words, ü."u8.ToArray(), Only($"Content-Encoding: {encoding}", "Just words, ü."u8.ToArray()).Html);

    [Fact]
    public void Of_broken_chunks_what_can_be_read_is_kept()
    {
        var chunks = Chunked(Body, 100);
        Assert.Equal(Body[..100], Only("Transfer-Encoding: chunked", [.. chunks[..106], .. "no size\r\n"u8, .. chunks[106..]]).Html);
        Assert.Equal(Body[..194], Only("Transfer-Encoding: chunked", chunks[..204]).Html);
        Assert.Equal(
            Body[..100],
            Only(
                "Transfer-Encoding: chunked",
                [.. "64;name=\"value\"\r\n"u8, .. Body.AsSpan(0, 100), .. "\r\n0\r\nTrailer: x\r\n\r\n"u8]
            ).Html
        );
    }

    [Fact]
    public void A_body_cut_short_gives_what_it_holds()
    {
        var page = Only("Content-Encoding: gzip", WarcFile.Gzip(Body)[..200]).Html!;
        Assert.InRange(page.Length, 100, Body.Length - 1);
        Assert.True(Body.AsSpan().StartsWith(page));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("zstd")]
    public void A_bomb_in_a_body_breaks_one_record(string encoding)
    {
        var zeros = new byte[24 << 20];
        var bomb = encoding switch
        {
            "gzip" => WarcFile.Gzip(zeros),
            "deflate" => Zlib(zeros),
            "br" => Brotli(zeros),
            _ => WarcFile.Zstd(zeros),
        };
        var file = new WarcFile()
            .Response("bomb", $"Content-Type: text/html\r\nContent-Encoding: {encoding}\r\n", bomb)
            .Pages("dolmen")
            .Bytes();
        Assert.Equal(("dolmen", "record-bomb:1"), WarcFile.Summary(file));
        Assert.Equal(("dolmen", "record-too-big:1"), WarcFile.Summary(file, new ReadLimits(MaxRecordBytes: 8 << 20, MaxRatio: 1e9)));
        Assert.Equal(("bomb dolmen", ""), WarcFile.Summary(file, new ReadLimits(MaxRatio: 1e9)));
    }

    [Theory]
    [InlineData("gzip", "http-encoding-broken:1")]
    [InlineData("br", "http-encoding-broken:1")]
    [InlineData("deflate", "http-encoding-broken:1")]
    [InlineData("sdch", "http-encoding-unknown:1")]
    [InlineData("gzip, gzip, gzip, gzip, gzip", "http-encoding-unknown:1")]
    public void A_body_that_cannot_be_decoded_breaks_one_record(string encoding, string dropped)
    {
        byte[] noise = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0, .. Enumerable.Range(0, 400).Select(i => (byte)(i * 167 + 13))];
        Assert.Equal(
            ("dolmen", dropped),
            WarcFile.Summary(
                new WarcFile()
                    .Response("noise", $"Content-Type: text/html\r\nContent-Encoding: {encoding}\r\n", noise)
                    .Pages("dolmen")
                    .Bytes()
            )
        );
    }

    private static SourceRecord Only(string header, byte[] body) =>
        Assert.Single(WarcFile.Read(new WarcFile().Response("page", $"Content-Type: text/html\r\n{header}\r\n", body).Bytes()).Records);

    private static byte[] Chunked(byte[] body, int size) =>
        [
            .. body.Chunk(size).SelectMany(c => (byte[])[.. Encoding.ASCII.GetBytes($"{c.Length:x}\r\n"), .. c, .. "\r\n"u8]),
            .. "0\r\n\r\n"u8,
        ];

    private static byte[] Zlib(byte[] bytes) => Through(bytes, o => new ZLibStream(o, CompressionLevel.Optimal, leaveOpen: true));

    private static byte[] Deflate(byte[] bytes) => Through(bytes, o => new DeflateStream(o, CompressionLevel.Optimal, leaveOpen: true));

    private static byte[] Brotli(byte[] bytes) => Through(bytes, o => new BrotliStream(o, CompressionLevel.Optimal, leaveOpen: true));

    private static byte[] Through(byte[] bytes, Func<Stream, Stream> encoder)
    {
        using var output = new MemoryStream();
        using (var stream = encoder(output)) stream.Write(bytes);
        return output.ToArray();
    }
}
