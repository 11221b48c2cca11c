namespace Dolmen.Web.Extraction;

/// <summary>Finds the element that holds most of a page's prose, and what in it is not prose of the page. A block's prose is its text
/// outside links, counted by characters (one of a script without spaces counts as three) and little unless it has sentence marks; the
/// search goes down from the body as long as one child holds nearly all.</summary>
internal sealed class MainContent
{
    private const int Enough = 250;
    private const double HoldsNearlyAll = 0.8;

    private readonly HtmlTree _tree;
    private readonly int[] _block, _text, _link, _marks, _allText, _allLink;
    private readonly double[] _prose;
    private readonly bool[] _dropped;

    public MainContent(HtmlTree tree)
    {
        _tree = tree;
        var count = tree.Count;
        (_block, _text, _link, _marks, _allText, _allLink) = (
            new int[count],
            new int[count],
            new int[count],
            new int[count],
            new int[count],
            new int[count]
        );
        (_prose, _dropped) = (new double[count], new bool[count]);
    }

    public ReadOnlySpan<bool> Dropped => _dropped;

    public bool IsEnough { get; private set; }

    /// <param name="strictness">2: hints of class and id drop too; 1: only tags, roles and hidden elements; 0: nothing that is text is
    /// dropped.</param>
    public int Find(int strictness)
    {
        MarkUnread(strictness);
        Count();
        var before = _prose[0];
        if (strictness == 2) DropHinted();
        if (strictness >= 1 && _prose[0] > 0) IsEnough = _prose[0] >= Math.Min(Enough, before) || _prose[0] >= before / 4;
        else IsEnough = before == 0 && _allText[0] > 0;
        var root = strictness == 0 ? 0 : Descend();
        if (strictness >= 1) Clean(root);
        return root;
    }

    private void MarkUnread(int strictness)
    {
        Array.Clear(_dropped);
        for (var i = 0; i < _tree.Count; i++)
        {
            ref var node = ref _tree[i];
            if (node.IsText)
                continue;
            var unread =
                HtmlTags.Is(node.Tag, TagTraits.Unread)
                && (strictness > 0 || node.Tag is not (HtmlTag.Nav or HtmlTag.Menu or HtmlTag.Dialog or HtmlTag.Button));
            if (!unread && strictness > 0)
                unread = IsHidden(i);
            if (!unread)
                continue;
            _dropped[i] = true;
            i = node.End - 1;
        }
    }

    private bool IsHidden(int node)
    {
        foreach (var attribute in _tree.Attributes(node))
        {
            var value = _tree.Value(attribute);
            switch (attribute.Name)
            {
                case AttributeName.Hidden when !value.Equals("until-found", StringComparison.OrdinalIgnoreCase):
                case AttributeName.AriaHidden when value.Equals("true", StringComparison.OrdinalIgnoreCase):
                case AttributeName.Style when PageHints.IsHiddenStyle(value):
                case AttributeName.Role when PageHints.IsBoilerplateRole(value):
                    return _tree[node].Tag is not (HtmlTag.Body or HtmlTag.Html);
            }
        }
        return false;
    }

    private void Count()
    {
        foreach (var array in (int[][])[_text, _link, _marks, _allText, _allLink]) Array.Clear(array);
        Array.Clear(_prose);
        for (var i = 0; i < _tree.Count; i++)
        {
            ref var node = ref _tree[i];
            if (_dropped[i])
            {
                i = node.End - 1;
                continue;
            }
            var block = node.Parent < 0 || HtmlTags.Is(node.Tag, TagTraits.Block) ? i : _block[node.Parent];
            _block[i] = block;
            if (!node.IsText) continue;
            var (weight, marks) = Weigh(_tree.Source(i));
            _text[block] += weight;
            if (node.InLink) _link[block] += weight;
            else _marks[block] += marks;
        }
        for (var i = _tree.Count - 1; i >= 0; i--)
        {
            _prose[i] += ProseOf(i);
            _allText[i] += _text[i];
            _allLink[i] += _link[i];
            if (_tree[i].Parent is >= 0 and var parent)
            {
                _prose[parent] += _prose[i];
                _allText[parent] += _allText[i];
                _allLink[parent] += _allLink[i];
            }
        }
    }

    private double ProseOf(int block)
    {
        var (text, plain) = (_text[block], _text[block] - _link[block]);
        if (_tree[block].Tag is HtmlTag.Pre) return text;
        if (text < 20 || plain * 2 < text) return 0;
        return _marks[block] > 0 && plain >= 40 ? plain : plain * 0.2;
    }

    private static (int Weight, int Marks) Weigh(ReadOnlySpan<char> text)
    {
        var (weight, marks) = (0, 0);
        foreach (var c in text)
        {
            if (c <= ' ' || c == '\u00A0') continue;
            weight++;
            if (c < 0x80) marks += c is '.' or ',' or '!' or '?' or ';' ? 1 : 0;
            else if (c is >= '\u2E80' and <= '\uD7FF')
            {
                weight += 2;
                if (c is '\u3002' or '\u3001') marks++;
            }
            else if (
                c
                is '\u060C'
                    or '\u06D4'
                    or '\u061F'
                    or '\u0964'
                    or '\u104B'
                    or '\u17D4'
                    or '\u0589'
                    or '\uFF0C'
                    or '\uFF01'
                    or '\uFF1F'
                    or (>= '\u0E00' and <= '\u0EFF')
            )
                marks++;
        }
        return (weight, marks);
    }

