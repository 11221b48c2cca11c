using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Web.Extraction;

/// <summary><see cref="Item"/> opens an item of a list, <see cref="Term"/> names what the blocks after it define, and
/// <see cref="Table"/> holds a row on each line, its cells between bars.</summary>
public enum HtmlBlockKind { Paragraph, Heading, Verbatim, Item, Term, Table }

/// <summary>A block of a page's text; white space is collapsed unless the block is verbatim.</summary>
/// <param name="Level">Of a heading, 1 to 6.</param>
/// <param name="Definitions">How many definition lists the block stands in.</param>
public readonly record struct HtmlBlock(HtmlBlockKind Kind, string Text, int Level = 0, int Definitions = 0);

/// <summary>The words of a page in blocks, without scripts, styles, forms and navigation. Unlike <see cref="MainText"/> it leaves nothing
/// else out that surrounds the main text: for pages that someone chose, not for those of a crawl. Both read through the same bounded
/// parser.</summary>
public static class HtmlBlocks
{
    /// <param name="funnel">Where a page is noted whose elements nest too deep or are too many.</param>
    public static IEnumerable<HtmlBlock> Read(string html, Funnel? funnel, CancellationToken stop = default)
    {
        var tree = HtmlTreeBuilder.Build(html, funnel, stop);
        var words = new StringBuilder();
        // Blocks whose end is still to come, the innermost last.
        var open = new Stack<(int End, HtmlTag Tag)>();
        var definitions = 0;
        var opensItem = false;
        for (var i = 0; i < tree.Count; i++)
        {
            while (open.TryPeek(out var block) && block.End <= i) yield return Close(open.Pop().Tag);
            var node = tree[i];
            if (node.IsText)
            {
                words.Append(node.Verbatim ? tree.Source(i) : HtmlEntities.Decode(tree.Source(i)));
            }
            else if (HtmlNavigation.IsLeftOut(tree, i))
            {
                i = node.End - 1;
            }
            else if (node.Tag == HtmlTag.Br)
            {
                words.Append(' ');
            }
            else if (node.Tag == HtmlTag.Table && HtmlTables.HoldsData(tree, i))
            {
                yield return Paragraph();
                yield return new(HtmlBlockKind.Table, HtmlTables.Rows(tree, i), 0, definitions);
                i = node.End - 1;
            }
            else if (HtmlTags.Is(node.Tag, TagTraits.Block))
            {
                yield return Paragraph();
                if (node.Tag == HtmlTag.Dl) definitions++;
                opensItem |= node.Tag == HtmlTag.Li;
                open.Push((node.End, node.Tag));
            }
        }
        while (open.TryPop(out var block)) yield return Close(block.Tag);
        yield return Paragraph();

        HtmlBlock Paragraph()
        {
            var text = WhiteSpace.Collapse(Taken());
            if (!opensItem || text.Length == 0) return new(HtmlBlockKind.Paragraph, text, 0, definitions);
            opensItem = false;
            return new(HtmlBlockKind.Item, text, 0, definitions);
        }

        HtmlBlock Close(HtmlTag tag)
        {
            switch (tag)
            {
                case >= HtmlTag.H1 and <= HtmlTag.H6:
                    return new(HtmlBlockKind.Heading, WhiteSpace.Collapse(Taken()), tag - HtmlTag.H1 + 1, definitions);
                case HtmlTag.Pre:
                    return new(HtmlBlockKind.Verbatim, Taken(), 0, definitions);
                case HtmlTag.Dt:
                    return new(HtmlBlockKind.Term, WhiteSpace.Collapse(Taken()), 0, definitions);
                default:
                    var last = Paragraph();
                    if (tag == HtmlTag.Li) opensItem = false;
                    if (tag == HtmlTag.Dl) definitions--;
                    return last;
            }
        }

        string Taken()
        {
            var text = words.ToString();
            words.Clear();
            return text;
        }
    }
}
