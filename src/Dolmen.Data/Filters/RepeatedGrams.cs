using System.Buffers;
using System.Numerics;

namespace Dolmen.Data.Filters;

/// <summary>Characters in the most frequent 2- to 4-grams and in repeated 5- to 10-grams of words, as datatrove's find_top_duplicate and
/// find_all_duplicate count them. Places that share a pair of words are gathered once; each such group is then split by the pair that
/// follows, level by level, as far as its members stay together: most groups are two places, which are simply read side by side.
/// Pairs are told apart by hash, so "ab c" is not "a bc".
/// Beyond <see cref="MaxWords"/> words a text is not looked at: such texts are too long for any rule, and memory stays bounded.</summary>
internal ref struct RepeatedGrams
{
    public const int MaxWords = 1 << 20, Sizes = Longest - 1;

    private const int Longest = 10, FirstDoubled = 5, DoubledSizes = Longest - FirstDoubled + 1;
    private const int Alone = -1;

    private readonly ReadOnlySpan<Word> _words;

    /// <summary>For each pair of words, by its place, the number of the repeated pair that it is.</summary>
    private Span<int> _pairs;

    /// <summary>For each place, the words of the longest n-gram there that repeats.</summary>
    private Span<byte> _reach;

    /// <summary>Index of the first occurrence of the n-gram that starts at each place, bitwise-complemented once counted.</summary>
    private Span<int> _firsts;

    /// <summary>Of n = 2 to 4: how often the most frequent n-gram occurs and where first. Where nothing repeats, it is the first of
    /// all.</summary>
    private readonly Span<(int Times, int First)> _most;

    private RepeatedGrams(ReadOnlySpan<Word> words, Span<(int, int)> most)
    {
        _words = words;
        _most = most;
        _most.Fill((1, 0));
    }

    /// <param name="chars">Characters for n = 2 to 10; NaN where the text has no n-gram at all.</param>
    public static void Count(ReadOnlySpan<Word> words, Span<double> chars)
    {
        if (words.Length > MaxWords) words = words[..MaxWords];
        chars.Fill(double.NaN);
        if (words.Length < 2) return;
        new RepeatedGrams(words, stackalloc (int, int)[FirstDoubled - 2]).Measure(chars);
    }

    private void Measure(Span<double> chars)
    {
        var count = _words.Length - 1;
        var places = ArrayPool<int>.Shared.Rent(count);
        var hashes = ArrayPool<ulong>.Shared.Rent(count);
        var pairs = ArrayPool<int>.Shared.Rent(count);
        var reach = ArrayPool<byte>.Shared.Rent(count);
        var firsts = ArrayPool<int>.Shared.Rent(count * DoubledSizes);
        _pairs = pairs.AsSpan(0, count);
        _reach = reach.AsSpan(0, count);
        _firsts = firsts;
        _pairs.Fill(Alone);
        _reach.Clear();

        Split(places, hashes, Candidates(places, hashes));
        for (var n = 2; n < FirstDoubled && n <= _words.Length; n++)
        {
            var (times, first) = _most[n - 2];
            chars[n - 2] = (double)times * (Length(first, n) + n - 1);
        }
        count = FarReaching(places);
        for (var n = FirstDoubled; n <= Longest && n <= _words.Length; n++) chars[n - 2] = Doubled(places.AsSpan(0, count), n);

        ArrayPool<int>.Shared.Return(places);
        ArrayPool<ulong>.Shared.Return(hashes);
        ArrayPool<int>.Shared.Return(pairs);
        ArrayPool<byte>.Shared.Return(reach);
        ArrayPool<int>.Shared.Return(firsts);
    }

    /// <summary>The pairs that may occur twice, by two bits for each of their hashes' places: most pairs of a text occur once.</summary>
    private readonly int Candidates(int[] places, ulong[] hashes)
    {
        var count = _pairs.Length;
        var bits = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(64, count * 8));
        var half = bits / 64;
        var seen = ArrayPool<ulong>.Shared.Rent(half * 2);
        seen.AsSpan(0, half * 2).Clear();
        var once = seen.AsSpan(0, half);
        var twice = seen.AsSpan(half, half);
        var mask = (uint)bits - 1;
        var before = _words[0].Hash;
        for (var index = 0; index < count; index++)
        {
            var next = _words[index + 1].Hash;
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
            places[kept] = index;
            hashes[kept] = hash;
            // Written without a branch, which the processor could not predict.
            kept += (int)(twice[(int)(place >> 6)] >> (int)(place & 63)) & 1;
        }
        ArrayPool<ulong>.Shared.Return(seen);
        return kept;
    }

    /// <summary>Gathers the places of each repeated pair in order and follows each such group.</summary>
    private void Split(int[] places, ulong[] hashes, int candidates)
    {
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(8, candidates * 2));
        var table = ArrayPool<(ulong Hash, int Group)>.Shared.Rent(size);
        var groups = ArrayPool<int>.Shared.Rent(candidates + 1);
        var ends = ArrayPool<int>.Shared.Rent(candidates + 1);
        table.AsSpan(0, size).Clear();
        var count = 0;
        for (var index = 0; index < candidates; index++)
        {
            var hash = hashes[index];
            var slot = (int)(hash >> 32) & (size - 1);
            while (table[slot].Group > 0 && table[slot].Hash != hash) slot = (slot + 1) & (size - 1);
            ref var entry = ref table[slot];
            if (entry.Group == 0)
            {
                entry = (hash, ++count);
                ends[count] = 0;
            }
            groups[index] = entry.Group;
            ends[entry.Group]++;
        }
        ArrayPool<(ulong, int)>.Shared.Return(table);

        var end = 0;
        for (var group = 1; group <= count; group++)
        {
            var members = ends[group];
            ends[group] = members == 1 ? Alone : end;
            if (members > 1) end += members;
        }
        var gathered = ArrayPool<int>.Shared.Rent(end);
        var keys = ArrayPool<long>.Shared.Rent(end);
        for (var index = 0; index < candidates; index++)
        {
            var group = groups[index];
            if (ends[group] == Alone) continue;
            _pairs[places[index]] = group;
            gathered[ends[group]++] = places[index];
        }
        for (int group = 1, start = 0; group <= count; group++)
        {
            if (ends[group] == Alone) continue;
            Follow(gathered.AsSpan(start..ends[group]), keys.AsSpan(start..ends[group]), 2);
            start = ends[group];
        }
        ArrayPool<int>.Shared.Return(groups);
        ArrayPool<int>.Shared.Return(ends);
        ArrayPool<int>.Shared.Return(gathered);
        ArrayPool<long>.Shared.Return(keys);
    }

    /// <param name="members">Places, in order, of one n-gram; used up.</param>
    /// <param name="keys">Room for as many.</param>
    private void Follow(Span<int> members, Span<long> keys, int n)
    {
        while (true)
        {
            Note(members, n);
            if (n == Longest) return;
            if (members.Length == 2)
            {
                if (!SameNext(members[0], members[1], n)) return;
                n++;
                continue;
            }
            // What the next pair does not repeat leads nowhere.
            var count = 0;
            foreach (var place in members)
            {
                if (place + n - 1 >= _pairs.Length || _pairs[place + n - 1] is var pair && pair == Alone) continue;
                members[count] = place;
                keys[count++] = (long)pair << 32 | (uint)place;
            }
            if (count < 2) return;
            members = members[..count];
            keys = keys[..count];
            if (!AllSame(keys)) break;
            n++;
        }
        Sort(keys);
        for (int start = 0, end; start < keys.Length; start = end)
        {
            end = start + 1;
            while (end < keys.Length && keys[end] >> 32 == keys[start] >> 32) end++;
            if (end - start < 2) continue;
            for (var index = start; index < end; index++) members[index] = (int)keys[index];
            Follow(members[start..end], keys[start..end], n + 1);
        }
    }

    private readonly bool SameNext(int first, int second, int n) => second + n - 1 < _pairs.Length
        && _pairs[first + n - 1] is var pair && pair != Alone && pair == _pairs[second + n - 1];

    private static bool AllSame(Span<long> keys)
    {
        foreach (var key in keys)
            if (key >> 32 != keys[0] >> 32) return false;
        return true;
    }

    private static void Sort(Span<long> keys)
    {
        if (keys.Length > 16)
        {
            keys.Sort();
            return;
        }
        for (var index = 1; index < keys.Length; index++)
        {
            var key = keys[index];
            var at = index;
            for (; at > 0 && keys[at - 1] > key; at--) keys[at] = keys[at - 1];
            keys[at] = key;
        }
    }

    private void Note(Span<int> members, int n)
    {
        if (n < FirstDoubled)
        {
            ref var most = ref _most[n - 2];
            if (members.Length > most.Times || members.Length == most.Times && members[0] < most.First) most = (members.Length, members[0]);
            return;
        }
        foreach (var place in members)
        {
            _reach[place] = (byte)n;
            _firsts[place * DoubledSizes + n - FirstDoubled] = members[0];
        }
    }

    /// <summary>The places of repeated n-grams of five words and more, in order.</summary>
    private readonly int FarReaching(int[] places)
    {
        var count = 0;
        for (var place = 0; place < _reach.Length; place++)
        {
            places[count] = place;
            if (_reach[place] != 0) count++;
        }
        return count;
    }

    /// <summary>Characters of n-grams that were met before, those that overlap one already counted left out.</summary>
    private readonly long Doubled(ReadOnlySpan<int> places, int n)
    {
        long sum = 0;
        var free = 0;
        foreach (var place in places)
        {
            if (place < free || _reach[place] < n) continue;
            var first = _firsts[place * DoubledSizes + n - FirstDoubled];
            ref var met = ref _firsts[first * DoubledSizes + n - FirstDoubled];
            if (met >= 0)
            {
                met = ~met;
                continue;
            }
            sum += Length(place, n);
            free = place + n;
        }
        return sum;
    }

    private readonly long Length(int at, int n)
    {
        long sum = 0;
        foreach (ref readonly var word in _words.Slice(at, n)) sum += word.Length;
        return sum;
    }
}
