using System.Buffers;

namespace Dolmen.Tokenization;

/// <summary><paramref name="Left"/> and <paramref name="Right"/> side by side become <paramref name="Result"/>.</summary>
public readonly record struct BpeMerge(int Left, int Right, int Result);

/// <summary>The merges by their pair, and their application: always the lowest rank first, leftmost among equals.</summary>
internal sealed class MergeTable
{
    /// <summary>Up to this many symbols a scan for the best pair beats a heap.</summary>
    private const int ScanLength = 48;

    private const ulong Empty = ulong.MaxValue;
    private const int NoMerge = int.MaxValue;

    private readonly int[] _results;             // by rank
    private readonly ulong[] _pairs;             // open addressing, linear probing, at most half full
    private readonly int[] _ranks;
    private readonly int _shift;

    /// <param name="merges">The rank of a merge is its place here.</param>
    /// <param name="byResult">Neighbours here that give the same token have the same rank: where a vocabulary says how good a token is
    /// and not which merge is.</param>
    public MergeTable(BpeMerge[] merges, bool byResult = false)
    {
        _results = Array.ConvertAll(merges, merge => merge.Result);
        var bits = 4;
        while (1 << bits < merges.Length * 2) bits++;
        _shift = 64 - bits;
        _pairs = new ulong[1 << bits];
        _ranks = new int[1 << bits];
        Array.Fill(_pairs, Empty);
        var previous = 0;
        for (var rank = 0; rank < merges.Length; rank++)
        {
            var slot = Slot(Pair(merges[rank].Left, merges[rank].Right));
            _pairs[slot] = Pair(merges[rank].Left, merges[rank].Right);
            _ranks[slot] = byResult && rank > 0 && _results[rank - 1] == _results[rank] ? previous : rank;
            previous = _ranks[slot];
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
            symbols[best] = _results[ranks[best]];
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
            var (rank, right) = ((int)(priority >> 32), next[at]);
            if (symbols[at] == Gone || right == length || Rank(symbols[at], symbols[right]) != rank) continue;
            var result = _results[rank];
            symbols[at] = result;
            symbols[right] = Gone;
            next[at] = next[right];
            if (next[at] < length)
            {
                previous[next[at]] = at;
                if (Rank(result, symbols[next[at]]) is var after and < NoMerge) candidates.Enqueue(at, Pair(after, at));
            }
            if (previous[at] is var left and >= 0 && Rank(symbols[left], result) is var before and < NoMerge)
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
