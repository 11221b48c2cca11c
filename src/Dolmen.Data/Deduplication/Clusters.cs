using System.Runtime.InteropServices;
using Dolmen.Artifacts;
using Microsoft.Win32.SafeHandles;

namespace Dolmen.Data.Deduplication;

/// <summary>Connected components of duplicates among the documents that are kept. 12 bytes and 2 bits for each document.</summary>
internal sealed class Clusters : IDisposable
{
    private readonly int[] _parents;
    private readonly int[] _sizes;
    private readonly int[] _survivors;
    private readonly Bits _kept;
    private readonly SafeFileHandle _keys;

    private Clusters(DuplicatePairs pairs, Func<long, bool> kept, double minJaccard)
    {
        var count = (int)pairs.Documents;
        _keys = RegularFile.OpenHandle(pairs.KeyFile);
        _kept = new Bits(count);
        _parents = new int[count];
        for (var i = 0; i < count; i++)
        {
            _parents[i] = i;
            if (kept(i)) _kept.Set(i);
        }
        // Near pairs name one document of an exact group; it stands for the group as long as any of the group is kept, kept itself or not.
        var stands = new Bits(count);
        foreach (var (copy, one) in ItemFile.Read<Pair>(pairs.ExactFile))
        {
            Check(copy, one, pairs.ExactFile, count);
            if (!_kept[copy]) continue;
            stands.Set(one);
            Join((int)copy, (int)one);
        }
        foreach (var pair in ItemFile.Read<NearPair>(pairs.NearFile))
        {
            Check(pair.A, pair.B, pairs.NearFile, count);
            if (pair.Jaccard >= minJaccard && (_kept[pair.A] || stands[pair.A]) && (_kept[pair.B] || stands[pair.B]))
                Join((int)pair.A, (int)pair.B);
        }

        _sizes = new int[count];
        _survivors = new int[count];
        _survivors.AsSpan().Fill(-1);
        var ranks = new int[count];
        using (var file = RegularFile.OpenRead(pairs.RankFile)) file.ReadExactly(MemoryMarshal.AsBytes(ranks.AsSpan()));
        for (var i = 0; i < count; i++)
        {
            if (!_kept[i]) continue;
            var root = _parents[i] = Root(i);
            _sizes[root]++;
            if (_survivors[root] < 0 || ranks[i] < ranks[_survivors[root]]) _survivors[root] = i;
        }
    }

    private static void Check(long a, long b, string file, int count)
    {
        if ((ulong)a >= (ulong)count || (ulong)b >= (ulong)count)
            throw new UserErrorException(
                $"{file} pairs document {a} with {b}, and there are {count}: it is damaged or of another corpus. Restore it, or build the "
                    + $"corpus again."
            );
    }

    /// <param name="kept">Whether the filters keep a document; asked once for each ordinal, in order.</param>
    /// <param name="minJaccard">Raises the threshold the pairs were found with; a lower one finds nothing more.</param>
    public static Clusters Of(DuplicatePairs pairs, Func<long, bool> kept, double minJaccard = 0) => new(pairs, kept, minJaccard);

    /// <summary>Kept documents in its cluster; 0 for a document that is not kept.</summary>
    public int SizeOf(long ordinal) => _kept[ordinal] ? _sizes[Root((int)ordinal)] : 0;

    /// <summary>The document of its cluster that stays; −1 for a document that is not kept.</summary>
    public long SurvivorOf(long ordinal) => _kept[ordinal] ? _survivors[Root((int)ordinal)] : -1;

    /// <summary>The hash of the survivor's id: the same however the input was ordered. 0 for a document that is not kept.</summary>
    public ulong IdOf(long ordinal) => SurvivorOf(ordinal) < 0 ? 0 : KeyOf(ordinal).IdHash;

    /// <summary>The survivor's key.</summary>
    public PriorityKey KeyOf(long ordinal)
    {
        PriorityKey key = default;
        RandomAccess.Read(_keys, MemoryMarshal.AsBytes(new Span<PriorityKey>(ref key)), SurvivorOf(ordinal) * 16);
        return key;
    }

    // The smaller ordinal becomes the root and paths are halved: which root it is never shows.
    private void Join(int a, int b)
    {
        a = Root(a);
        b = Root(b);
        if (a < b) _parents[b] = a;
        else _parents[a] = b;
    }

    private int Root(int i)
    {
        while (_parents[i] != i) i = _parents[i] = _parents[_parents[i]];
        return i;
    }

    public void Dispose() => _keys.Dispose();
}
