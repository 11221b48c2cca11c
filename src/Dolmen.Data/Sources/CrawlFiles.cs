using Dolmen.Artifacts;
using Dolmen.Artifacts.Compression;
using Dolmen.Web.Encodings;
using Dolmen.Web.Warc;

namespace Dolmen.Data.Sources;

/// <summary>The pages of crawls, in WARC and ARC files.</summary>
internal static class CrawlFiles
{
    /// <summary>Whether the file begins as WARC or ARC files do, whatever its name says.</summary>
    public static bool IsCrawl(InputFile file) =>
        BoundedText.Guard(
            file,
            () =>
            {
                Span<byte> start = stackalloc byte[StoredMembers.StartBytes];
                var bytes = StoredMembers.ReadStart(file, start);
                return WarcPages.Begins(bytes) || ArcPages.Begins(bytes);
            }
        );

    public static IEnumerable<SourceRecord> ReadWarc(
        InputFile file,
        StoredMembers content,
        ReadLimits limits,
        Funnel funnel,
        CancellationToken stop
    ) => WarcPages.Read(file, content, limits.OfPages(), funnel, stop).Select(page => Record(page, file));

    public static IEnumerable<SourceRecord> ReadArc(
        InputFile file,
        StoredMembers content,
        ReadLimits limits,
        Funnel funnel,
        CancellationToken stop
    ) => ArcPages.Read(file, content, limits.OfPages(), funnel, stop).Select(page => Record(page, file));

    private static SourceRecord Record(WebPage page, InputFile file) =>
        new(new DocumentHeader(page.Id, file.Name, page.Offset) { Dump = page.Dump, Url = page.Url, Date = page.Date })
        {
            Text = page.Text,
            Html = page.Html,
            Charset = page.Charset,
        };
}
