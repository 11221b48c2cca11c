using System.Buffers;
using System.Buffers.Text;
using System.IO.Compression;
using System.Text.Unicode;
using Dolmen.Artifacts;
using Dolmen.Artifacts.Compression;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Dolmen.Web.Warc;

/// <summary>Undoes the transfer and content encodings of an HTTP body. Crawlers often store a body decoded under the header of the
/// encoded one, and sites mislabel theirs: what does not look encoded is taken as it is.</summary>
internal static class HttpBody
{
    private const int MaxEncodings = 4;                                  // of one body; more is an attack
    private const int Ratioless = 1 << 20;
    private const int MaxWindowLog = 23;                                 // RFC 9659: 8 MB, the most a browser grants

    /// <param name="reason">Why the body cannot be had.</param>
    /// <returns>Null when it cannot.</returns>
    public static byte[]? Decode(HttpMessage message, ReadOnlySpan<byte> body, PageLimits limits, Funnel funnel, out string reason)
    {
        reason = "";
        var transfer = Encodings(message.TransferEncoding);
        var content = Encodings(message.ContentEncoding);
        if (transfer.Length + content.Length > MaxEncodings)
        {
            reason = "http-encoding-unknown";
            return null;
        }
        byte[]? decoded = null;
        // The last one applied comes off first; a transfer encoding goes around the content's.
        foreach (var encoding in (IEnumerable<string>)[.. transfer.Reverse(), .. content.Reverse()])
        {
            ReadOnlySpan<byte> from = decoded ?? body;
            if (encoding == "chunked")
            {
                decoded = Unchunk(from, funnel);
                continue;
            }
            if (!LooksEncoded(encoding, from))
            {
                if (from.Length > 0) funnel.Note("http-not-encoded");
                continue;
            }
            var bytes = decoded ?? body.ToArray();
            decoded = Unfold(encoding, bytes, limits, out reason);
            if (decoded is null) return null;
        }
        return decoded ?? body.ToArray();
    }

    private static string[] Encodings(string list) =>
        [
            .. list.ToLowerInvariant()
                .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Where(e => e is not "identity" and not "none" and not "utf-8"),
        ];

    /// <summary>Joins chunks, of broken ones what can be read; a body that does not begin with a chunk was stored without them.</summary>
    private static byte[] Unchunk(ReadOnlySpan<byte> body, Funnel funnel)
    {
        var whole = new byte[body.Length];
        var length = 0;
        var rest = body;
        while (rest.Length > 0)
        {
            var line = rest.IndexOf((byte)'\n');
            if (line < 0 || !TryChunkSize(rest[..line], out var size))
            {
                if (rest.Length == body.Length)
                {
                    funnel.Note("http-not-chunked");
                    return body.ToArray();
                }
                funnel.Note("http-chunks-broken");
                break;
            }
            rest = rest[(line + 1)..];
            if (size == 0) break;
            var take = (int)Math.Min(size, rest.Length);
            if (take < size) funnel.Note("http-chunks-broken");
            rest[..take].CopyTo(whole.AsSpan(length));
            length += take;
            rest = rest[take..];
            if (rest is [(byte)'\r', ..]) rest = rest[1..];
            if (rest is [(byte)'\n', ..]) rest = rest[1..];
        }
        return length == whole.Length ? whole : whole[..length];
    }

    private static bool TryChunkSize(ReadOnlySpan<byte> line, out long size)
    {
        size = 0;
        if (line.IndexOf((byte)';') is >= 0 and var extension) line = line[..extension];
        line = line.Trim(" \t\r"u8);
        return line.Length is > 0 and <= 8 && Utf8Parser.TryParse(line, out size, out var used, 'x') && used == line.Length;
    }

    private static bool LooksEncoded(string encoding, ReadOnlySpan<byte> bytes) => encoding switch
    {
        "gzip" or "x-gzip" => bytes is [0x1F, 0x8B, ..],
        "zstd" => StoredMembers.BeginsZstandard(bytes),
        // The others have no magic number, but what they make of a page is not text.
        _ => !BeginsMarkup(bytes) && !IsText(bytes),
    };

    private static bool IsText(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyInRange((byte)0, (byte)8) < 0 && Utf8.IsValid(bytes);

    private static bool BeginsMarkup(ReadOnlySpan<byte> bytes)
    {
        if (bytes is [0xEF, 0xBB, 0xBF, ..]) bytes = bytes[3..];
        bytes = bytes[..Math.Min(bytes.Length, 256)].TrimStart(" \t\r\n"u8);
        return bytes.Length == 0 || (bytes[0] == '<' && bytes.IndexOfAnyInRange((byte)0, (byte)8) < 0);
    }

    private static byte[]? Unfold(string encoding, byte[] bytes, PageLimits limits, out string reason)
    {
        try
        {
            switch (encoding)
            {
                case "gzip" or "x-gzip":
                    return ReadAll(new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress), bytes.Length, limits, out reason);
                case "deflate" when bytes.Length >= 2 && (bytes[0] & 0xF) == 8 && ((bytes[0] << 8) | bytes[1]) % 31 == 0:
                    return ReadAll(new ZLibStream(new MemoryStream(bytes), CompressionMode.Decompress), bytes.Length, limits, out reason);
                case "deflate":
                    return ReadAll(
                        new DeflateStream(new MemoryStream(bytes), CompressionMode.Decompress),
                        bytes.Length,
                        limits,
                        out reason
                    );
                case "br":
                    return ReadAll(new BrotliStream(new MemoryStream(bytes), CompressionMode.Decompress), bytes.Length, limits, out reason);
                case "zstd":
                    using (var decompressor = new Decompressor())
                    {
                        decompressor.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog);
                        return ReadAll(
                            new DecompressionStream(new MemoryStream(bytes), decompressor, checkEndOfStream: false),
                            bytes.Length,
                            limits,
                            out reason
                        );
                    }
                default:
                    reason = "http-encoding-unknown";
                    return null;
            }
        }
        catch (Exception error) when (error is InvalidDataException or InvalidOperationException or ZstdException or EndOfStreamException)
        {
            reason = "http-encoding-broken";
            return null;
        }
    }

    private static byte[]? ReadAll(Stream stream, int stored, PageLimits limits, out string reason)
    {
        using (stream)
        {
            reason = "";
            var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(stored * 4L, 1 << 14, 1 << 20));
            var length = 0;
            try
            {
                while (true)
                {
                    if (length == buffer.Length)
                    {
                        var bigger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                        buffer.AsSpan(0, length).CopyTo(bigger);
                        ArrayPool<byte>.Shared.Return(buffer);
                        buffer = bigger;
                    }
                    var read = stream.Read(buffer.AsSpan(length));
                    if (read == 0) return buffer.AsSpan(0, length).ToArray();
                    length += read;
                    if (length > limits.MaxRecordBytes) reason = "record-too-big";
                    if (length > Ratioless && length > limits.MaxRatio * stored) reason = "record-bomb";
                    if (reason.Length > 0) return null;
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
