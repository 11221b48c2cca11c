using Dolmen.Artifacts;

namespace Dolmen.Web.Extraction;

/// <summary>Tags to a tree: implied and stray end tags, misnested formatting and unended elements are mended as HTML 5 mends them, as far
/// as the text's place in the page depends on it. Work per tag is bounded by the depth kept, as in browsers: deeper elements leave their
/// content to the deepest.</summary>
internal sealed class HtmlTreeBuilder
{
    /// <summary>Why a page is noted that has more elements and texts than are read.</summary>
    public const string Cut = "html-cut";

    private const int MaxDepth = 512;
    private const int TagsBetweenLooks = 4096;

    private readonly record struct Open(ulong Name, HtmlTag Tag, int Node, bool OwnsNode, bool IsLink);

    private readonly HtmlTree _tree;
    private readonly Open[] _open = new Open[MaxDepth];
    private readonly int[] _openTags = new int[Enum.GetValues<HtmlTag>().Length];
    private int _depth;
    private int _links;
    private bool _tooDeep;

    private HtmlTreeBuilder(HtmlTree tree) => _tree = tree;

    /// <param name="funnel">Where a page is noted whose elements nest too deep or are too many.</param>
    /// <param name="stop">Checked every few thousand tags.</param>
    public static HtmlTree Build(string html, Funnel? funnel = null, CancellationToken stop = default)
    {
        var tree = new HtmlTree(html);
        var builder = new HtmlTreeBuilder(tree);
        builder.Read(stop);
        if (builder._tooDeep) funnel?.Note("html-too-deep");
        if (tree.Count >= HtmlTree.MaxNodes) funnel?.Note(Cut);
        return tree;
    }

    private void Read(CancellationToken stop)
    {
        Push(0, HtmlTag.Document, _tree.Add(new HtmlNode { Tag = HtmlTag.Document, Parent = -1 }), true, false);
        var tokens = new HtmlTokenizer(_tree.Html);
        for (var read = 1; _tree.Count < HtmlTree.MaxNodes && tokens.Next(); read++)
        {
            if (read % TagsBetweenLooks == 0) stop.ThrowIfCancellationRequested();
            switch (tokens.Kind)
            {
                case HtmlToken.StartTag:
                    Start(ref tokens);
                    break;
                case HtmlToken.EndTag:
                    End(tokens.Tag, tokens.Name);
                    break;
                default:
                    Text(tokens.Start, tokens.Length, tokens.Kind == HtmlToken.CData);
                    break;
            }
            tokens.Foreign = _openTags[(int)HtmlTag.Svg] + _openTags[(int)HtmlTag.Math] > 0;
        }
        PopTo(0);
    }

    private HtmlTag Current => _open[_depth - 1].Tag;

    private bool IsOpen(HtmlTag tag) => _openTags[(int)tag] > 0;

    private void Text(int start, int length, bool verbatim)
    {
        if (Current == HtmlTag.Head)
        {
            if (_tree.Html.AsSpan(start, length).IsWhiteSpace()) return;
            Pop();
        }
        var node = _tree.Add(new HtmlNode
        {
            IsText = true, Parent = _open[_depth - 1].Node, Start = start, Length = length, InLink = _links > 0, Verbatim = verbatim,
        });
        _tree[node].End = node + 1;
    }

