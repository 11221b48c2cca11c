using System.Text;
using Dolmen.Data.Extraction;
using Dolmen.Data.Inputs;
using Dolmen.Data.Sources;

namespace Dolmen.Data.Readers;

/// <summary>The words and headings of a web page, without scripts, styles and navigation. The page is read by the reader that crawls go
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
        var tree = HtmlTreeBuilder.Build(html, funnel, stop);
        var sections = new Sections(source);
        var words = new StringBuilder();
        // Blocks whose end is still to come, the innermost last.
        var open = new Stack<(int End, HtmlTag Tag)>();
        for (var i = 0; i < tree.Count; i++)
        {
            while (open.TryPeek(out var block) && block.End <= i) Close(open.Pop().Tag);
            ref var node = ref tree[i];
            if (node.IsText)
            {
                words.Append(node.Verbatim ? tree.Source(i) : HtmlEntities.Decode(tree.Source(i)));
            }
            else if (HtmlTags.Is(node.Tag, TagTraits.Unread) || node.Tag == HtmlTag.Form)
            {
                i = node.End - 1;
            }
            else if (node.Tag == HtmlTag.Br)
            {
                words.Append(' ');
            }
            else if (HtmlTags.Is(node.Tag, TagTraits.Block))
            {
                sections.Paragraph(XmlText.Collapse(words.ToString()));
                words.Clear();
                open.Push((node.End, node.Tag));
            }
        }
        while (open.TryPop(out var block)) Close(block.Tag);
        sections.Paragraph(XmlText.Collapse(words.ToString()));
        return sections.Build(funnel);

        void Close(HtmlTag tag)
        {
            var text = words.ToString();
            words.Clear();
            if (tag is >= HtmlTag.H1 and <= HtmlTag.H6) sections.Heading(text);
            else sections.Paragraph(tag is HtmlTag.Pre ? text : XmlText.Collapse(text));
        }
    }
}
