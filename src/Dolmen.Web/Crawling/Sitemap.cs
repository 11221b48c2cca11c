using System.Text;
using System.Xml;

namespace Dolmen.Web.Crawling;

/// <summary>The addresses of a sitemap, or of the sitemaps it lists (sitemaps.org). Plain text with one address a line counts
/// too.</summary>
internal sealed record Sitemap(IReadOnlyList<WebAddress> Pages, IReadOnlyList<WebAddress> Sitemaps)
{
    public const int MaxAddresses = 50_000, MaxBytes = 50 << 20;

    private const int MaxDepth = 16;

    public static Sitemap Read(ReadOnlyMemory<byte> file, WebAddress at)
    {
        if (file.Span is [0x1F, 0x8B, ..]) file = ContentCoding.Undo(file, "gzip", MaxBytes);
        var (pages, sitemaps) = (new List<WebAddress>(), new List<WebAddress>());
        var start = file.Span[..Math.Min(file.Length, 256)].TrimStart(" \t\r\n\uFEFF"u8);
        if (!start.StartsWith("<"u8))
        {
            foreach (var line in Encoding.UTF8.GetString(file.Span).AsSpan().EnumerateLines())
            {
                if (
                    pages.Count < MaxAddresses
                    && line.Length is > 0 and <= WebAddress.MaxChars
                    && WebAddress.Parse(line.ToString()) is { } page
                )
                    pages.Add(page);
            }
            return new Sitemap(pages, sitemaps);
        }
        try
        {
            using var reader = XmlReader.Create(new MemoryStream(file.ToArray(), writable: false), new XmlReaderSettings
            {
                DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, IgnoreComments = true, MaxCharactersInDocument = MaxBytes,
            });
            var parent = "";
            while (reader.Read() && pages.Count < MaxAddresses && sitemaps.Count < MaxAddresses)
            {
                if (reader.NodeType != XmlNodeType.Element || reader.Depth > MaxDepth)
                    continue;
                if (reader.LocalName is "url" or "sitemap")
                    parent = reader.LocalName;
                if (
                    reader.LocalName != "loc"
                    || parent.Length == 0
                    || reader.IsEmptyElement
                    || !reader.Read()
                    || reader.NodeType is not (XmlNodeType.Text or XmlNodeType.CDATA)
                )
                    continue;
                var text = reader.Value;
                if (reader.Read() && reader.NodeType == XmlNodeType.EndElement && WebAddress.Parse(text, at.Uri) is { } address)
                    (parent == "url" ? pages : sitemaps).Add(address);
            }
        }
        catch (XmlException)
        {
            // Broken from here on: the addresses before it stand.
        }
        return new Sitemap(pages, sitemaps);
    }
}