    private void Start(ref HtmlTokenizer tokens)
    {
        var tag = tokens.Tag;
        var traits = HtmlTags.Of(tag);
        if (tokens.Foreign) traits &= ~TagTraits.Raw;
        switch (tag)
        {
            case HtmlTag.Html when IsOpen(HtmlTag.Html):
            case HtmlTag.Body when IsOpen(HtmlTag.Body):
            case HtmlTag.Head when _tree.Count > 1 && (IsOpen(HtmlTag.Head) || IsOpen(HtmlTag.Body)):
            case >= HtmlTag.Caption and <= HtmlTag.Th when !IsOpen(HtmlTag.Table):
                return;
        }
        if (Current == HtmlTag.Head && (traits & TagTraits.Head) == TagTraits.None) Pop();
        CloseImplied(tag, traits);

        var attributes = tokens.Attributes.AsSpan(0, tokens.AttributeCount);
        var isLink = tag == HtmlTag.A && HasLink(attributes);
        var leaf = (traits & TagTraits.Void) != TagTraits.None || (tokens.SelfClosing && tokens.Foreign);
        var needsNode = (traits & ~TagTraits.Formatting) != TagTraits.None || attributes.Length > 0 || tag is HtmlTag.Time or HtmlTag.Code;
        var node = _open[_depth - 1].Node;
        if (needsNode)
        {
            node = _tree.Add(new HtmlNode { Tag = tag, Parent = node, InLink = _links > 0 });
            _tree[node].End = node + 1;
            if (attributes.Length > 0) _tree.AddAttributes(node, attributes);
        }
        if ((traits & TagTraits.Raw) != TagTraits.None)
        {
            tokens.ReadRaw(tag, RawName(tag));
            (_tree[node].Start, _tree[node].Length) = (tokens.Start, tokens.Length);
            if ((traits & TagTraits.Unread) != TagTraits.None)
                return;
            var text = _tree.Add(
                new HtmlNode
                {
                    IsText = true,
                    Verbatim = true,
                    Parent = node,
                    Start = tokens.Start,
                    Length = tokens.Length,
                }
            );
            _tree[text].End = _tree[node].End = text + 1;
            return;
        }
        if (leaf) return;
        _tooDeep |= _depth >= MaxDepth;
        if (_depth < MaxDepth) Push(tokens.Name, tag, node, needsNode, isLink);
    }

    private static string RawName(HtmlTag tag) => tag switch
    {
        HtmlTag.Script => "script",
        HtmlTag.Style => "style",
        HtmlTag.Title => "title",
        HtmlTag.TextArea => "textarea",
        HtmlTag.IFrame => "iframe",
        HtmlTag.NoEmbed => "noembed",
        HtmlTag.NoFrames => "noframes",
        HtmlTag.Xmp => "xmp",
        _ => "plaintext",
    };

    private static bool HasLink(ReadOnlySpan<HtmlAttribute> attributes)
    {
        foreach (var attribute in attributes) if (attribute.Name == AttributeName.Href) return true;
        return false;
    }

    private void CloseImplied(HtmlTag tag, TagTraits traits)
    {
        if ((traits & TagTraits.EndsParagraph) != TagTraits.None && IsOpen(HtmlTag.P)) CloseInScope(HtmlTag.P);
        switch (tag)
        {
            case HtmlTag.Li:
                CloseSibling(HtmlTag.Li, HtmlTag.Li);
                break;
            case HtmlTag.Dt or HtmlTag.Dd:
                CloseSibling(HtmlTag.Dt, HtmlTag.Dd);
                break;
            case >= HtmlTag.H1 and <= HtmlTag.H6:
                if (Current is >= HtmlTag.H1 and <= HtmlTag.H6) Pop();
                break;
            case HtmlTag.Option or HtmlTag.OptGroup:
                if (Current == HtmlTag.Option) Pop();
                if (tag == HtmlTag.OptGroup && Current == HtmlTag.OptGroup) Pop();
                break;
            case HtmlTag.Rb or HtmlTag.Rt or HtmlTag.Rp:
                if (Current is HtmlTag.Rb or HtmlTag.Rt or HtmlTag.Rp) Pop();
                break;
            case HtmlTag.Button:
                if (IsOpen(HtmlTag.Button)) CloseInScope(HtmlTag.Button);
                break;
            case HtmlTag.A:
                if (IsOpen(HtmlTag.A)) EndFormatting(HtmlTag.A);
                break;
            case HtmlTag.Td or HtmlTag.Th:
                CloseToTable(stopAtRow: true);
                break;
            case >= HtmlTag.Caption and <= HtmlTag.Tr:
                CloseToTable(stopAtRow: false);
                if (
                    tag != HtmlTag.Tr
                    && Current is HtmlTag.TBody or HtmlTag.THead or HtmlTag.TFoot or HtmlTag.ColGroup
                    && tag != HtmlTag.Col
                )
                    Pop();
                break;
            default:
                // A list of choices that was never ended does not hold the rest of the page.
                if (
                    (traits & TagTraits.Block) != TagTraits.None
                    && Current is HtmlTag.Option or HtmlTag.Select or HtmlTag.OptGroup
                    && IsOpen(HtmlTag.Select)
                )
                    CloseInScope(HtmlTag.Select);
                break;
        }
    }

