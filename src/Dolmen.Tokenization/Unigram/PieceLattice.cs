using System.Text;

namespace Dolmen.Tokenization;

/// <summary>
/// All ways to cut a word into pieces, as a lattice: each piece's expected use under its probability, and the likeliest way. A character
/// that is not a piece costs <see cref="Unknown"/>. One thread's own but for the trie.
/// </summary>
internal sealed class PieceLattice
{
    /// <summary>Stands in a path where a character is not a piece.</summary>
    public const int NoPiece = -1;

    private readonly PieceTrieMap _trie;
    private readonly double[] _probabilities;
    private readonly List<(int Start, int End, int Piece)> _arcs = [];
    private double[] _forward = new double[256];
    private double[] _backward = new double[256];
    private (int Start, int Piece)[] _best = new (int, int)[256];

    public PieceLattice(PieceTrieMap trie, double[] probabilities, double unknown) =>
        (_trie, _probabilities, Unknown) = (trie, probabilities, unknown);

    public double Unknown { get; }

    /// <summary>Less likely words than this are beyond what numbers can tell apart.</summary>
    private const double LeastProbability = 1e-280;

    /// <summary>Adds how often each piece is expected in <paramref name="times"/> such words.</summary>
    public void Expect(ReadOnlySpan<byte> word, double times, long[] expected)
    {
        CollectArcs(word);
        var forward = _forward.AsSpan(0, word.Length + 1);
        var backward = _backward.AsSpan(0, word.Length + 1);
        forward.Clear();
        backward.Clear();
        forward[0] = 1;
        foreach (var (start, end, piece) in _arcs) forward[end] += forward[start] * Probability(piece);
        if (forward[^1] < LeastProbability) return;
        backward[^1] = times / forward[^1];
        for (var i = _arcs.Count - 1; i >= 0; i--)
        {
            var (start, end, piece) = _arcs[i];
            var way = Probability(piece) * backward[end];
            backward[start] += way;
            if (piece >= 0) expected[piece] += (long)Math.Round(forward[start] * way);
        }
    }

    /// <summary>Appends the pieces of the likeliest way, of equal ones that with the longer last piece.</summary>
    /// <param name="word">What to cut.</param>
    /// <param name="without">A piece not to use, or <see cref="NoPiece"/>.</param>
    /// <param name="path">Gets them last first.</param>
    public void Likeliest(ReadOnlySpan<byte> word, int without, List<int> path)
    {
        CollectArcs(word);
        var best = _forward.AsSpan(0, word.Length + 1);
        best.Clear();
        best[0] = 1;
        foreach (var (start, end, piece) in _arcs)
        {
            if (piece == without && piece != NoPiece) continue;
            var probability = best[start] * Probability(piece);
            if (probability <= best[end]) continue;
            best[end] = probability;
            _best[end] = (start, piece);
        }
        if (best[^1] == 0) return;
        for (var at = word.Length; at > 0; at = _best[at].Start) path.Add(_best[at].Piece);
    }

    private double Probability(int piece) => piece == NoPiece ? Unknown : _probabilities[piece];

    private void CollectArcs(ReadOnlySpan<byte> word)
    {
        if (_forward.Length <= word.Length)
        {
            _forward = new double[word.Length * 2];
            _backward = new double[word.Length * 2];
            _best = new (int, int)[word.Length * 2];
        }
        _arcs.Clear();
        for (var start = 0; start < word.Length;)
        {
            Rune.DecodeFromUtf8(word[start..], out _, out var width);
            var (node, whole) = (0, false);
            for (var end = start; end < word.Length && (node = _trie.Child(node, word[end])) > 0; end++)
            {
                if (_trie.PieceAt(node) is not (var piece and >= 0)) continue;
                _arcs.Add((start, end + 1, piece));
                whole |= end + 1 - start == width;
            }
            if (!whole) _arcs.Add((start, start + width, NoPiece));
            start += width;
        }
    }
}

/// <summary>Pieces by their bytes: a trie whose edges lie in one hash table.</summary>
internal sealed class PieceTrieMap
{
    private ulong[] _edges = new ulong[1 << 12];     // node and byte and 1; 0 is free; at most half full
    private int[] _children = new int[1 << 12];
    private int _count;
    private int[] _pieces = new int[1 << 11];        // of each node its piece and 1
    private int _nodes = 1;

    public PieceTrieMap(IReadOnlyList<byte[]> pieces)
    {
        for (var piece = 0; piece < pieces.Count; piece++) Add(pieces[piece], piece);
    }

    /// <summary>0 where no piece goes on like this.</summary>
    public int Child(int node, byte value)
    {
        var edge = Edge(node, value);
        var slot = Slot(edge);
        for (; _edges[slot] != 0; slot = (slot + 1) & (_edges.Length - 1))
            if (_edges[slot] == edge) return _children[slot];
        return 0;
    }

    /// <summary>-1 where no piece ends here.</summary>
    public int PieceAt(int node) => _pieces[node] - 1;

    private void Add(ReadOnlySpan<byte> bytes, int piece)
    {
        var node = 0;
        foreach (var value in bytes)
        {
            var next = Child(node, value);
            if (next == 0)
            {
                next = _nodes++;
                if (next == _pieces.Length) Array.Resize(ref _pieces, _pieces.Length * 2);
                if (_count * 2 >= _edges.Length) Grow();
                Put(Edge(node, value), next);
                _count++;
            }
            node = next;
        }
        _pieces[node] = piece + 1;
    }

    private void Put(ulong edge, int child)
    {
        var slot = Slot(edge);
        while (_edges[slot] != 0) slot = (slot + 1) & (_edges.Length - 1);
        (_edges[slot], _children[slot]) = (edge, child);
    }

    private void Grow()
    {
        var (edges, children) = (_edges, _children);
        _edges = new ulong[edges.Length * 2];
        _children = new int[edges.Length * 2];
        for (var i = 0; i < edges.Length; i++) if (edges[i] != 0) Put(edges[i], children[i]);
    }

    private static ulong Edge(int node, byte value) => ((ulong)(uint)node << 8 | value) + 1;

    private int Slot(ulong edge) => (int)(unchecked(edge * 0x9E3779B97F4A7C15) >> 32) & (_edges.Length - 1);
}
