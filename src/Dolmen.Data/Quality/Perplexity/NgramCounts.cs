namespace Dolmen.Data.Quality.Perplexity;

/// <summary>Counts of n-grams of one order by key, each with a place where it ends: from there its parts can be read again.</summary>
internal sealed class NgramCounts
{
    private const int MinCapacity = 1 << 12;

    private ulong[] _keys = new ulong[MinCapacity];
    private int[] _counts = new int[MinCapacity];
    private int[] _ends = new int[MinCapacity];

    public int Count { get; private set; }

    public int Capacity => _keys.Length;

    public bool[] Kept { get; private set; } = [];

    /// <summary>The count at a slot, 0 for an empty one.</summary>
    public int CountAt(int slot) => _counts[slot];

    public int EndAt(int slot) => _ends[slot];

    public ulong KeyAt(int slot) => _keys[slot];

    public void Add(ulong key, int end, int count = 1)
    {
        var slot = Slot(key);
        if (_counts[slot] == 0)
        {
            if (Count + 1 > Capacity / 10 * 7)
            {
                Grow();
                slot = Slot(key);
            }
            (_keys[slot], _ends[slot]) = (key, end);
            Count++;
        }
        _counts[slot] += count;
    }

    /// <returns>Its slot, or -1.</returns>
    public int Find(ulong key)
    {
        var slot = Slot(key);
        return _counts[slot] == 0 ? -1 : slot;
    }

    /// <summary>Once all is counted: which to keep is asked after that.</summary>
    public void Close() => Kept = new bool[Capacity];

    private int Slot(ulong key)
    {
        var mask = _keys.Length - 1;
        var at = (int)((key >> 20) & (ulong)mask);
        while (_counts[at] != 0 && _keys[at] != key) at = (at + 1) & mask;
        return at;
    }

    private void Grow()
    {
        var (keys, counts, ends) = (_keys, _counts, _ends);
        (_keys, _counts, _ends) = (new ulong[keys.Length * 2], new int[keys.Length * 2], new int[keys.Length * 2]);
        for (var i = 0; i < keys.Length; i++)
        {
            if (counts[i] == 0) continue;
            var slot = Slot(keys[i]);
            (_keys[slot], _counts[slot], _ends[slot]) = (keys[i], counts[i], ends[i]);
        }
    }
}
