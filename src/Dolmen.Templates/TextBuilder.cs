using System.Text;

namespace Dolmen.Templates;

/// <summary>A <see cref="Text"/> in the making.</summary>
internal sealed class TextBuilder(int capacity = 16)
{
    private readonly StringBuilder _value = new(capacity);
    private readonly List<Mark> _marks = [];

    public int Length => _value.Length;

    public void Append(string value, Origin origin = Origin.Template) => Append(value.AsSpan(), origin);

    public void Append(ReadOnlySpan<char> value, Origin origin = Origin.Template)
    {
        if (value.IsEmpty) return;
        Mark(origin);
        _value.Append(value);
    }

    public void Append(char value, Origin origin = Origin.Template) => Append([value], origin);

    public void Append(Text text, Origin more = Origin.Template) => Append(text, 0, text.Length, more);

    public void Append(Text text, int start, int length, Origin more = Origin.Template)
    {
        var marks = text.Marks;
        var end = start + length;
        for (var i = text.MarkAt(start); start < end; i++)
        {
            var to = i + 1 < marks.Length ? Math.Min(marks[i + 1].Start, end) : end;
            Append(text.Value.AsSpan(start, to - start), (i < 0 ? Origin.Template : marks[i].Origin) | more);
            start = to;
        }
    }

    public Text ToText() => new(_value.ToString(), [.. _marks]);

    private void Mark(Origin origin)
    {
        var last = _marks.Count == 0 ? Origin.Template : _marks[^1].Origin;
        if (origin != last) _marks.Add(new Mark(_value.Length, origin));
    }
}
