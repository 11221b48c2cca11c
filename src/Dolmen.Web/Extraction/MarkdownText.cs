using System.Text;

namespace Dolmen.Web.Extraction;

/// <summary>Writes a part of a page as Markdown: what a reader would see, one block after another.</summary>
internal sealed class MarkdownText
{
    private const int MaxIndent = 16;

    private readonly HtmlTree _tree;
    private readonly StringBuilder _out = new();
    private readonly List<(int End, HtmlTag Tag, int Number)> _open = [];
    // Newlines owed before the next character: 1 ends a line, 2 a paragraph.
    private int _owed;
    private bool _space;
    private string _mark = "";
    private int _quotes, _lists, _cells, _codes, _fenceStart;

    private MarkdownText(HtmlTree tree) => _tree = tree;

    public static string Write(HtmlTree tree, int root, ReadOnlySpan<bool> dropped)
    {
        var writer = new MarkdownText(tree);
        var end = tree[root].End;
        for (var i = root; i < end; i++)
        {
            while (writer._open.Count > 0 && writer._open[^1].End <= i) writer.Leave();
            if (i < dropped.Length && dropped[i]) i = tree[i].End - 1;
            else if (tree[i].IsText) writer.Text(i);
            else writer.Enter(i);
        }
        while (writer._open.Count > 0) writer.Leave();
        return writer._out.ToString().Trim('\n', ' ');
    }

    private void Enter(int node)
    {
        var tag = _tree[node].Tag;
        if (tag == HtmlTag.Br)
        {
            if (_codes > 0) _out.Append('\n');
            else if (_cells > 0) _space = true;
            else Owe(1);
            return;
        }
        if (!HtmlTags.Is(tag, TagTraits.Block) || _codes > 0) return;
        var number = 0;
        switch (tag)
        {
            case HtmlTag.Ul or HtmlTag.Ol:
                Owe(_lists > 0 ? 1 : 2);
                number = tag == HtmlTag.Ol && int.TryParse(_tree.Attribute(node, AttributeName.Start), out var start) ? start - 1 : 0;
                _lists++;
                break;
            case HtmlTag.Li:
                Owe(1);
                _mark = NextMark();
                break;
            case HtmlTag.Blockquote:
                Owe(2);
                _quotes++;
                break;
            case >= HtmlTag.H1 and <= HtmlTag.H6:
                Owe(2);
                if (_cells == 0) _mark = new string('#', tag - HtmlTag.H1 + 1) + " ";
                break;
            case HtmlTag.Pre or HtmlTag.Xmp or HtmlTag.Listing or HtmlTag.PlainText:
                Owe(2);
                Flush();
                _codes++;
                _fenceStart = _out.Length;
                break;
            case HtmlTag.Table:
                Owe(2);
                number = IsData(node) ? 1 : 0;
                break;
            case HtmlTag.Tr or HtmlTag.Dt or HtmlTag.Dd or HtmlTag.Summary:
                Owe(1);
                break;
            case HtmlTag.Td or HtmlTag.Th:
                number = InData() ? 1 : 0;
                if (number == 0) Owe(2);
                else if (_open.Count > 0 && _open[^1].Tag == HtmlTag.Tr)
                {
                    if (_open[^1].Number > 0) _out.Append(" | ");
                    _open[^1] = _open[^1] with { Number = _open[^1].Number + 1 };
                    _space = false;
                }
                _cells += number;
                break;
            default:
                if (_cells > 0) _space = true;
                else Owe(_open.Count > 0 && _open[^1].Tag == HtmlTag.Li ? 1 : tag == HtmlTag.Div ? 1 : 2);
                break;
        }
        _open.Add((_tree[node].End, tag, number));
    }

    private void Leave()
    {
        var (_, tag, number) = _open[^1];
        _open.RemoveAt(_open.Count - 1);
        switch (tag)
        {
            case HtmlTag.Ul or HtmlTag.Ol:
                _lists--;
                Owe(_lists > 0 ? 1 : 2);
                break;
            case HtmlTag.Li:
                _mark = "";
                Owe(1);
                break;
            case HtmlTag.Blockquote:
                _quotes--;
                Owe(2);
                break;
            case >= HtmlTag.H1 and <= HtmlTag.H6:
                _mark = "";
                Owe(2);
                break;
            case HtmlTag.Pre or HtmlTag.Xmp or HtmlTag.Listing or HtmlTag.PlainText:
                _codes--;
                Fence();
                Owe(2);
                break;
            case HtmlTag.Td or HtmlTag.Th:
                _cells -= number;
                if (number == 0) Owe(2);
                break;
            case HtmlTag.Tr or HtmlTag.Dt or HtmlTag.Dd or HtmlTag.Div or HtmlTag.Summary:
                Owe(1);
                break;
            default:
                Owe(2);
                break;
        }
    }

