namespace Dolmen.Data.Alignment;

/// <summary>Which of many strings occur anywhere in many texts: a rolling hash of the opening characters (Karp and Rabin 1987), then a
/// comparison.</summary>
internal static class TextSearch
{
    private const ulong Factor = 0x100000001B3;

    public static HashSet<string> Occurring(IEnumerable<string> needles, IEnumerable<string> texts)
    {
        var missing = new HashSet<string>(needles.Where(n => n.Length > 0), StringComparer.Ordinal);
        var found = new HashSet<string>(StringComparer.Ordinal);
        if (missing.Count == 0) return found;
        var window = missing.Min(n => n.Length);
        var byHash = missing.GroupBy(n => Hash(n.AsSpan(0, window))).ToDictionary(g => g.Key, g => g.ToList());
        ulong leaving = 1;
        for (var i = 1; i < window; i++) leaving = unchecked(leaving * Factor);
        foreach (var text in texts)
        {
            if (text.Length < window) continue;
            var hash = Hash(text.AsSpan(0, window));
            for (var start = 0; ; start++)
            {
                if (byHash.TryGetValue(hash, out var candidates))
                    foreach (var needle in candidates)
                        if (text.AsSpan(start).StartsWith(needle)) found.Add(needle);
                if (start + window >= text.Length) break;
                hash = unchecked((hash - (text[start] * leaving)) * Factor + text[start + window]);
            }
        }
        return found;
    }

    private static ulong Hash(ReadOnlySpan<char> text)
    {
        ulong hash = 0;
        foreach (var c in text) hash = unchecked(hash * Factor + c);
        return hash;
    }
}
