using System.Runtime.InteropServices;

namespace Dolmen.Tokenization;

/// <summary>
/// The state of learning merges: all distinct words behind one another as tokens, and every adjacent pair with its places. A merge
/// visits only the places of its pair and makes pairs with the new token alone, so the places of a pair are known the moment it comes
/// up, and its count only falls. The heap may therefore hold counts that are too high, never too low: what comes up with an outdated
/// count goes back with the right one. The one exception, two pairs that make the same bytes, puts a pair whose count grew in again.
/// </summary>
internal sealed class MergeLearner
{
    private const int Hole = int.MinValue;

    /// <summary>Of a byte: the token that begins here, or ~ the token of several bytes that ends here, or a hole inside one or between
    /// words.</summary>
    private record struct Place(int Token, int Word);

    /// <summary>A token beside the one that is made: what the pair with it gains, and what its pair with the old part loses.</summary>
    private record struct Neighbour(int Token, long Gain, long GainCount, long Loss, long LossCount, int Places);

    private readonly WordList _words;
    private readonly List<byte[]> _tokens;
    private readonly Dictionary<string, int> _known = new(StringComparer.Ordinal);
    private readonly List<BpeMerge> _merges = [];
    private readonly HashSet<ulong> _merged = [];
    private readonly int _minCount;
    private readonly int _longest;
    private readonly Place[] _places;
    private readonly PairTable _pairs = new();
    private readonly PriorityQueue<int, (long Weight, ulong Key)> _heap;
    private readonly List<Neighbour> _left = [];
    private readonly List<Neighbour> _right = [];
    private readonly List<(int Neighbour, int Place)> _found = [];       // of a left one ~
    private int[] _leftOf = new int[1024];                               // number of the token in _left and 1
    private int[] _rightOf = new int[1024];

    /// <param name="words">Distinct words.</param>
    /// <param name="tokens">Bytes of every token so far; those that only have a name are empty.</param>
    /// <param name="segment">Writes the tokens of a word, as many as it returns.</param>
    /// <param name="tiesByBytes">Of equally frequent pairs that whose tokens' bytes come last is merged first, not that with the smaller
    /// ids.</param>
    /// <param name="minCount">A pair that occurs less often is not merged.</param>
    /// <param name="longest">Bytes of the longest token that may be made.</param>
    public MergeLearner(
        WordList words, IReadOnlyList<byte[]> tokens, WordSegmentation segment, bool tiesByBytes, int minCount, int longest)
    {
        (_words, _tokens, _minCount, _longest) = (words, [.. tokens], minCount, longest);
        for (var id = 0; id < _tokens.Count; id++)
            if (_tokens[id].Length > 0)
                _known.TryAdd(Name(_tokens[id]), id);
        _heap = new(
            tiesByBytes
                ? Comparer<(long Weight, ulong Key)>.Create(CompareByBytes)
                : Comparer<(long Weight, ulong Key)>.Create(
                    (a, b) => a.Weight != b.Weight ? b.Weight.CompareTo(a.Weight) : a.Key.CompareTo(b.Key)
                )
        );
        _places = new Place[words.Bytes + words.Count + 1];
        PlaceTokens(segment);
        CountPairs();
    }

    /// <summary>Bytes of every id so far.</summary>
    public IReadOnlyList<byte[]> Tokens => _tokens;

    /// <summary>Learned here.</summary>
    public IReadOnlyList<BpeMerge> Merges => _merges;

    /// <summary>Learns one more merge; false when no pair occurs often enough.</summary>
    public bool Next()
    {
        while (_heap.TryDequeue(out var number, out var priority))
        {
            ref var pair = ref _pairs[number];
            if (pair.Count < _minCount) continue;
            if (priority.Weight != pair.Weight)
            {
                _heap.Enqueue(number, (pair.Weight, pair.Key));
                continue;
            }
            var (left, right) = ((int)(pair.Key >> 32), (int)(uint)pair.Key);
            if (_tokens[left].Length + _tokens[right].Length > _longest) continue;
            Merge(number, left, right);
            return true;
        }
        return false;
    }

