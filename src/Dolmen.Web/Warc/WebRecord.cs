using Dolmen.Artifacts;
using Dolmen.Web.Encodings;

namespace Dolmen.Web.Warc;

/// <summary>Pages of what a crawler stored: HTML as bytes, plain text decoded, all else counted by its kind.</summary>
internal static class WebRecord
{
    private static readonly string[] Kinds = ["application", "audio", "font", "image", "message", "model", "multipart", "text", "video"];

    /// <summary>A stored HTTP response, or null when it is counted instead.</summary>
    /// <param name="page">Of the record, without its content.</param>
    /// <param name="payloadType">What the crawler found the content to be; empty if it did not look.</param>
    public static WebPage? FromHttp(
        WebPage page,
        InputFile file,
        string payloadType,
        ReadOnlySpan<byte> block,
        PageLimits limits,
        Funnel funnel
    )
    {
        if (HttpMessage.Parse(block) is not { } message) return Broken("http-header-broken");
        if (message.Status != 200) return Dropped("http-status", funnel);
        // Decided before decoding where it can be: most of what is not a page is never unfolded.
        var type = MediaType(payloadType, message.ContentType);
        if (type.Length > 0 && !IsPage(type)) return Dropped(Reason(type), funnel);
        var body = HttpBody.Decode(message, block[message.BodyStart..], limits, funnel, out var reason);
        return body is null ? Broken(reason) : FromContent(page, type, HttpMessage.Charset(message.ContentType), body, funnel);

        WebPage? Broken(string reason)
        {
            funnel.Break(file.Name, page.Offset, reason);
            return null;
        }
    }

    /// <summary>Content that is stored without an HTTP header around it.</summary>
    public static WebPage? FromContent(WebPage page, string type, string? charset, byte[] content, Funnel funnel)
    {
        if (type.Length == 0)
            type = Sniff(content);
        else if (IsPage(type) && IsBinary(content))
            type = "mislabelled";
        if (content.Length == 0)
            return Dropped("empty-body", funnel);
        if (!IsPage(type))
            return Dropped(Reason(type), funnel);
        if (PageText.NamesUnknown(content, charset))
            funnel.Note(PageText.UnknownCharset);
        return type == "text/plain"
            ? page with
            {
                Text = PageText.DecodeCounted(content, charset, funnel),
            }
            : page with
            {
                Html = content,
                Charset = charset,
            };
    }

    /// <summary>Whether the address is that of a site's rules for crawlers, which are not a text of the site.</summary>
    public static bool IsRobotsFile(string url) =>
        url.EndsWith("/robots.txt", StringComparison.OrdinalIgnoreCase) && url.AsSpan().Count('/') == 3;

    public static string MediaType(string payloadType, string contentType) =>
        HttpMessage.MediaType(payloadType) is { Length: > 0 } found ? found : HttpMessage.MediaType(contentType);

    private static bool IsPage(string type) => type is "text/html" or "application/xhtml+xml" or "text/plain";

    private static WebPage? Dropped(string reason, Funnel funnel)
    {
        funnel.Drop(reason);
        return null;
    }

    // A bounded number of names, whatever servers make up.
    private static string Reason(string type)
    {
        if (type is "mislabelled" or "unknown") return $"mime-{type}";
        var slash = type.IndexOf('/');
        var kind = slash < 0 ? type : type[..slash];
        return $"mime-{(Array.IndexOf(Kinds, kind) >= 0 ? kind : "other")}";
    }

    private static string Sniff(ReadOnlySpan<byte> content)
    {
        if (content is [0xEF, 0xBB, 0xBF, ..]) content = content[3..];
        content = content[..Math.Min(content.Length, 512)].TrimStart(" \t\r\n"u8);
        return
            content is [(byte)'<', (byte)'!' or (>= (byte)'A' and <= (byte)'Z') or (>= (byte)'a' and <= (byte)'z'), ..]
            && !content.StartsWith("<?xml"u8)
            ? "text/html"
            : "unknown";
    }

    private static bool IsBinary(ReadOnlySpan<byte> content) =>
        content.StartsWith("%PDF-"u8)
        || content.StartsWith("GIF8"u8)
        || content.StartsWith("PK\u0003\u0004"u8)
        || content.StartsWith("RIFF"u8)
        || content
            is [0x89, (byte)'P', (byte)'N', (byte)'G', ..]
                or [0xFF, 0xD8, 0xFF, ..]
                or [0x1F, 0x8B, 8, ..]
                or [0x7F, (byte)'E', (byte)'L', (byte)'F', ..];
}
