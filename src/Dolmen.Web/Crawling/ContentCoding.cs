using System.IO.Compression;

namespace Dolmen.Web.Crawling;

/// <summary>Undoes a body's compression as far as a bound: enough to read links and sitemaps, and no bomb.</summary>
internal static class ContentCoding
{
    /// <returns>As much as could be undone; what is compressed in an unknown way comes back empty.</returns>
    public static ReadOnlyMemory<byte> Undo(ReadOnlyMemory<byte> body, string? coding, int most)
    {
        switch ((coding ?? "").Trim().ToLowerInvariant())
        {
            case "" or "identity": return body.Length > most ? body[..most] : body;
            case "gzip" or "x-gzip": return Read(new GZipStream(Open(body), CompressionMode.Decompress), most);
            case "br": return Read(new BrotliStream(Open(body), CompressionMode.Decompress), most);
            case "deflate":
                var isZlib = body.Length > 2 && (body.Span[0] & 0x0F) == 8 && ((body.Span[0] << 8) | body.Span[1]) % 31 == 0;
                return Read(
                    isZlib
                        ? new ZLibStream(Open(body), CompressionMode.Decompress)
                        : new DeflateStream(Open(body), CompressionMode.Decompress),
                    most
                );
            default:
                return default;
        }
    }

    private static MemoryStream Open(ReadOnlyMemory<byte> body) => new(body.ToArray(), writable: false);

    private static ReadOnlyMemory<byte> Read(Stream stream, int most)
    {
        using (stream)
        {
            var kept = new MemoryStream();
            var buffer = new byte[1 << 15];
            try
            {
                while (kept.Length < most && stream.Read(buffer, 0, (int)Math.Min(buffer.Length, most - kept.Length)) is var read and > 0)
                    kept.Write(buffer, 0, read);
            }
            catch (Exception error) when (error is InvalidDataException or InvalidOperationException or IOException)
            {
                // Broken from here on: what came before still has links.
            }
            return kept.GetBuffer().AsMemory(0, (int)kept.Length);
        }
    }
}