    private void PlaceTokens(WordSegmentation segment)
    {
        Array.Fill(_places, new Place(Hole, 0));
        var tokens = new int[256];
        var at = 1;
        for (var word = 0; word < _words.Count; word++, at++)
        {
            var bytes = _words[word];
            if (bytes.Length > tokens.Length) tokens = new int[bytes.Length * 2];
            foreach (var token in tokens.AsSpan(0, segment(bytes, tokens)))
            {
                Put(at, token, word);
                at += _tokens[token].Length;
            }
        }
    }

    private void Put(int at, int token, int word)
    {
        var last = at + _tokens[token].Length - 1;
        _places[last] = new Place(~token, word);
        _places[at] = new Place(token, word);
    }

    private void CountPairs()
    {
        var numbers = new int[_places.Length];
        Array.Fill(numbers, -1);
        for (var at = 1; at < _places.Length; at++)
        {
            var (token, word) = _places[at];
            if (token < 0 || _places[at + _tokens[token].Length].Token is var next && next < 0) continue;
            numbers[at] = _pairs.FindOrAdd(MergeTable.Pair(token, next));
            ref var pair = ref _pairs[numbers[at]];
            pair.Weight += _words.WeightOf(word);
            pair.Count += _words.CountOf(word);
        }
        var starts = new int[_pairs.Count + 1];
        foreach (var number in numbers) if (number >= 0) starts[number + 1]++;
        for (var i = 0; i < _pairs.Count; i++) starts[i + 1] += starts[i];
        var places = new int[starts[^1]];
        for (var i = 0; i < _pairs.Count; i++) _pairs[i].Places = places.AsMemory(starts[i], starts[i + 1] - starts[i]);
        for (var at = 0; at < numbers.Length; at++) if (numbers[at] >= 0) places[starts[numbers[at]]++] = at;
        for (var i = 0; i < _pairs.Count; i++)
            if (_pairs[i].Count >= _minCount) _heap.Enqueue(i, (_pairs[i].Weight, _pairs[i].Key));
    }

    private void Merge(int number, int left, int right)
    {
        byte[] joined = [.. _tokens[left], .. _tokens[right]];
        ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(_known, Name(joined), out var exists);
        if (!exists)
        {
            known = _tokens.Count;
            _tokens.Add(joined);
        }
        var result = known;
        if (_merged.Add(_pairs[number].Key)) _merges.Add(new BpeMerge(left, right, result));
        while (_leftOf.Length < _tokens.Count)
        {
            Array.Resize(ref _leftOf, _leftOf.Length * 2);
            Array.Resize(ref _rightOf, _rightOf.Length * 2);
        }
        var places = _pairs[number].Places;
        (_pairs[number].Places, var leftLength) = (default, _tokens[left].Length);
        foreach (var at in places.Span)
        {
            if (_places[at].Token == left && _places[at + leftLength].Token == right) Join(at, left, right, result);
        }
        Settle(left, right, result);
        (_pairs[number].Weight, _pairs[number].Count) = (0, 0);
    }

    private void Join(int at, int left, int right, int result)
    {
        var (word, middle) = (_places[at].Word, at + _tokens[left].Length);
        var end = middle + _tokens[right].Length;
        var (weight, count) = (_words.WeightOf(word), _words.CountOf(word));
        _places[middle - 1].Token = Hole;
        _places[middle].Token = Hole;
        Put(at, result, word);

        var before = _places[at - 1].Token;
        if (before != Hole)
        {
            before = before < 0 ? ~before : before;
            ref var beside = ref Beside(_left, _leftOf, before);
            (beside.Gain, beside.GainCount, beside.Places) = (beside.Gain + weight, beside.GainCount + count, beside.Places + 1);
            _found.Add((~(_leftOf[before] - 1), at - _tokens[before].Length));
            if (before == result)                                        // what was (result, left) is no more
            {
                ref var gone = ref Beside(_right, _rightOf, left);
                (gone.Gain, gone.GainCount) = (gone.Gain - weight, gone.GainCount - count);
            }
            else (beside.Loss, beside.LossCount) = (beside.Loss + weight, beside.LossCount + count);
        }
        var after = _places[end].Token;
        if (after >= 0)
        {
            ref var beside = ref Beside(_right, _rightOf, after);
            (beside.Gain, beside.GainCount, beside.Places) = (beside.Gain + weight, beside.GainCount + count, beside.Places + 1);
            (beside.Loss, beside.LossCount) = (beside.Loss + weight, beside.LossCount + count);
            _found.Add((_rightOf[after] - 1, at));
        }
    }

