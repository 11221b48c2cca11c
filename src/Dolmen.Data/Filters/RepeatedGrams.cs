using System.Buffers;
using System.Numerics;

namespace Dolmen.Data.Filters;

/// <summary>Characters in the most frequent 2- to 4-grams and in repeated 5- to 10-grams of words, as datatrove's find_top_duplicate and
/// find_all_duplicate count them, in one climb: an n-gram can only repeat where both (n-1)-grams in it do, so that past pairs little of
/// a text is looked at again. Grams are told apart by hash, so "ab c" is not "a bc".
/// Beyond <see cref="MaxWords"/> words a text is not looked at: such texts are too long for any rule, and memory stays bounded.</summary>
internal static class RepeatedGrams
{
    public const int MaxWords = 1 << 20, Sizes = 9;

    private struct Slot
    {
        public ulong Hash;
        public int Count;
        public int First;
    }

    /// <param name="chars">Characters for n = 2 to 10; NaN where the text has no n-gram at all.</param>
    public static void Count(ReadOnlySpan<Word> words, Span<double> chars)
    {
        if (words.Length > MaxWords) words = words[..MaxWords];
        chars.Fill(double.NaN);
        var count = words.Length - 1;
        if (count <= 0) return;
        var positions = ArrayPool<int>.Shared.Rent(count);
        var hashes = ArrayPool<ulong>.Shared.Rent(count);
        var places = ArrayPool<int>.Shared.Rent(count);
        count = Pairs(words, positions, hashes);
        for (var n = 2; n <= 10 && words.Length >= n; n++)
        {
            var repeated = Repeated(positions.AsSpan(0, count), hashes, places, words, n, ref chars[n - 2]);
            // An n-gram and the next one make an (n+1)-gram.
            count = 0;
            for (var index = 0; index + 1 < repeated; index++)
            {
                var at = positions[index];
                if (positions[index + 1] != at + 1) continue;
                positions[count] = at;
                hashes[count++] = TextHash.Append(hashes[index], words[at + n].Hash);
            }
        }
        ArrayPool<int>.Shared.Return(positions);
        ArrayPool<ulong>.Shared.Return(hashes);
        ArrayPool<int>.Shared.Return(places);
    }

    /// <summary>The pairs that may occur twice, by two bits for each of their hashes' places: most pairs of a text occur once.</summary>
    private static int Pairs(ReadOnlySpan<Word> words, int[] positions, ulong[] hashes)
    {
        var count = words.Length - 1;
        var bits = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(64, count * 8));
        var half = bits / 64;
        var seen = ArrayPool<ulong>.Shared.Rent(half * 2);
        seen.AsSpan(0, half * 2).Clear();
        var once = seen.AsSpan(0, half);
        var twice = seen.AsSpan(half, half);
        var mask = (uint)bits - 1;
        var before = words[0].Hash;
        for (var index = 0; index < count; index++)
        {
            var next = words[index + 1].Hash;
            var hash = TextHash.Append(before, next);
            before = next;
            hashes[index] = hash;
            var place = (uint)hash & mask;
            var bit = 1ul << (int)(place & 63);
            ref var word = ref once[(int)(place >> 6)];
            twice[(int)(place >> 6)] |= word & bit;
            word |= bit;
        }
        var kept = 0;
        for (var index = 0; index < count; index++)
        {
            var hash = hashes[index];
            var place = (uint)hash & mask;
            positions[kept] = index;
            hashes[kept] = hash;
            // Not a branch: it could not be foretold.
            kept += (int)(twice[(int)(place >> 6)] >> (int)(place & 63)) & 1;
        }
        ArrayPool<ulong>.Shared.Return(seen);
        return kept;
    }

    /// <summary>Leaves in front those that occur more than once, and counts.</summary>
    private static int Repeated(Span<int> positions, ulong[] hashes, int[] places, ReadOnlySpan<Word> words, int n, ref double chars)
    {
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(8, positions.Length * 2));
        var table = ArrayPool<Slot>.Shared.Rent(size);
        table.AsSpan(0, size).Clear();
        for (var index = 0; index < positions.Length; index++)
        {
            var hash = hashes[index];
            var place = (int)(hash >> 32) & (size - 1);
            while (table[place].Count > 0 && table[place].Hash != hash) place = (place + 1) & (size - 1);
            ref var slot = ref table[place];
            if (slot.Count++ == 0) (slot.Hash, slot.First) = (hash, positions[index]);
            places[index] = place;
        }
        var kept = 0;
        // Where nothing repeats the first n-gram is the most frequent.
        int most = 1, top = 0, free = 0;
        long doubled = 0;
        for (var index = 0; index < positions.Length; index++)
        {
            ref var slot = ref table[places[index]];
            if (slot.Count < 2) continue;
            var at = positions[index];
            if (slot.Count > most) (most, top) = (slot.Count, at);
            if (n >= 5 && at >= free)
            {
                if (slot.First < 0)
                {
                    doubled += Length(words, at, n);
                    free = at + n;
                }
                slot.First = -1;
            }
            positions[kept] = at;
            hashes[kept++] = hashes[index];
        }
        ArrayPool<Slot>.Shared.Return(table);
        chars = n >= 5 ? doubled : (double)most * (Length(words, top, n) + n - 1);
        return kept;
    }

    private static long Length(ReadOnlySpan<Word> words, int at, int n)
    {
        long sum = 0;
        foreach (ref readonly var word in words.Slice(at, n)) sum += word.Length;
        return sum;
    }
}
