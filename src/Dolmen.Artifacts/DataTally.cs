namespace Dolmen.Artifacts;

/// <summary>Counts the examples of an input while they are read. Not thread-safe.</summary>
public sealed class DataTally(string unit)
{
    private readonly OrderedDictionary<string, DataReason> _dropped = [], _cut = [], _noted = [];
    private long _read, _used;

    public long Used => _used;

    public void Read(long count = 1) => _read += count;

    public void Use(long count = 1) => _used += count;

    public void Drop(string reason, DataPlace first, long count = 1) => Add(_dropped, reason, first, count);

    public void Cut(string reason, DataPlace first, long count = 1) => Add(_cut, reason, first, count);

    public void Note(string reason, DataPlace first, long count = 1) => Add(_noted, reason, first, count);

    public DataCounts ToCounts() => new(unit, _read, _used, [.. _dropped.Values], [.. _cut.Values], [.. _noted.Values]);

    /// <exception cref="UserErrorException">Nothing is left to learn from.</exception>
    public DataCounts RequireSome(string path, string wayOut)
    {
        var counts = ToCounts();
        if (_read == 0) throw new UserErrorException($"{path} holds no {unit}: it is empty. {wayOut}");
        return _used > 0 ? counts : throw new UserErrorException($"nothing of {path} is left to learn from: {counts}. {wayOut}");
    }

    private static void Add(OrderedDictionary<string, DataReason> reasons, string reason, DataPlace first, long count)
    {
        if (count == 0)
            return;
        reasons[reason] = reasons.TryGetValue(reason, out var known)
            ? known with
            {
                Count = known.Count + count,
            }
            : new DataReason(reason, count, first.ToString());
    }
}