    private static ref Neighbour Beside(List<Neighbour> neighbours, int[] numbers, int token)
    {
        if (numbers[token] == 0)
        {
            neighbours.Add(new Neighbour(token, 0, 0, 0, 0, 0));
            numbers[token] = neighbours.Count;
        }
        return ref CollectionsMarshal.AsSpan(neighbours)[numbers[token] - 1];
    }

    /// <summary>Takes what the merge has changed into the pairs.</summary>
    private void Settle(int left, int right, int result)
    {
        var places = new int[_found.Count];
        var starts = new int[_left.Count + _right.Count + 1];
        for (var i = 0; i < _left.Count; i++) starts[i + 1] = starts[i] + _left[i].Places;
        for (var i = 0; i < _right.Count; i++) starts[_left.Count + i + 1] = starts[_left.Count + i] + _right[i].Places;
        var ends = starts.AsSpan(0, starts.Length - 1).ToArray();
        foreach (var (neighbour, place) in CollectionsMarshal.AsSpan(_found))
            places[ends[neighbour < 0 ? ~neighbour : _left.Count + neighbour]++] = place;

        foreach (ref var beside in CollectionsMarshal.AsSpan(_left))
            Lose(MergeTable.Pair(beside.Token, left), beside);
        foreach (ref var beside in CollectionsMarshal.AsSpan(_right))
            Lose(MergeTable.Pair(right, beside.Token), beside);
        for (var i = 0; i < _left.Count; i++)
            Gain(MergeTable.Pair(_left[i].Token, result), _left[i], places.AsMemory(starts[i]..starts[i + 1]));
        for (var i = 0; i < _right.Count; i++)
            Gain(
                MergeTable.Pair(result, _right[i].Token),
                _right[i],
                places.AsMemory(starts[_left.Count + i]..starts[_left.Count + i + 1])
            );

        foreach (var beside in _left) _leftOf[beside.Token] = 0;
        foreach (var beside in _right) _rightOf[beside.Token] = 0;
        _left.Clear();
        _right.Clear();
        _found.Clear();
    }

    private void Lose(ulong key, in Neighbour beside)
    {
        if (beside.LossCount == 0) return;
        ref var pair = ref _pairs[_pairs.Find(key)];
        pair.Weight -= beside.Loss;
        pair.Count -= beside.LossCount;
    }

    private void Gain(ulong key, in Neighbour beside, Memory<int> places)
    {
        var number = _pairs.FindOrAdd(key);
        ref var pair = ref _pairs[number];
        pair.Weight += beside.Gain;
        pair.Count += beside.GainCount;
        if (pair.Places.IsEmpty) pair.Places = places;
        else if (!places.IsEmpty)
        {
            int[] all = [.. pair.Places.Span, .. places.Span];
            Array.Sort(all);
            pair.Places = all;
        }
        if (pair.Count >= _minCount) _heap.Enqueue(number, (pair.Weight, key));
    }

    private int CompareByBytes((long Weight, ulong Key) a, (long Weight, ulong Key) b)
    {
        if (a.Weight != b.Weight) return b.Weight.CompareTo(a.Weight);
        var byLeft = _tokens[(int)(b.Key >> 32)].AsSpan().SequenceCompareTo(_tokens[(int)(a.Key >> 32)]);
        return byLeft != 0 ? byLeft : _tokens[(int)(uint)b.Key].AsSpan().SequenceCompareTo(_tokens[(int)(uint)a.Key]);
    }

    private static string Name(ReadOnlySpan<byte> bytes) => string.Create(bytes.Length, bytes, (chars, source) =>
    {
        for (var i = 0; i < chars.Length; i++) chars[i] = (char)source[i];
    });
}

/// <summary>Writes the tokens of a word, as many as it returns.</summary>
internal delegate int WordSegmentation(ReadOnlySpan<byte> word, Span<int> tokens);
