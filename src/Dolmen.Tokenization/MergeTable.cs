using System.Buffers;

namespace Dolmen.Tokenization;

/// <summary><paramref name="Left"/> and <paramref name="Right"/> side by side become <paramref name="Result"/>.</summary>
public readonly record struct BpeMerge(int Left, int Right, int Result);

/// <summary>The merges by their pair, and their application: always the earliest learned merge first, leftmost among equals.</summary>
internal sealed class MergeTable
{
    /// <summary>Up to this many symbols a scan for the best pair beats a heap.</summary>
    private const int ScanLength = 48;

    private const ulong Empty = ulong.MaxValue;
    private const int NoMerge = int.MaxValue;

    private readonly BpeMerge[] _merges;
    private readonly ulong[] _pairs;             // open addressing, linear probing, at most half full
    private readonly int[] _ranks;
    private readonly int _shift;

    public MergeTable(BpeMerge[] merges)
    {
        _merges = merges;
        var bits = 4;
        while (1 << bits < merges.Length * 2) bits++;
        _shift = 64 - bits;
        _pairs = new ulong[1 << bits];
        _ranks = new int[1 << bits];
        Array.Fill(_pairs, Empty);
        for (var rank = 0; rank < merges.Length; rank++)
        {
            var slot = Slot(Pair(merges[rank].Left, merges[rank].Right));
            _pairs[slot] = Pair(merges[rank].Left, merges[rank].Right);
            _ranks[slot] = rank;
        }
    }

    public static ulong Pair(int left, int right) => (ulong)(uint)left << 32 | (uint)right;

    /// <summary>Merges in place; the first symbols, as many as returned, are the tokens.</summary>
    public int Apply(Span<int> symbols) => symbols.Length <= ScanLength ? Scan(symbols) : Heap(symbols);

    private int Scan(Span<int> symbols)
    {
        var count = symbols.Length;
        Span<int> ranks = stackalloc int[ScanLength];                    // ranks[i]: merge of symbols i and i + 1
        for (var i = 0; i < count - 1; i++) ranks[i] = Rank(symbols[i], symbols[i + 1]);
        while (count > 1)
        {
            var best = 0;
            for (var i = 1; i < count - 1; i++) if (ranks[i] < ranks[best]) best = i;
            if (ranks[best] == NoMerge) break;
            symbols[best] = _merges[ranks[best]].Result;
            symbols[(best + 2)..count].CopyTo(symbols[(best + 1)..]);
            ranks[(best + 1)..(count - 1)].CopyTo(ranks[best..]);
            count--;
            if (best > 0) ranks[best - 1] = Rank(symbols[best - 1], symbols[best]);
            if (best < count - 1) ranks[best] = Rank(symbols[best], symbols[best + 1]);
        }
        return count;
    }

    /// <summary>Symbols as a linked list, candidate pairs in a heap; outdated candidates are recognised when they come up.</summary>
    private int Heap(Span<int> symbols)
    {
        const int Gone = -1;
        var length = symbols.Length;
        var rented = ArrayPool<int>.Shared.Rent(2 * length);
        var next = rented.AsSpan(0, length);
        var previous = rented.AsSpan(length, length);
        var candidates = new PriorityQueue<int, ulong>(length);          // position, by rank and then position
        for (var i = 0; i < length; i++)
        {
            previous[i] = i - 1;
            next[i] = i + 1;
            if (i + 1 < length && Rank(symbols[i], symbols[i + 1]) is var rank and < NoMerge) candidates.Enqueue(i, Pair(rank, i));
        }
        while (candidates.TryDequeue(out var at, out var priority))
        {
            var merge = _merges[(int)(priority >> 32)];
            var right = next[at];
            if (symbols[at] != merge.Left || right == length || symbols[right] != merge.Right) continue;
            symbols[at] = merge.Result;
            symbols[right] = Gone;
            next[at] = next[right];
            if (next[at] < length)
            {
                previous[next[at]] = at;
                if (Rank(merge.Result, symbols[next[at]]) is var after and < NoMerge) candidates.Enqueue(at, Pair(after, at));
            }
            if (previous[at] is var left and >= 0 && Rank(symbols[left], merge.Result) is var before and < NoMerge)
                candidates.Enqueue(left, Pair(before, left));
        }
        var count = 0;
        for (var i = 0; i < length; i = next[i]) symbols[count++] = symbols[i];
        ArrayPool<int>.Shared.Return(rented);
        return count;
    }

    private int Rank(int left, int right)
    {
        var pair = Pair(left, right);
        var slot = Slot(pair);
        return _pairs[slot] == pair ? _ranks[slot] : NoMerge;
    }

    /// <summary>Where the pair lies, or the free slot where it would.</summary>
    private int Slot(ulong pair)
    {
        var slot = (int)(unchecked(pair * 0x9E3779B97F4A7C15) >> _shift);
        while (_pairs[slot] != pair && _pairs[slot] != Empty) slot = (slot + 1) & (_pairs.Length - 1);
        return slot;
    }
}
