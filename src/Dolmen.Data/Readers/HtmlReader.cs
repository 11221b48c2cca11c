using Dolmen.Artifacts;
using Dolmen.Web.Encodings;
using Dolmen.Web.Extraction;

namespace Dolmen.Data.Readers;

/// <summary>The words and headings of a web page, without scripts, styles, forms and navigation; lists, tables and code as Markdown writes
/// them. The page is read by the reader that crawls go through, so the same bounds hold.</summary>
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
        // How deep in definition lists the open term stands: one inside its explanation is a part of that.
        var termDepth = 0;
        foreach (var block in HtmlBlocks.Read(html, funnel, stop))
        {
            if (termDepth > 0 && block.Definitions < termDepth)
            {
                sections.EndTerm();
                termDepth = 0;
            }
            switch (block.Kind)
            {
                case HtmlBlockKind.Heading when termDepth == 0 || SectionTitle.IsAdmonition(block.Text):
                    sections.Heading(block.Level, block.Text);
                    break;
                case HtmlBlockKind.Term when termDepth == 0 || block.Definitions == termDepth:
                    sections.Term(block.Text);
                    termDepth = block.Definitions;
                    break;
                case HtmlBlockKind.Item or HtmlBlockKind.Term when block.Text.Length > 0:
                    sections.Item(block.Text);
                    break;
                case HtmlBlockKind.Verbatim when !string.IsNullOrWhiteSpace(block.Text):
                    sections.Paragraph($"```\n{block.Text.Trim('\n', '\r').TrimEnd()}\n```");
                    break;
                default:
                    sections.Paragraph(block.Text);
                    break;
            }
        }
        return sections.Build(funnel);
    }
}
