using System.Buffers.Binary;
using System.Text;

namespace Dolmen.Tokenization;

/// <summary>
/// Substrings of words that occur often, to begin with: every suffix is sorted, so that equal beginnings lie side by side, and each
/// beginning that neighbours share is a candidate. The best by occurrences times length.
/// </summary>
internal sealed class SeedPieces
{
    /// <summary>Characters of the longest piece.</summary>
    private const int LongestPiece = 16;

    private readonly record struct Suffix(int Start, int Length, long Weight);

    private readonly record struct Candidate(int Start, int Length, double Score);

    private readonly byte[] _bytes;
    private readonly Suffix[] _suffixes;
    private readonly List<Candidate> _candidates = [];
    private readonly List<Suffix> _words = [];
    private readonly int _most;

    private SeedPieces(WordList words, int most)
    {
        _most = most;
        _bytes = new byte[words.Bytes];
        var suffixes = new List<Suffix>(words.Bytes);
        var offset = 0;
        for (var word = 0; word < words.Count; word++)
        {
            var bytes = words[word];
            bytes.CopyTo(_bytes.AsSpan(offset));
            for (var at = 0; at < bytes.Length; at++)
            {
                if (!BeginsCharacter(bytes[at])) continue;
                suffixes.Add(new Suffix(offset + at, Reach(bytes, at), words.WeightOf(word)));
            }
            if (words.CountOf(word) > 1 && Reach(bytes, 0) == bytes.Length)
                _words.Add(new Suffix(offset, bytes.Length, words.WeightOf(word)));
            offset += bytes.Length;
        }
        _suffixes = [.. suffixes];
    }

    /// <param name="words">Distinct words.</param>
    /// <param name="most">So many at most.</param>
    /// <param name="parallel">How to sort.</param>
    /// <returns>Of more than one character each, in descending order of their score.</returns>
    public static List<(byte[] Piece, double Score)> Find(WordList words, int most, ParallelOptions parallel)
    {
        var seeds = new SeedPieces(words, most);
        seeds.Sort(parallel);
        foreach (var word in seeds._words) seeds.Offer(word.Start, word.Length, word.Weight);
        seeds.Collect();
        seeds.KeepBest();
        var seen = new HashSet<string>(StringComparer.Ordinal); // a word may be the beginning of others as well
        return
        [
            .. seeds
                ._candidates.Select(candidate => (Piece: seeds._bytes.AsSpan(candidate.Start, candidate.Length).ToArray(), candidate.Score))
                .Where(candidate => seen.Add(Encoding.UTF8.GetString(candidate.Piece))),
        ];
    }

    private static bool BeginsCharacter(byte value) => (value & 0xC0) != 0x80;

    /// <summary>Bytes from <paramref name="at"/> to the end of the word or of the longest piece.</summary>
    private static int Reach(ReadOnlySpan<byte> word, int at)
    {
        var end = at;
        for (var characters = 0; end < word.Length; end++)
            if (BeginsCharacter(word[end]) && characters++ == LongestPiece) break;
        return end - at;
    }

    private ReadOnlySpan<byte> Text(Suffix suffix) => _bytes.AsSpan(suffix.Start, suffix.Length);

    /// <summary>Sorts by bytes: first into parts by the first two, then each part by eight at once.</summary>
    private void Sort(ParallelOptions parallel)
    {
        var starts = new int[(1 << 16) + 1];
        foreach (var suffix in _suffixes) starts[First(suffix) + 1]++;
        for (var i = 0; i < 1 << 16; i++) starts[i + 1] += starts[i];
        var ends = starts.AsSpan(0, 1 << 16).ToArray();
        var parts = new Suffix[_suffixes.Length];
        foreach (var suffix in _suffixes) parts[ends[First(suffix)]++] = suffix;
        Parallel.For(0, 1 << 16, parallel, part =>
        {
            var keys = new ulong[starts[part + 1] - starts[part]];
            var inside = parts.AsSpan(starts[part], keys.Length);
            for (var i = 0; i < keys.Length; i++) keys[i] = Key(Text(inside[i]));
            keys.AsSpan().Sort(inside);
            for (var from = 0; from < keys.Length;)
            {
                var to = from + 1;
                while (to < keys.Length && keys[to] == keys[from]) to++;
                if (to - from > 1) inside[from..to].Sort((a, b) => Text(a).SequenceCompareTo(Text(b)));
                from = to;
            }
        });
        parts.CopyTo(_suffixes, 0);
    }

    private int First(Suffix suffix) => _bytes[suffix.Start] << 8 | (suffix.Length > 1 ? _bytes[suffix.Start + 1] : 0);

    private static ulong Key(ReadOnlySpan<byte> text)
    {
        if (text.Length >= 8) return BinaryPrimitives.ReadUInt64BigEndian(text);
        var key = 0UL;
        for (var i = 0; i < 8; i++) key = key << 8 | (i < text.Length ? text[i] : 0UL);
        return key;
    }

    /// <summary>Every beginning that at least two neighbours share, with the weight of all suffixes that share it.</summary>
    private void Collect()
    {
        var before = new long[_suffixes.Length + 1];
        for (var i = 0; i < _suffixes.Length; i++) before[i + 1] = before[i] + _suffixes[i].Weight;
        var open = new Stack<(int Length, int From)>();
        for (var i = 1; i <= _suffixes.Length; i++)
        {
            var shared = i < _suffixes.Length ? Shared(_suffixes[i - 1], _suffixes[i]) : 0;
            var from = i - 1;
            while (open.TryPeek(out var top) && top.Length > shared)
            {
                open.Pop();
                Offer(_suffixes[top.From].Start, top.Length, before[i] - before[top.From]);
                from = top.From;
            }
            if (shared > 0 && (!open.TryPeek(out var below) || below.Length < shared)) open.Push((shared, from));
        }
    }

    /// <summary>Bytes of the whole characters with which both begin.</summary>
    private int Shared(Suffix a, Suffix b)
    {
        var length = Text(a).CommonPrefixLength(Text(b));
        while (
            length > 0
            && (
                (length < a.Length && !BeginsCharacter(_bytes[a.Start + length]))
                || (length < b.Length && !BeginsCharacter(_bytes[b.Start + length]))
            )
        )
            length--;
        return length;
    }

    private void Offer(int start, int length, long weight)
    {
        var characters = 0;
        foreach (var value in _bytes.AsSpan(start, length)) if (BeginsCharacter(value)) characters++;
        if (characters < 2) return;
        _candidates.Add(new Candidate(start, length, (double)weight * characters));
        if (_candidates.Count > 4 * _most) KeepBest();
    }

    private void KeepBest()
    {
        _candidates.Sort((a, b) => b.Score.CompareTo(a.Score) is var byScore and not 0
            ? byScore : _bytes.AsSpan(a.Start, a.Length).SequenceCompareTo(_bytes.AsSpan(b.Start, b.Length)));
        if (_candidates.Count > _most) _candidates.RemoveRange(_most, _candidates.Count - _most);
    }
}
