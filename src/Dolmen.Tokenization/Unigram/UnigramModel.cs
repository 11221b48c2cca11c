namespace Dolmen.Tokenization;

/// <summary>Pieces and their probabilities on the way to a vocabulary.</summary>
internal sealed class UnigramModel
{
    /// <summary>A character that is not a piece is so much less likely than the least likely piece.</summary>
    private const double UnknownPenalty = 10;

    private const int BlockWords = 4096;

    private readonly WordList _words;
    private readonly List<(byte[] Piece, double Count)> _characters;
    private readonly HashSet<string> _kept;
    private readonly ParallelOptions _parallel;
    private readonly double _unit;
    private List<byte[]> _pieces = [];
    private double[] _probabilities = [];

    /// <param name="words">With what they weigh as their count.</param>
    /// <param name="characters">That stay pieces.</param>
    /// <param name="parallel">How to compute.</param>
    public UnigramModel(WordList words, List<(byte[] Piece, double Count)> characters, ParallelOptions parallel)
    {
        (_words, _characters, _parallel) = (words, characters, parallel);
        _kept = [.. characters.Select(character => Key(character.Piece))];
        var total = 1.0;
        for (var word = 0; word < words.Count; word++) total += (double)words.CountOf(word) * words[word].Length;
        _unit = Math.Pow(2, Math.Min(20, Math.Floor(61 - Math.Log2(total))));
    }

    public int Count => _pieces.Count;

    public void Begin(IEnumerable<(byte[] Piece, double Score)> seeds)
    {
        var all = _characters.Concat(seeds.Where(seed => !_kept.Contains(Key(seed.Piece)))).ToArray();
        _pieces = [.. all.Select(piece => piece.Piece)];
        var sum = all.Sum(piece => piece.Item2);
        _probabilities = [.. all.Select(piece => piece.Item2 / sum)];
    }

    /// <summary>How often each piece is expected gives its new probability; what is expected less often than
    /// <paramref name="least"/> goes.</summary>
    public void Expect(double least)
    {
        var expected = new long[_pieces.Count];
        OverWords(
            () => new long[_pieces.Count],
            (lattice, word, sums) => lattice.Expect(_words[word], _words.CountOf(word) * _unit, sums),
            sums =>
            {
                for (var i = 0; i < sums.Length; i++)
                    expected[i] += sums[i];
            }
        );
        var counts = Array.ConvertAll(expected, value => value / _unit);
        var stay = Enumerable.Range(0, Count).Where(i => counts[i] >= least || _kept.Contains(Key(_pieces[i]))).ToArray();
        var sum = Digamma(stay.Sum(i => Math.Max(counts[i], least)));
        Keep(stay, i => Math.Exp(Digamma(Math.Max(counts[i], least)) - sum));
    }

    /// <summary>Keeps the <paramref name="most"/> pieces without which the text would be least likely.</summary>
    public void Prune(int most)
    {
        var uses = new long[Count];
        OverWords(() => (Uses: new long[Count], Path: new List<int>()), (lattice, word, found) =>
        {
            found.Path.Clear();
            lattice.Likeliest(_words[word], PieceLattice.NoPiece, found.Path);
            foreach (var piece in found.Path)
                if (piece != PieceLattice.NoPiece) found.Uses[piece] += _words.CountOf(word);
        }, found =>
        {
            for (var i = 0; i < uses.Length; i++) uses[i] += found.Uses[i];
        });
        var total = (double)uses.Sum();
        var losses = new double[Count];
        var trie = new PieceTrieMap(_pieces);
        Parallel.For(
            0,
            (Count + BlockWords - 1) / BlockWords,
            _parallel,
            () => (Lattice: NewLattice(trie), Path: new List<int>()),
            (block, _, own) =>
            {
                for (var piece = block * BlockWords; piece < Math.Min(Count, (block + 1) * BlockWords); piece++)
                    losses[piece] = Loss(piece, uses, total, own.Lattice, own.Path);
                return own;
            },
            _ => { }
        );
        var kept = Enumerable.Range(0, Count).Where(i => _kept.Contains(Key(_pieces[i]))).ToArray();
        int[] others =
        [
            .. Enumerable
                .Range(0, Count)
                .Except(kept)
                .OrderByDescending(i => losses[i])
                .ThenByDescending(i => _probabilities[i])
                .ThenBy(i => i)
                .Take(Math.Max(0, most - kept.Length)),
        ];
        Keep([.. kept, .. others.Order()], i => _probabilities[i]);
    }

    /// <summary>Most likely first.</summary>
    public List<(byte[] Piece, double Score)> ByScore() => [.. Enumerable.Range(0, Count)
        .Select(i => (Piece: _pieces[i], Score: Math.Log(_probabilities[i])))
        .OrderByDescending(piece => piece.Score).ThenBy(piece => Key(piece.Piece), StringComparer.Ordinal)];

    /// <summary>How much less likely the text is where this piece is written by others.</summary>
    private double Loss(int piece, long[] uses, double total, PieceLattice lattice, List<int> path)
    {
        if (uses[piece] == 0) return double.NegativeInfinity;
        path.Clear();
        lattice.Likeliest(_pieces[piece], piece, path);
        if (path.Count == 0) return double.PositiveInfinity;
        var alternative = 1.0;
        foreach (var other in path) alternative *= other == PieceLattice.NoPiece ? lattice.Unknown : _probabilities[other];
        if (alternative > _probabilities[piece]) return double.NegativeInfinity;
        var afterTotal = Math.Log(total + uses[piece] * (path.Count - 1.0));
        var after = 0.0;
        foreach (var other in path) after += Math.Log((other == PieceLattice.NoPiece ? 0 : uses[other]) + uses[piece]) - afterTotal;
        return uses[piece] / total * (Math.Log(uses[piece]) - Math.Log(total) - after);
    }

    private void OverWords<T>(Func<T> begin, Action<PieceLattice, int, T> each, Action<T> end)
    {
        var trie = new PieceTrieMap(_pieces);
        var gate = new Lock();
        Parallel.For(
            0,
            (_words.Count + BlockWords - 1) / BlockWords,
            _parallel,
            () => (Lattice: NewLattice(trie), Own: begin()),
            (block, _, state) =>
            {
                for (var word = block * BlockWords; word < Math.Min(_words.Count, (block + 1) * BlockWords); word++)
                    each(state.Lattice, word, state.Own);
                return state;
            },
            state =>
            {
                lock (gate)
                    end(state.Own);
            }
        );
    }

    private PieceLattice NewLattice(PieceTrieMap trie) => new(trie, _probabilities, _probabilities.Min() * Math.Exp(-UnknownPenalty));

    private void Keep(int[] stay, Func<int, double> probability)
    {
        var (pieces, probabilities) = (stay.Select(i => _pieces[i]).ToList(), stay.Select(probability).ToArray());
        (_pieces, _probabilities) = (pieces, probabilities);
    }

    private static string Key(byte[] piece) => Convert.ToHexString(piece);

    /// <summary>The derivative of the logarithm of the gamma function: the expected logarithm of a probability that was seen so
    /// often.</summary>
    private static double Digamma(double x)
    {
        var result = 0.0;
        for (; x < 7; x++) result -= 1 / x;
        x -= 0.5;
        var square = 1 / (x * x);
        return result + Math.Log(x) + square * (1.0 / 24 - square * (7.0 / 960 - square * (31.0 / 8064 - square * 127.0 / 30720)));
    }
}
