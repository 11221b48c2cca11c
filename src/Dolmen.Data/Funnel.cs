namespace Dolmen.Data;

/// <summary>Counts what was read, what was dropped and why, and what was kept in spite of a flaw.</summary>
public sealed class Funnel
{
    private readonly SortedDictionary<string, long> _dropped = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, long> _noted = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, long> Dropped => _dropped;

    public IReadOnlyDictionary<string, long> Noted => _noted;

    public void Drop(string reason, long count = 1) => _dropped[reason] = _dropped.GetValueOrDefault(reason) + count;

    public void Note(string what, long count = 1) => _noted[what] = _noted.GetValueOrDefault(what) + count;
}