    private void DropHinted()
    {
        var total = _prose[0];
        var commentsToo = total - CommentProse() >= Enough;
        for (var i = 1; i < _tree.Count; i++)
        {
            if (_dropped[i])
            {
                i = _tree[i].End - 1;
                continue;
            }
            if (_tree[i].IsText || _tree[i].Tag is HtmlTag.Html or HtmlTag.Body or HtmlTag.Main) continue;
            if (!IsHinted(i, total, commentsToo)) continue;
            _dropped[i] = true;
            for (
                var (parent, prose, text, link) = (_tree[i].Parent, _prose[i], _allText[i], _allLink[i]);
                parent >= 0;
                parent = _tree[parent].Parent
            )
            {
                _prose[parent] -= prose;
                _allText[parent] -= text;
                _allLink[parent] -= link;
            }
            i = _tree[i].End - 1;
        }
    }

    /// <summary>Where there is next to nothing besides comments, they are the page: a forum.</summary>
    private double CommentProse()
    {
        var prose = 0.0;
        for (var i = 1; i < _tree.Count; i++)
        {
            var tag = _tree[i].Tag;
            if (_dropped[i]) i = _tree[i].End - 1;
            else if (!_tree[i].IsText && tag is not (HtmlTag.Html or HtmlTag.Body or HtmlTag.Main) && IsComments(i))
            {
                prose += _prose[i];
                i = _tree[i].End - 1;
            }
        }
        return prose;
    }

    private bool IsComments(int node)
    {
        foreach (var attribute in _tree.Attributes(node))
            if (attribute.Name is AttributeName.Class or AttributeName.Id && PageHints.IsComments(_tree.Value(attribute))) return true;
        return false;
    }

    private bool IsHinted(int node, double total, bool commentsToo)
    {
        var small = _prose[node] <= 0.4 * total;
        var tag = _tree[node].Tag;
        if (small && tag is HtmlTag.Aside or HtmlTag.Footer or HtmlTag.FigCaption) return true;
        foreach (var attribute in _tree.Attributes(node))
        {
            if (attribute.Name is not (AttributeName.Class or AttributeName.Id)) continue;
            var value = _tree.Value(attribute);
            if (small && PageHints.IsBoilerplate(value)) return true;
            if (commentsToo && PageHints.IsComments(value)) return true;
        }
        return false;
    }

    private int Descend()
    {
        var at = 0;
        while (true)
        {
            var best = -1;
            for (var child = at + 1; child < _tree[at].End; child = _tree[child].End)
                if (!_dropped[child] && !_tree[child].IsText && (best < 0 || _prose[child] > _prose[best]))
                    best = child;
            if (best < 0 || _prose[best] < HoldsNearlyAll * _prose[at] || _prose[best] <= 0)
                return at;
            if (!HtmlTags.Is(_tree[best].Tag, TagTraits.Block) && _tree[best].Tag is not HtmlTag.Unknown && _tree[best].Tag != HtmlTag.Html)
                return at;
            if (
                _tree[best].Tag
                    is HtmlTag.P
                        or HtmlTag.Pre
                        or HtmlTag.Li
                        or HtmlTag.Ul
                        or HtmlTag.Ol
                        or HtmlTag.Blockquote
                        or HtmlTag.Dl
                        or HtmlTag.Dd
                        or HtmlTag.Table
                && !IsLayout(best)
            )
                return at;
            at = best;
        }
    }

    private bool IsLayout(int table)
    {
        for (var i = table + 1; i < _tree[table].End; i++)
            if (_tree[i].Tag is HtmlTag.Table or HtmlTag.P or HtmlTag.Div or HtmlTag.H1 or HtmlTag.H2) return true;
        return false;
    }

    /// <summary>Inside what was found: lists and blocks made of links, which lead elsewhere.</summary>
    private void Clean(int root)
    {
        for (var i = root + 1; i < _tree[root].End; i++)
        {
            if (_dropped[i])
            {
                i = _tree[i].End - 1;
                continue;
            }
            var tag = _tree[i].Tag;
            if (_tree[i].IsText || tag is HtmlTag.Pre || !HtmlTags.Is(tag, TagTraits.Block))
                continue;
            if (
                _prose[i] > 0.3 * _prose[root]
                || tag is HtmlTag.Td or HtmlTag.Th or HtmlTag.Tr or HtmlTag.TBody or (>= HtmlTag.H1 and <= HtmlTag.H6)
            )
                continue;
            if (_allLink[i] <= 0.6 * _allText[i] || _prose[i] > _allLink[i])
                continue;
            _dropped[i] = true;
            i = _tree[i].End - 1;
        }
    }
}