    private void CloseToTable(bool stopAtRow)
    {
        for (var i = _depth - 1; i > 0; i--)
        {
            var tag = _open[i].Tag;
            if (
                tag is not (HtmlTag.Table or HtmlTag.TBody or HtmlTag.THead or HtmlTag.TFoot or HtmlTag.ColGroup)
                && !(stopAtRow && tag == HtmlTag.Tr)
            )
                continue;
            PopTo(i + 1);
            return;
        }
    }

    private void CloseSibling(HtmlTag one, HtmlTag other)
    {
        if (!IsOpen(one) && !IsOpen(other)) return;
        for (var i = _depth - 1; i > 0; i--)
        {
            var tag = _open[i].Tag;
            if (tag == one || tag == other)
            {
                PopTo(i);
                return;
            }
            if (HtmlTags.Is(tag, TagTraits.Special) && tag is not (HtmlTag.Address or HtmlTag.Div or HtmlTag.P)) return;
        }
    }

    private bool CloseInScope(HtmlTag tag)
    {
        for (var i = _depth - 1; i > 0; i--)
        {
            if (_open[i].Tag == tag)
            {
                PopTo(i);
                return true;
            }
            if (HtmlTags.Is(_open[i].Tag, TagTraits.Scope) || (_open[i].Tag == HtmlTag.Button && tag == HtmlTag.P)) return false;
        }
        return false;
    }

    private void End(HtmlTag tag, ulong name)
    {
        if (tag != HtmlTag.Unknown && !IsOpen(tag) && tag is not (>= HtmlTag.H1 and <= HtmlTag.H6)) return;
        var traits = HtmlTags.Of(tag);
        if (tag is HtmlTag.Body or HtmlTag.Html) return;
        if ((traits & TagTraits.Formatting) != TagTraits.None) EndFormatting(tag);
        else if (tag is >= HtmlTag.H1 and <= HtmlTag.H6) EndHeading();
        else if (tag is HtmlTag.Table or (>= HtmlTag.Caption and <= HtmlTag.Th)) EndInTable(tag);
        else if ((traits & TagTraits.Special) != TagTraits.None) CloseInScope(tag);
        else EndOther(tag, name);
    }

    private void EndInTable(HtmlTag tag)
    {
        for (var i = _depth - 1; i > 0; i--)
        {
            if (_open[i].Tag == tag)
            {
                PopTo(i);
                return;
            }
            if (_open[i].Tag is HtmlTag.Table or HtmlTag.Template) return;
        }
    }

    private void EndHeading()
    {
        for (var i = _depth - 1; i > 0; i--)
        {
            if (_open[i].Tag is >= HtmlTag.H1 and <= HtmlTag.H6)
            {
                PopTo(i);
                return;
            }
            if (HtmlTags.Is(_open[i].Tag, TagTraits.Scope)) return;
        }
    }

    private void EndOther(HtmlTag tag, ulong name)
    {
        for (var i = _depth - 1; i > 0; i--)
        {
            if (_open[i].Tag == tag && _open[i].Name == name)
            {
                PopTo(i);
                return;
            }
            if (HtmlTags.Is(_open[i].Tag, TagTraits.Special)) return;
        }
    }

    /// <summary>When blocks were opened inside, they stay open, and only the link ends: its later text counts as none.</summary>
    private void EndFormatting(HtmlTag tag)
    {
        var blocks = false;
        for (var i = _depth - 1; i > 0; i--)
        {
            if (_open[i].Tag == tag)
            {
                if (!blocks) PopTo(i);
                else
                {
                    if (_open[i].IsLink) _links--;
                    _openTags[(int)tag]--;
                    _open[i] = _open[i] with { Name = 0, Tag = HtmlTag.Unknown, IsLink = false };
                    _openTags[(int)HtmlTag.Unknown]++;
                }
                return;
            }
            if (HtmlTags.Is(_open[i].Tag, TagTraits.Scope)) return;
            blocks |= HtmlTags.Is(_open[i].Tag, TagTraits.Special);
        }
    }

    private void Push(ulong name, HtmlTag tag, int node, bool ownsNode, bool isLink)
    {
        _open[_depth++] = new Open(name, tag, node, ownsNode, isLink);
        _openTags[(int)tag]++;
        if (isLink) _links++;
    }

    private void Pop() => PopTo(_depth - 1);

    private void PopTo(int depth)
    {
        while (_depth > depth)
        {
            var open = _open[--_depth];
            _openTags[(int)open.Tag]--;
            if (open.IsLink) _links--;
            if (open.OwnsNode) _tree[open.Node].End = _tree.Count;
        }
    }
}
