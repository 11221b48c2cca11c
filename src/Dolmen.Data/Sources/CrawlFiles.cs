using Dolmen.Artifacts;
using Dolmen.Artifacts.Compression;
using Dolmen.Web.Encodings;
using Dolmen.Web.Warc;

namespace Dolmen.Data.Sources;

/// <summary>The pages of crawls, in WARC and ARC files.</summary>
internal static class CrawlFiles
{
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
        new(page.Id, file.Name, page.Offset)
        {
            Dump = page.Dump,
            Url = page.Url,
            Date = page.Date,
            Text = page.Text,
            Html = page.Html,
            Charset = page.Charset,
        };
}
