using Dolmen.Data.Filters;

namespace Dolmen.Data.Reports;

/// <summary>A line of a text before lines were dropped, and what is left of it.</summary>
/// <param name="After">Null for a line that was dropped.</param>
public readonly record struct LinePair(string Before, string? After);

/// <summary>A text side by side with what its filters left of it. Filters drop lines and take marks out of lines; they add and move
/// none.</summary>
public static class LinePairs
{
    public static IReadOnlyList<LinePair> Of(string before, string after)
    {
        var left = after.Split('\n');
        var next = 0;
        var pairs = new List<LinePair>();
        foreach (var line in before.Split('\n'))
        {
            if (next < left.Length && (Same(line, left[next]) || Same(Citations.Strip(line), left[next])))
                pairs.Add(new(line, left[next++]));
            else
                pairs.Add(new(line, null));
        }
        return pairs;
    }

    private static bool Same(string a, string b) => a.AsSpan().Trim().SequenceEqual(b.AsSpan().Trim());
}