    private string NextMark()
    {
        for (var i = _open.Count - 1; i >= 0; i--)
        {
            if (_open[i].Tag == HtmlTag.Ul) break;
            if (_open[i].Tag != HtmlTag.Ol) continue;
            _open[i] = _open[i] with { Number = _open[i].Number + 1 };
            return $"{_open[i].Number}. ";
        }
        return "- ";
    }

    private bool InData()
    {
        for (var i = _open.Count - 1; i >= 0; i--) if (_open[i].Tag == HtmlTag.Table) return _open[i].Number == 1;
        return false;
    }

    /// <summary>A table that holds tables, paragraphs or headings lays out a page; so does one whose cells stand alone in their
    /// rows.</summary>
    private bool IsData(int table)
    {
        var (cells, rows, blocks) = (0, 0, 0);
        for (var i = table + 1; i < _tree[table].End; i++)
        {
            switch (_tree[i].Tag)
            {
                case HtmlTag.Table or HtmlTag.Pre or HtmlTag.Section or HtmlTag.Article or (>= HtmlTag.H1 and <= HtmlTag.H6):
                    return false;
                case HtmlTag.Td or HtmlTag.Th:
                    cells++;
                    break;
                case HtmlTag.Tr:
                    rows++;
                    break;
                case HtmlTag.P or HtmlTag.Div or HtmlTag.Li:
                    blocks++;
                    break;
            }
        }
        return cells > rows && blocks <= 2 * cells;
    }

    private void Owe(int newlines)
    {
        if (_cells > 0 || _codes > 0) return;
        _space = false;
        _owed = Math.Max(_owed, newlines);
    }

    private void Flush()
    {
        if (_owed > 0 || _out.Length == 0)
        {
            if (_out.Length > 0)
            {
                _out.Append('\n');
                if (_owed > 1) Quote().Append('\n');
            }
            Quote().Append(' ', 2 * Math.Clamp(_lists - (_mark.Length > 0 ? 1 : 0), 0, MaxIndent));
            _out.Append(_mark);
            (_owed, _space, _mark) = (0, false, "");
        }
        else if (_space) _out.Append(' ');
        _space = false;
    }

    private StringBuilder Quote()
    {
        for (var i = 0; i < Math.Min(_quotes, MaxIndent); i++) _out.Append("> ");
        return _out;
    }

    private void Text(int node)
    {
        var source = _tree.Source(node);
        var verbatim = _tree[node].Verbatim;
        if (_codes > 0)
        {
            _out.Append(verbatim ? source : HtmlEntities.Decode(source));
            return;
        }
        for (var i = 0; i < source.Length;)
        {
            var c = source[i];
            if (c == '&' && !verbatim && HtmlEntities.Read(source[i..], out var value) is > 0 and var used)
            {
                foreach (var decoded in value) Put(decoded);
                i += used;
                continue;
            }
            Put(c);
            i++;
        }
    }

    private void Put(char c)
    {
        if (c == '\u00A0' || (c < '\u0080' ? c is ' ' or '\n' or '\t' or '\r' or '\f' : char.IsWhiteSpace(c)))
        {
            _space = true;
            return;
        }
        if (c < ' ' || c is '\u00AD' or '\uFEFF' or (>= '\u007F' and <= '\u009F')) return;
        if (_owed > 0 || _space || _out.Length == 0) Flush();
        _out.Append(c);
    }

    private void Fence()
    {
        var code = _out.ToString(_fenceStart, _out.Length - _fenceStart).ReplaceLineEndings("\n").Replace("\0", "").Trim('\n').TrimEnd();
        _out.Length = _fenceStart;
        if (code.Length == 0) return;
        var fence = "```";
        while (code.Contains(fence, StringComparison.Ordinal) && fence.Length < 16) fence += "`";
        _out.Append(fence).Append('\n').Append(code).Append('\n').Append(fence);
    }
}
