using System.Buffers;
using System.Numerics;

namespace Dolmen.Data.Filters;

/// <summary>A set of hashes in a pooled array, for one document.</summary>
internal readonly ref struct SeenHashes
{
    private readonly ulong[] _slots;
    private readonly int _mask;

    public SeenHashes(int capacity)
    {
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(8, capacity * 2));
        _slots = ArrayPool<ulong>.Shared.Rent(size);
        _slots.AsSpan(0, size).Clear();
        _mask = size - 1;
    }

    /// <returns>False if it was there already.</returns>
    public bool Add(ulong hash)
    {
        if (hash == 0) hash = 1;
        var slot = (int)hash & _mask;
        while (_slots[slot] != 0)
        {
            if (_slots[slot] == hash) return false;
            slot = (slot + 1) & _mask;
        }
        _slots[slot] = hash;
        return true;
    }

    public void Dispose() => ArrayPool<ulong>.Shared.Return(_slots);
}
