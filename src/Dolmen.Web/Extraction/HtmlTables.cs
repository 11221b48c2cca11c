using System.Text;

namespace Dolmen.Web.Extraction;

/// <summary>Tables that hold data, as rows of cells. Those that only lay out a page (they hold headings, lists or other tables) are read
/// like any other block.</summary>
internal static class HtmlTables
{
    public static bool HoldsData(HtmlTree tree, int table)
    {
        int rows = 0, cells = 0;
        for (var i = table + 1; i < tree[table].End; i++)
        {
            switch (tree[i].Tag)
            {
                case HtmlTag.Table or HtmlTag.Dl or HtmlTag.Article or HtmlTag.Main or HtmlTag.Section:
                case >= HtmlTag.H1 and <= HtmlTag.H6:
                    return false;
                case HtmlTag.Tr:
                    rows++;
                    break;
                case HtmlTag.Td or HtmlTag.Th:
                    cells++;
                    break;
            }
        }
        return rows > 1 && cells > rows;
    }

    /// <summary>A line for each row that has words: <c>| name | what it is |</c>.</summary>
    public static string Rows(HtmlTree tree, int table)
    {
        var text = new StringBuilder();
        var cell = new StringBuilder();
        var (inRow, hasWords) = (false, false);
        var rowStart = 0;
        for (var i = table + 1; i < tree[table].End; i++)
        {
            var node = tree[i];
            if (node.IsText)
            {
                cell.Append(node.Verbatim ? tree.Source(i) : HtmlEntities.Decode(tree.Source(i)));
                continue;
            }
            if (HtmlNavigation.IsLeftOut(tree, i))
            {
                i = node.End - 1;
                continue;
            }
            if (node.Tag == HtmlTag.Tr) EndRow();
            if (node.Tag is HtmlTag.Td or HtmlTag.Th) EndCell();
            if (HtmlTags.Is(node.Tag, TagTraits.Block) || node.Tag == HtmlTag.Br) cell.Append(' ');
            inRow |= node.Tag is HtmlTag.Td or HtmlTag.Th;
        }
        EndRow();
        return text.ToString().TrimEnd('\n');

        void EndCell()
        {
            var words = WhiteSpace.Collapse(cell.ToString()).Replace("|", "\\|", StringComparison.Ordinal);
            cell.Clear();
            hasWords |= words.Length > 0;
            if (inRow || words.Length > 0) text.Append("| ").Append(words).Append(words.Length > 0 ? " " : "");
        }

        void EndRow()
        {
            EndCell();
            if (hasWords) text.Append("|\n");
            else text.Length = rowStart;
            rowStart = text.Length;
            (inRow, hasWords) = (false, false);
        }
    }
}
