namespace Dolmen.Web.Extraction;

/// <summary>An element, or a text when <see cref="Tag"/> is <see cref="HtmlTag.Unknown"/> and <see cref="IsText"/> is set.</summary>
internal struct HtmlNode
{
    public int Parent;
    /// <summary>The first node after all that this one holds: nodes lie in document order.</summary>
    public int End;
    /// <summary>A text's place in the page; for a raw element its content's.</summary>
    public int Start;
    public int Length;
    public int FirstAttribute;
    public byte AttributeCount;
    public HtmlTag Tag;
    public bool IsText;
    public bool InLink;
    /// <summary>CDATA: entities stand for themselves.</summary>
    public bool Verbatim;
}

/// <summary>A page as an array of nodes in document order, without copies of its text. Elements that only format, and carry no attribute
/// that matters, leave no node.</summary>
internal sealed class HtmlTree(string html)
{
    /// <summary>Nodes past this are not read: more than any page of words has, and what a worker may spend on a page.</summary>
    public const int MaxNodes = 1 << 21;

    private HtmlNode[] _nodes = new HtmlNode[Math.Clamp(html.Length / 40, 64, 1 << 18)];
    private HtmlAttribute[] _attributes = new HtmlAttribute[Math.Clamp(html.Length / 60, 64, 1 << 18)];
    private int _attributeCount;

    public string Html { get; } = html;

    public int Count { get; private set; }

    public ref HtmlNode this[int node] => ref _nodes[node];

    public Span<HtmlNode> Nodes => _nodes.AsSpan(0, Count);

    public int Add(HtmlNode node)
    {
        if (Count == _nodes.Length) Array.Resize(ref _nodes, 2 * Count);
        _nodes[Count] = node;
        return Count++;
    }

    public void AddAttributes(int node, ReadOnlySpan<HtmlAttribute> attributes)
    {
        if (_attributeCount + attributes.Length > _attributes.Length)
            Array.Resize(ref _attributes, Math.Max(2 * _attributes.Length, _attributeCount + attributes.Length));
        attributes.CopyTo(_attributes.AsSpan(_attributeCount));
        (_nodes[node].FirstAttribute, _nodes[node].AttributeCount) = (_attributeCount, (byte)attributes.Length);
        _attributeCount += attributes.Length;
    }

    public ReadOnlySpan<HtmlAttribute> Attributes(int node) => _attributes.AsSpan(_nodes[node].FirstAttribute, _nodes[node].AttributeCount);

    public ReadOnlySpan<char> Value(HtmlAttribute attribute) => Html.AsSpan(attribute.Start, attribute.Length);

    public bool TryAttribute(int node, AttributeName name, out ReadOnlySpan<char> value)
    {
        foreach (var attribute in Attributes(node))
        {
            if (attribute.Name != name) continue;
            value = Value(attribute);
            return true;
        }
        value = default;
        return false;
    }

    /// <summary>An attribute's value with its entities decoded; empty when it has none.</summary>
    public string Attribute(int node, AttributeName name) =>
        TryAttribute(node, name, out var value) ? HtmlEntities.Decode(value).Trim() : "";

    public ReadOnlySpan<char> Source(int node) => Html.AsSpan(_nodes[node].Start, _nodes[node].Length);
}
