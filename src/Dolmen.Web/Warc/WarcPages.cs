using System.Text;
using Dolmen.Artifacts;
using Dolmen.Artifacts.Compression;

namespace Dolmen.Web.Warc;

/// <summary>The pages of WARC files (0.17 to 1.1) and the texts of WET files. WAT files hold no text: their records are noted.</summary>
public static class WarcPages
{
    private const int MaxDumpChars = 64;

    public static bool Begins(ReadOnlySpan<byte> bytes) => bytes.StartsWith("WARC/"u8);

    public static IEnumerable<WebPage> Read(
        InputFile file,
        StoredMembers members,
        PageLimits limits,
        Funnel funnel,
        CancellationToken stop
    )
    {
        var reader = new WarcReader(members, limits, (offset, reason) => funnel.Break(file.Name, offset, reason), stop);
        var dump = file.Dump;
        while (reader.Next())
        {
            if (reader.Header.Type == WarcType.Info) dump = Collection(reader.Block) ?? dump;
            if (Page(reader, file, dump, limits, funnel) is { } page) yield return page;
        }
    }

    private static WebPage? Page(WarcReader reader, InputFile file, string dump, PageLimits limits, Funnel funnel)
    {
        var header = reader.Header;
        var contentType = HttpMessage.MediaType(header.ContentType);
        switch (header.Type)
        {
            case WarcType.Response or WarcType.Resource or WarcType.Conversion when header.IsSegment:
            case WarcType.Continuation:
                funnel.Drop("warc-segment");
                return null;
            case WarcType.Response
            or WarcType.Resource when contentType == "text/dns" || header.Url.StartsWith("dns:", StringComparison.OrdinalIgnoreCase):
                funnel.Note("warc-dns");
                return null;
            // What wget was called with and what it said.
            case WarcType.Resource when header.Url.StartsWith("metadata:", StringComparison.OrdinalIgnoreCase):
                funnel.Note("warc-metadata");
                return null;
            case WarcType.Response or WarcType.Resource or WarcType.Conversion:
                break;
            case WarcType.Revisit:
                funnel.Drop("revisit");
                return null;
            case WarcType.Metadata:
                funnel.Note(contentType == "application/json" ? "wat-metadata" : "warc-metadata");
                return null;
            case WarcType.Request:
                funnel.Note("warc-request");
                return null;
            case WarcType.Info:
                funnel.Note("warc-info");
                return null;
            default:
                funnel.Note("warc-other");
                return null;
        }
        if (WebRecord.IsRobotsFile(header.Url))
        {
            funnel.Note("robots-txt");
            return null;
        }
        if (reader.LengthIsWrong) funnel.Note("warc-length-ignored");
        if (header.IsTruncated) funnel.Note("warc-cut-by-crawler");
        var id = header.Id.Length > 0 ? header.Id : $"{file.Name}#{reader.Offset}{(reader.Position == 0 ? "" : $"+{reader.Position}")}";
        var page = new WebPage(id, dump, header.Url, header.Date, reader.Offset);
        return header.Type == WarcType.Response && (contentType is "application/http" || HttpMessage.Begins(reader.Block))
            ? WebRecord.FromHttp(page, file, header.PayloadType, reader.Block, limits, funnel)
            : WebRecord.FromContent(page, contentType, HttpMessage.Charset(header.ContentType), reader.Block.ToArray(), funnel);
    }

    /// <summary>The name a crawl gives itself, such as <c>CC-MAIN-2024-22</c>.</summary>
    private static string? Collection(ReadOnlySpan<byte> block)
    {
        var fields = new HeaderFields(block);
        while (fields.Next())
        {
            if (
                fields.Name.Length == "isPartOf".Length
                && Ascii.EqualsIgnoreCase(fields.Name, "isPartOf"u8)
                && fields.Value.Length is > 0 and <= MaxDumpChars
            )
                return Encoding.UTF8.GetString(fields.Value);
        }
        return null;
    }
}
