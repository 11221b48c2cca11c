using System.Text;

namespace Dolmen.Tokenization.Oniguruma;

/// <summary>A set of code points as ranges in ascending order that neither overlap nor touch. Halves of surrogate pairs may lie in it: no
/// text holds them.</summary>
internal sealed class CodePointSet
{
    public const int End = 0x110000;

    private readonly int[] _bounds;              // first, one past the last, first, …

    private CodePointSet(int[] bounds) => _bounds = bounds;

    public static CodePointSet Empty { get; } = new([]);

    public static CodePointSet All { get; } = new([0, End]);

    /// <summary>The first of each range and the code point behind its last.</summary>
    public ReadOnlySpan<int> Bounds => _bounds;

    public bool IsEmpty => _bounds.Length == 0;

    public static CodePointSet Of(int codePoint) => new([codePoint, codePoint + 1]);

    public static CodePointSet Of(string characters) => Of(characters.EnumerateRunes().Select(rune => (rune.Value, rune.Value)));

    public static CodePointSet Range(int first, int last) => new([first, last + 1]);

    /// <param name="ranges">First and last, in any order; they may overlap.</param>
    public static CodePointSet Of(IEnumerable<(int First, int Last)> ranges)
    {
        var bounds = new List<int>();
        foreach (var (first, last) in ranges.OrderBy(range => range.First))
        {
            if (bounds.Count > 0 && first <= bounds[^1]) bounds[^1] = Math.Max(bounds[^1], last + 1);
            else bounds.AddRange([first, last + 1]);
        }
        return new CodePointSet([.. bounds]);
    }

    public static CodePointSet Where(Func<int, bool> holds)
    {
        var bounds = new List<int>();
        for (var point = 0; point < End; point++)
            if (holds(point) != (bounds.Count % 2 == 1)) bounds.Add(point);
        if (bounds.Count % 2 == 1) bounds.Add(End);
        return new CodePointSet([.. bounds]);
    }

    public bool Contains(int codePoint)
    {
        var at = Array.BinarySearch(_bounds, codePoint);
        return at >= 0 ? at % 2 == 0 : ~at % 2 == 1;
    }

    public CodePointSet Not()
    {
        var bounds = _bounds.AsSpan();
        int[] inner = [.. bounds.Length > 0 && bounds[0] == 0 ? bounds[1..] : [0, .. bounds]];
        return new CodePointSet(inner.Length > 0 && inner[^1] == End ? inner[..^1] : [.. inner, End]);
    }

    public CodePointSet Or(CodePointSet other) => IsEmpty ? other : other.IsEmpty ? this : Of(Ranges().Concat(other.Ranges()));

    public CodePointSet And(CodePointSet other) => Not().Or(other.Not()).Not();

    public IEnumerable<(int First, int Last)> Ranges()
    {
        for (var i = 0; i < _bounds.Length; i += 2) yield return (_bounds[i], _bounds[i + 1] - 1);
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var bound in _bounds) text.Append(bound.ToString("x", null)).Append(' ');
        return text.ToString();
    }
}
