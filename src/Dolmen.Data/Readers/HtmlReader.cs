using Dolmen.Artifacts;
using Dolmen.Web.Encodings;
using Dolmen.Web.Extraction;

namespace Dolmen.Data.Readers;

/// <summary>The words and headings of a web page, without scripts, styles and forms. The page is read by the reader that crawls go
/// through, so the same bounds hold.</summary>
internal static class HtmlReader
{
    public static IEnumerable<Entry> Read(InputFile file, Funnel funnel, CancellationToken stop)
    {
        var bytes = BoundedText.ReadBytes(file);
        if (PageText.NamesUnknown(bytes, charset: null)) funnel.Note(PageText.UnknownCharset);
        return Parse(PageText.DecodeCounted(bytes, charset: null, funnel), file.Name, funnel, stop);
    }

    public static IEnumerable<Entry> Parse(string html, string source, Funnel funnel, CancellationToken stop = default)
    {
        var sections = new Sections(source);
        foreach (var (kind, text) in HtmlBlocks.Read(html, funnel, stop))
        {
            if (kind == HtmlBlockKind.Heading) sections.Heading(text);
            else sections.Paragraph(text);
        }
        return sections.Build(funnel);
    }
}
