using System.Runtime.InteropServices;

namespace Dolmen.Tokenization;

/// <summary>
/// The state of learning merges: the words as symbols, the count of every adjacent pair, and the words it occurs in. A merge touches
/// only the words that hold its pair. Counts of existing pairs only fall, so the heap may hold counts that are too high, never too low:
/// what comes up with an outdated count goes back with the right one.
/// </summary>
internal sealed class MergeLearner
{
    private readonly List<byte[]> _tokens = [];
    private readonly HashSet<string> _known = [];
    private readonly List<BpeMerge> _merges = [];
    private readonly int[][] _words;
    private readonly int[] _lengths;
    private readonly long[] _wordCounts;
    private readonly Dictionary<ulong, long> _counts = [];
    private readonly Dictionary<ulong, List<int>> _places = [];          // ascending; a word may have lost the pair since
    private readonly PriorityQueue<ulong, (long NegatedCount, ulong Pair)> _heap = new();
    private readonly HashSet<ulong> _new = [];

    public MergeLearner(KeyValuePair<byte[], long>[] words)
    {
        var idOfByte = new int[256];
        foreach (var value in ByteAlphabet.Order)
        {
            idOfByte[value] = _tokens.Count;
            _tokens.Add([value]);
        }
        _words = Array.ConvertAll(words, word => Array.ConvertAll(word.Key, value => idOfByte[value]));
        _lengths = Array.ConvertAll(_words, word => word.Length);
        _wordCounts = Array.ConvertAll(words, word => word.Value);
        for (var word = 0; word < _words.Length; word++)
            for (var i = 0; i + 1 < _lengths[word]; i++) Add(_words[word][i], _words[word][i + 1], word);
        foreach (var (pair, count) in _counts) _heap.Enqueue(pair, (-count, pair));
        _new.Clear();
    }

    /// <summary>Bytes of every id so far: the 256 bytes, then one token a merge.</summary>
    public IReadOnlyList<byte[]> Tokens => _tokens;

    public IReadOnlyList<BpeMerge> Merges => _merges;

    /// <summary>Learns one more merge; false when no pair occurs <paramref name="minCount"/> times.</summary>
    public bool Next(int minCount)
    {
        while (_heap.TryDequeue(out var pair, out var priority))
        {
            if (-priority.NegatedCount < minCount) return false;
            var count = _counts[pair];
            if (-priority.NegatedCount != count)
            {
                _heap.Enqueue(pair, (-count, pair));
                continue;
            }
            byte[] joined = [.. _tokens[(int)(pair >> 32)], .. _tokens[(int)(uint)pair]];
            // Runs such as "aaaaa" can reach the same bytes over two pairs. Files name tokens by their bytes: the first pair has it.
            if (!_known.Add(Convert.ToHexString(joined))) continue;
            Merge(pair, joined);
            return true;
        }
        return false;
    }

    private void Merge(ulong pair, byte[] joined)
    {
        var (left, right, result) = ((int)(pair >> 32), (int)(uint)pair, _tokens.Count);
        _tokens.Add(joined);
        _merges.Add(new BpeMerge(left, right, result));
        foreach (var word in _places[pair]) MergeIn(word, left, right, result);
        _counts.Remove(pair);
        _places.Remove(pair);
        foreach (var grown in _new) _heap.Enqueue(grown, (-_counts[grown], grown));
        _new.Clear();
    }

    private void MergeIn(int word, int left, int right, int result)
    {
        var symbols = _words[word].AsSpan(0, _lengths[word]);
        var (read, write) = (0, 0);
        while (read < symbols.Length)
        {
            if (read + 1 == symbols.Length || symbols[read] != left || symbols[read + 1] != right)
            {
                symbols[write++] = symbols[read++];
                continue;
            }
            if (write > 0)
            {
                Remove(symbols[write - 1], left, word);
                Add(symbols[write - 1], result, word);
            }
            if (read + 2 < symbols.Length)
            {
                Remove(right, symbols[read + 2], word);
                Add(result, symbols[read + 2], word);
            }
            symbols[write++] = result;
            read += 2;
        }
        _lengths[word] = write;
    }

    private void Add(int left, int right, int word)
    {
        var pair = MergeTable.Pair(left, right);
        CollectionsMarshal.GetValueRefOrAddDefault(_counts, pair, out _) += _wordCounts[word];
        ref var places = ref CollectionsMarshal.GetValueRefOrAddDefault(_places, pair, out _);
        places ??= [];
        if (places.Count == 0 || places[^1] != word) places.Add(word);
        _new.Add(pair);
    }

    private void Remove(int left, int right, int word) =>
        CollectionsMarshal.GetValueRefOrAddDefault(_counts, MergeTable.Pair(left, right), out _) -= _wordCounts[word];
}
