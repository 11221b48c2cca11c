using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Web.Extraction;

public enum HtmlBlockKind { Paragraph, Heading, Verbatim }

/// <summary>A block of a page's text; white space is collapsed unless the block is verbatim.</summary>
public readonly record struct HtmlBlock(HtmlBlockKind Kind, string Text);

/// <summary>All words of a page in blocks, without scripts, styles and forms. Unlike <see cref="MainText"/> it leaves nothing out that
/// surrounds the main text: for pages that someone chose, not for those of a crawl. Both read through the same bounded parser.</summary>
public static class HtmlBlocks
{
    /// <param name="funnel">Where a page is noted whose elements nest too deep or are too many.</param>
    public static IEnumerable<HtmlBlock> Read(string html, Funnel? funnel, CancellationToken stop = default)
    {
        var tree = HtmlTreeBuilder.Build(html, funnel, stop);
        var words = new StringBuilder();
        // Blocks whose end is still to come, the innermost last.
        var open = new Stack<(int End, HtmlTag Tag)>();
        for (var i = 0; i < tree.Count; i++)
        {
            while (open.TryPeek(out var block) && block.End <= i) yield return Close(open.Pop().Tag);
            var node = tree[i];
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
                yield return Paragraph();
                open.Push((node.End, node.Tag));
            }
        }
        while (open.TryPop(out var block)) yield return Close(block.Tag);
        yield return Paragraph();

        HtmlBlock Paragraph() => new(HtmlBlockKind.Paragraph, WhiteSpace.Collapse(Taken()));

        HtmlBlock Close(HtmlTag tag) => tag switch
        {
            >= HtmlTag.H1 and <= HtmlTag.H6 => new(HtmlBlockKind.Heading, WhiteSpace.Collapse(Taken())),
            HtmlTag.Pre => new(HtmlBlockKind.Verbatim, Taken()),
            _ => Paragraph(),
        };

        string Taken()
        {
            var text = words.ToString();
            words.Clear();
            return text;
        }
    }
}
