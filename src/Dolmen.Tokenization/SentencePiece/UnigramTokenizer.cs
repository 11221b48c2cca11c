using System.Buffers;
using System.Text;

namespace Dolmen.Tokenization;

/// <summary>Cuts a text into the pieces with the highest sum of scores (Kudo 2018).</summary>
public sealed class UnigramTokenizer : SentencePieceTokenizer
{
    /// <summary>An unknown character costs this much more than the least likely piece.</summary>
    private const double UnknownPenalty = 10;

    private readonly double[] _scores;
    private readonly bool _single;
    private readonly PieceTrieMap _trie;
    private readonly double _unknownScore;
    private readonly double _highest;
    private readonly HashSet<int> _userDefined;
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);

    /// <param name="pieces">Of every id, as the vocabulary file has them.</param>
    /// <param name="scores">Logarithms of their probabilities.</param>
    /// <param name="leaveOut">Ids that no text is cut into: control tokens, bytes, pieces no longer used.</param>
    /// <param name="vocabulary">All but the bytes, which pieces tell.</param>
    /// <param name="rules">Of spaces and what is unknown.</param>
    /// <param name="single">Sums are single numbers, as SentencePiece's are and Hugging Face's not: it decides between ways that are
    /// equally good but for rounding.</param>
    /// <param name="ranked">Ids from here on have no score.</param>
    internal UnigramTokenizer(
        string[] pieces, double[] scores, IReadOnlySet<int> leaveOut, Vocabulary vocabulary, PieceRules rules, bool single = false,
        int ranked = int.MaxValue)
        : base(pieces, vocabulary, rules)
    {
        (_scores, _single) = (scores, single);
        _userDefined = [.. Added.Where(token => vocabulary.AddedInModel && !token.Special).Select(token => token.Id)];
        var lowest = double.MaxValue;
        _highest = double.MinValue;
        for (var id = 0; id < scores.Length; id++)
        {
            // Hugging Face counts control tokens in, SentencePiece does not.
            if (single ? leaveOut.Contains(id) || _userDefined.Contains(id) : id >= ranked) continue;
            lowest = Math.Min(lowest, scores[id]);
            _highest = Math.Max(_highest, scores[id]);
        }
        _trie = new PieceTrieMap([.. pieces.Select((piece, id) => leaveOut.Contains(id) ? [] : Encoding.UTF8.GetBytes(piece))]);
        for (var id = 0; id < pieces.Length; id++)
            if (!leaveOut.Contains(id) && pieces[id].Length > 0) _ids.TryAdd(pieces[id], id);
        _unknownScore = Sum(lowest, -UnknownPenalty);
    }

    internal IReadOnlyList<double> Scores => _scores;

    private protected override void EncodePieces(ReadOnlySpan<char> text, List<int> output)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        var rented = ArrayPool<byte>.Shared.Rent(length);
        ReadOnlySpan<byte> utf8 = rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented));
        var nodes = ArrayPool<Node>.Shared.Rent(length + 1);
        nodes.AsSpan(0, length + 1).Fill(new Node(0, -1, -1));
        nodes[0] = new Node(0, 0, -1);
        for (var start = 0; start < length;)
        {
            Rune.DecodeFromUtf8(utf8[start..], out _, out var width);
            var (from, reachedNext, at) = (nodes[start].Score, false, 0);
            for (var end = start; end < length && (at = _trie.Child(at, utf8[end])) > 0; end++)
            {
                if (_trie.PieceAt(at) is not (var token and >= 0)) continue;
                Offer(ref nodes[end + 1], Sum(from, Score(token, end + 1 - start)), start, token);
                reachedNext |= end + 1 - start == width;
            }
            if (!reachedNext) Offer(ref nodes[start + width], Sum(from, _unknownScore), start, -1);
            start += width;
        }
        var first = output.Count;
        for (var end = length; end > 0; end = nodes[end].Start) output.Add(end);
        Span<int> ends = output.Count - first <= 256 ? stackalloc int[output.Count - first] : new int[output.Count - first];
        System.Runtime.InteropServices.CollectionsMarshal.AsSpan(output)[first..].CopyTo(ends);
        output.RemoveRange(first, ends.Length);
        var unknown = -1;                                                // where a run of what is unknown begins
        for (var i = ends.Length - 1; i >= 0; i--)
        {
            var node = nodes[ends[i]];
            if (node.Token < 0 || node.Token == Unknown)
            {
                if (unknown < 0) unknown = node.Start;
                continue;
            }
            if (unknown >= 0) AddRun(utf8[unknown..node.Start], output);
            unknown = -1;
            output.Add(node.Token);
        }
        if (unknown >= 0) AddRun(utf8[unknown..], output);
        ArrayPool<Node>.Shared.Return(nodes);
        ArrayPool<byte>.Shared.Return(rented);
    }

    /// <summary>A run that is unknown as a whole: its bytes, or the unknown token.</summary>
    private void AddRun(ReadOnlySpan<byte> run, List<int> output)
    {
        if (!_single && _ids.TryGetValue(Encoding.UTF8.GetString(run), out var known)) output.Add(known);
        else if (AddBytes(run, output)) return;
        else if (Unknown >= 0) output.Add(Unknown);
        else if (Rules.MustKnow) throw NotKnown(run);
    }

    /// <summary>A symbol that a user defined is always worth more than what it could be cut into.</summary>
    private double Score(int token, int bytes) => _userDefined.Contains(token) ? (float)(bytes * _highest - 0.1) : _scores[token];

    private double Sum(double a, double b) => _single ? (float)(a + b) : a + b;

    /// <summary>The best way to a place, the first of equally good ones.</summary>
    private readonly record struct Node(double Score, int Start, int Token);

    private static void Offer(ref Node node, double score, int start, int token)
    {
        if (node.Start < 0 || score > node.Score) node = new Node(score, start, token);
    }
}
