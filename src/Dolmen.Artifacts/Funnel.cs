using System.Text.Json.Serialization;

namespace Dolmen.Artifacts;

/// <summary>A record that could not be read, or the first with a flaw.</summary>
/// <param name="Offset">Of the record, or of the compressed member it is in, in the file as stored; of text files and tables the line or
/// row; 0 for the file itself.</param>
/// <param name="Detail">What is wrong in a sentence, for the first of its reason and where more is known.</param>
public readonly record struct BrokenRecord(
    string File, long Offset, string Reason, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Detail = null);

/// <summary>Counts what was read, what was dropped and why, and what was kept in spite of a flaw. May be shared by threads; what it
/// holds in the end does not depend on their order.</summary>
public sealed class Funnel
{
    private const int MaxBroken = 64;

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, long> _dropped = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, long> _noted = new(StringComparer.Ordinal);
    private readonly SortedSet<BrokenRecord> _broken = new(Comparer<BrokenRecord>.Create(InFileOrder));

    /// <summary>The counts as they are now.</summary>
    public IReadOnlyDictionary<string, long> Dropped => Copy(_dropped);

    public IReadOnlyDictionary<string, long> Noted => Copy(_noted);

    /// <summary>The first records that could not be read, in the order of their files and places; <see cref="Dropped"/> counts all of
    /// them.</summary>
    public IReadOnlyList<BrokenRecord> Broken
    {
        get
        {
            lock (_gate) return [.. _broken];
        }
    }

    public void Drop(string reason, long count = 1)
    {
        lock (_gate) _dropped[reason] = _dropped.GetValueOrDefault(reason) + count;
    }

    public void Note(string what, long count = 1)
    {
        lock (_gate) _noted[what] = _noted.GetValueOrDefault(what) + count;
    }

    /// <summary>Counts something dropped, and keeps the place of the first that was dropped for that reason.</summary>
    public void Drop(string reason, string file, long place) => CountFirst(_dropped, reason, file, place);

    /// <summary>Counts a flaw that was borne, and keeps the place of the first of its kind.</summary>
    public void Note(string what, string file, long place) => CountFirst(_noted, what, file, place);

    /// <summary>Counts a record that could not be read as dropped for <paramref name="reason"/>, and says where it lies.</summary>
    /// <param name="explain">What is wrong with it in a sentence; asked only for the first record of that reason.</param>
    public void Break(string file, long offset, string reason, Func<string>? explain = null)
    {
        lock (_gate)
        {
            var detail = _dropped.ContainsKey(reason) ? null : explain?.Invoke();
            Keep(new BrokenRecord(file, offset, reason, detail));
        }
        Drop(reason);
    }

    private void CountFirst(SortedDictionary<string, long> counts, string what, string file, long place)
    {
        lock (_gate)
        {
            if (!counts.ContainsKey(what)) Keep(new BrokenRecord(file, place, what));
            counts[what] = counts.GetValueOrDefault(what) + 1;
        }
    }

    public void Add(Funnel other)
    {
        foreach (var (reason, count) in other.Dropped) Drop(reason, count);
        foreach (var (what, count) in other.Noted) Note(what, count);
        var broken = other.Broken;
        lock (_gate)
            foreach (var record in broken) Keep(record);
    }

    /// <summary>Says where a record lies that was counted before.</summary>
    public void Recall(BrokenRecord record)
    {
        lock (_gate) Keep(record);
    }

    private void Keep(BrokenRecord record)
    {
        _broken.Add(record);
        if (_broken.Count > MaxBroken) _broken.Remove(_broken.Max);
    }

    private SortedDictionary<string, long> Copy(SortedDictionary<string, long> counts)
    {
        lock (_gate) return new(counts, StringComparer.Ordinal);
    }

    private static int InFileOrder(BrokenRecord a, BrokenRecord b)
    {
        var order = string.CompareOrdinal(a.File, b.File);
        if (order == 0) order = a.Offset.CompareTo(b.Offset);
        return order != 0 ? order : string.CompareOrdinal(a.Reason, b.Reason);
    }
}
