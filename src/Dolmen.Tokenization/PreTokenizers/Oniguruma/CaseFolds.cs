using System.Text;

namespace Dolmen.Tokenization.Oniguruma;

/// <summary>Which characters are the same where case is ignored.</summary>
internal static class CaseFolds
{
    /// <summary>Ligatures and sharp s with the letters that Oniguruma takes for them, and they for it, where case is ignored.</summary>
    public static readonly (string Letters, string Characters)[] Multiple =
        [("ffi", "ﬃ"), ("ffl", "ﬄ"), ("ff", "ﬀ"), ("fi", "ﬁ"), ("fl", "ﬂ"), ("ss", "ßẞ"), ("st", "ﬅﬆ")];

    private static readonly Lazy<Dictionary<int, int[]>> Groups = new(Read);

    /// <summary>The set with every character that is the same as one in it.</summary>
    public static CodePointSet Close(CodePointSet set)
    {
        var more = new List<(int, int)>();
        foreach (var (point, group) in Groups.Value)
        {
            if (!set.Contains(point)) continue;
            foreach (var other in group) more.Add((other, other));
        }
        return more.Count == 0 ? set : set.Or(CodePointSet.Of(more));
    }

    private static Dictionary<int, int[]> Read()
    {
        var byFold = new Dictionary<int, List<int>>();
        for (var point = 0; point < 0x1F000; point++)
        {
            if (!Rune.TryCreate(point, out var rune)) continue;
            var fold = Fold(rune);
            if (fold.Value == point && Rune.ToUpperInvariant(rune).Value == point) continue;
            (byFold.TryGetValue(fold.Value, out var group) ? group : byFold[fold.Value] = [fold.Value]).Add(point);
        }
        var groups = new Dictionary<int, int[]>();
        foreach (var group in byFold.Values)
        {
            int[] members = [.. group.Distinct()];
            foreach (var member in members) groups[member] = members;
        }
        return groups;
    }

    // .NET's invariant rules keep the long s apart from s.
    private static Rune Fold(Rune rune) => rune.Value == 'ſ'
        ? new Rune('s')
        : Rune.ToLowerInvariant(Rune.ToUpperInvariant(Rune.ToLowerInvariant(rune)));
}
