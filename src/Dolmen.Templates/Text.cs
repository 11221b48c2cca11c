namespace Dolmen.Templates;

/// <summary>A string that knows where its pieces come from. Every operation on it keeps that.</summary>
public sealed class Text
{
    public static readonly Text Empty = new("");

    private readonly Mark[] _marks;

    public Text(string value, Origin origin = Origin.Template) : this(value, origin == Origin.Template ? [] : [new Mark(0, origin)]) { }

    /// <param name="value">The characters.</param>
    /// <param name="marks">In order; before the first of them everything is the template's.</param>
    internal Text(string value, Mark[] marks) => (Value, _marks) = (value, marks);

    public string Value { get; }

    public int Length => Value.Length;

    public ReadOnlySpan<Mark> Marks => _marks;

    /// <summary>The origin of all pieces together.</summary>
    public Origin Origin
    {
        get
        {
            var all = Origin.Template;
            foreach (var mark in _marks) all |= mark.Origin;
            return all;
        }
    }

    /// <summary>The mark that a character stands under; −1 before the first.</summary>
    internal int MarkAt(int index)
    {
        var (low, high) = (0, _marks.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_marks[middle].Start <= index) low = middle + 1;
            else high = middle;
        }
        return low - 1;
    }

    public override string ToString() => Value;

    /// <summary>Another string made from this one as a whole.</summary>
    public Text Derive(string value) => value == Value ? this
        : value.Length == Value.Length ? new Text(value, _marks) : new Text(value, Origin);

    public Text Slice(int start, int length)
    {
        if (length == 0) return Empty;
        if (start == 0 && length == Length) return this;
        var value = Value.Substring(start, length);
        if (_marks.Length == 0) return new Text(value);
        var builder = new TextBuilder(length);
        builder.Append(this, start, length);
        return builder.ToText();
    }

    public Text Slice(int start) => Slice(start, Length - start);

    public static Text Concat(Text left, Text right)
    {
        if (left.Length == 0) return right;
        if (right.Length == 0) return left;
        if (left._marks.Length + right._marks.Length == 0) return new Text(left.Value + right.Value);
        var builder = new TextBuilder(left.Length + right.Length);
        builder.Append(left);
        builder.Append(right);
        return builder.ToText();
    }
}
