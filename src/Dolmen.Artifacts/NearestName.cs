namespace Dolmen.Artifacts;

/// <summary>The known name a typist most likely meant.</summary>
public static class NearestName
{
    /// <summary>Null when nothing is near: more than a third of the letters would have to change.</summary>
    public static string? Of(string typed, IEnumerable<string> known) => known
        // At least as many letters differ as one name is longer: nothing is computed for what may be a megabyte from the network.
        .Where(name => Math.Abs(typed.Length - name.Length) <= Most(typed, name))
        .Select(name => (Name: name, Distance: Distance(typed.ToLowerInvariant(), name.ToLowerInvariant())))
        .Where(candidate => candidate.Distance <= Most(typed, candidate.Name))
        .OrderBy(candidate => candidate.Distance).ThenBy(candidate => candidate.Name, StringComparer.Ordinal)
        .Select(candidate => candidate.Name).FirstOrDefault();

    private static int Most(string typed, string name) => Math.Max(1, Math.Max(typed.Length, name.Length) / 3);

    /// <summary>Letters to insert, delete, replace or swap with their neighbour (Damerau 1964, no part edited twice).</summary>
    private static int Distance(string a, string b)
    {
        var distances = new int[a.Length + 1, b.Length + 1];             // of the first i and j letters
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    distances[i, j] = i + j;
                    continue;
                }
                var least = Math.Min(Math.Min(distances[i, j - 1], distances[i - 1, j]) + 1,
                    distances[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) least = Math.Min(least, distances[i - 2, j - 2] + 1);
                distances[i, j] = least;
            }
        }
        return distances[a.Length, b.Length];
    }
}
