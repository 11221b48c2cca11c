using System.Runtime.CompilerServices;

namespace Dolmen.Tokenization;

/// <summary>Adjacent tokens that occur, by number: how often, how much that weighs, and where.</summary>
internal sealed class PairTable
{
    public struct Pair
    {
        public ulong Key;

        /// <summary>What pairs are ranked by: occurrences, or the weight of them.</summary>
        public long Weight;

        public long Count;

        /// <summary>Where the left token begins, ascending; a place may have lost the pair since.</summary>
        public Memory<int> Places;
    }

    private int[] _slots = new int[1 << 12];     // a pair's number and 1; 0 is free; at most half full
    private Pair[] _pairs = new Pair[1 << 11];

    public int Count { get; private set; }

    public ref Pair this[int number] => ref _pairs[number];

    /// <summary>-1 where the pair was never seen.</summary>
    public int Find(ulong key)
    {
        for (var slot = Slot(key); _slots[slot] != 0; slot = (slot + 1) & (_slots.Length - 1))
            if (_pairs[_slots[slot] - 1].Key == key) return _slots[slot] - 1;
        return -1;
    }

    public int FindOrAdd(ulong key)
    {
        var slot = Slot(key);
        for (; _slots[slot] != 0; slot = (slot + 1) & (_slots.Length - 1))
            if (_pairs[_slots[slot] - 1].Key == key) return _slots[slot] - 1;
        if (Count == _pairs.Length)
        {
            Grow();
            return FindOrAdd(key);
        }
        _pairs[Count].Key = key;
        _slots[slot] = ++Count;
        return Count - 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Slot(ulong key) => (int)(unchecked(key * 0x9E3779B97F4A7C15) >> 32) & (_slots.Length - 1);

    private void Grow()
    {
        Array.Resize(ref _pairs, _pairs.Length * 2);
        _slots = new int[_slots.Length * 2];
        for (var i = 0; i < Count; i++)
        {
            var slot = Slot(_pairs[i].Key);
            while (_slots[slot] != 0) slot = (slot + 1) & (_slots.Length - 1);
            _slots[slot] = i + 1;
        }
    }
}
