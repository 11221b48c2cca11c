using System.Numerics;

namespace Dolmen.Templates;

/// <summary>Equality and order as Python has them: numbers of all kinds compare, strings by code points, lists item by item.</summary>
internal static class Comparing
{
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    /// <param name="budget">Pays for it; not needed for keys, which are small.</param>
    public static bool AreEqual(object left, object right, Budget? budget)
    {
        if (ReferenceEquals(left, right)) return true;
        budget?.Enter();
        budget?.Step(left is Text text ? 1 + text.Length / 64 : 1);
        var equal = Same(left, right, budget);
        budget?.Leave();
        return equal;
    }

    private static bool Same(object left, object right, Budget? budget)
    {
        switch (left, right)
        {
            case (Text a, Text b): return a.Value == b.Value;
            case (Undefined, Undefined): return true;
            case (Sequence a, Sequence b):
                if (a.Kind != b.Kind || a.Items.Count != b.Items.Count) return false;
                for (var i = 0; i < a.Items.Count; i++)
                    if (!AreEqual(a.Items[i], b.Items[i], budget)) return false;
                return true;
            case (Dict a, Dict b):
                if (a.Count != b.Count) return false;
                foreach (var (key, value) in a.Entries)
                    if (!b.TryGet(key, out var other) || !AreEqual(value, other, budget)) return false;
                return true;
        }
        if (PythonNumber.Integer(left) is { } x && PythonNumber.Integer(right) is { } y) return x == y;
        return PythonNumber.Float(left) is { } u && PythonNumber.Float(right) is { } v && u == v;
    }

    /// <exception cref="TemplateException">Python has no order for the two.</exception>
    public static int Order(object left, object right, Budget budget, string sign = "<")
    {
        budget.Enter();
        budget.Step(left is Text text ? 1 + text.Length / 64 : 1);
        var order = OrderOf(left, right, budget, sign);
        budget.Leave();
        return order;
    }

    private static int OrderOf(object left, object right, Budget budget, string sign)
    {
        if (left is Text a && right is Text b) return OrderOf(a.Value, b.Value);
        if (left is Sequence { Kind: SequenceKind.List or SequenceKind.Tuple } s && right is Sequence t && s.Kind == t.Kind)
        {
            for (var i = 0; i < s.Items.Count && i < t.Items.Count; i++)
                if (!AreEqual(s.Items[i], t.Items[i], budget)) return Order(s.Items[i], t.Items[i], budget, sign);
            return s.Items.Count.CompareTo(t.Items.Count);
        }
        if (PythonNumber.Integer(left) is { } x && PythonNumber.Integer(right) is { } y) return x.CompareTo(y);
        if (PythonNumber.Float(left) is { } u && PythonNumber.Float(right) is { } v) return u.CompareTo(v);
        throw new TemplateException($"'{sign}' cannot compare {Python.Named(left)} with {Python.Named(right)}");
    }

    public static bool Contains(object container, object item, Rendering rendering)
    {
        switch (container)
        {
            case Text text:
                if (item is not Text part)
                    throw new TemplateException($"'in' looks in a string only for a string, not for {Python.Named(item)}");
                rendering.Budget.Search(text.Length, part.Length);
                return text.Value.Contains(part.Value, StringComparison.Ordinal);
            case Dict dict: return dict.TryGet(item, out _);
            default:
                foreach (var one in Python.Items(container))
                {
                    rendering.Budget.Step();
                    if (AreEqual(one, item, rendering.Budget)) return true;
                }
                return false;
        }
    }

    /// <summary>Orders by code points: a character beyond U+FFFF comes after all others, though its UTF-16 units do not.</summary>
    private static int OrderOf(string a, string b)
    {
        var i = a.AsSpan().CommonPrefixLength(b);
        if (i == a.Length || i == b.Length) return a.Length.CompareTo(b.Length);
        static int Rank(char c) => char.IsSurrogate(c) ? c + 0x10000 : c;
        return Rank(a[i]).CompareTo(Rank(b[i]));
    }
}
