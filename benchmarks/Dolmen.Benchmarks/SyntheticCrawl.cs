using System.IO.Compression;
using System.Net;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Documentation;
using Dolmen.Data.Inputs;
using Dolmen.Data.Readers;

namespace Dolmen.Benchmarks;

/// <summary>A crawl that is always at hand: the SDK's documentation as web pages with the navigation, scripts and footers that pages have
/// around their text, in a gzip WARC.</summary>
internal static class SyntheticCrawl
{
    private const long MostTextBytes = 8 << 20;
    private const int NavigationLinks = 60;

    public static void Write(string path, CancellationToken stop)
    {
        using var file = File.Create(path);
        long written = 0;
        var entries = EntrySet.Clean(ReferencePacks.Find().SelectMany(f => DocumentationReader.Read(f, new Funnel())), new Funnel());
        foreach (var document in Documents.Assemble(entries, _ => ""))
        {
            stop.ThrowIfCancellationRequested();
            if ((written += document.Text.Length) > MostTextBytes) break;
            WriteRecord(file, $"http://docs.test/{WebUtility.UrlEncode(document.Id)}", Page(document.Id, document.Text));
        }
    }

    private static string Page(string title, string text)
    {
        var page = new StringBuilder(
            $"<!DOCTYPE html><html lang=\"en\"><head><meta "
                + $"charset=\"utf-8\"><title>{WebUtility.HtmlEncode(title)}</title><style>.nav{{float:left}}</style></head><body><nav><ul>"
        );
        for (var i = 0; i < NavigationLinks; i++)
            page.Append(
                $"<li class=\"item level-{i % 3}\"><a href=\"/section/{i}/index.html\" title=\"Section {i}\">Section {i}</a></li>\n"
            );
        page.Append("</ul></nav><main><article>");
        foreach (var line in text.Split('\n'))
        {
            var encoded = WebUtility.HtmlEncode(line.TrimStart('#', ' '));
            if (line.StartsWith("## ", StringComparison.Ordinal)) page.Append($"<h2 id=\"m{page.Length}\">{encoded}</h2>\n");
            else if (line.StartsWith('#')) page.Append($"<h1>{encoded}</h1>\n");
            else if (encoded.Length > 0) page.Append($"<p class=\"text\">{encoded}</p>\n");
        }
        return page.Append(
                "</article></main><footer><p>Terms, privacy, contact.</p></footer><script>window.track={id:42};function go(){return "
                    + "false}</script></body></html>"
            )
            .ToString();
    }

    private static void WriteRecord(Stream file, string url, string html)
    {
        var body = Encoding.UTF8.GetBytes(html);
        var http = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {body.Length}\r\n\r\n"
        );
        var head = Encoding.ASCII.GetBytes(
            $"WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: "
                + $"<urn:uuid:{new Guid(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(url)).AsSpan(0, 16))}>\r\n"
                + $"WARC-Date: 2026-01-01T00:00:00Z\r\n"
                + $"WARC-Target-URI: {url}\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: "
                + $"{http.Length + body.Length}\r\n\r\n"
        );
        using var member = new GZipStream(file, CompressionLevel.Fastest, leaveOpen: true);
        member.Write(head);
        member.Write(http);
        member.Write(body);
        member.Write("\r\n\r\n"u8);
    }
}
