namespace Dolmen.Inference.Layers;

/// <summary>Consecutive rows of a pass that belong to one sequence.</summary>
/// <param name="Slice">Which slice of the batch they come from, and <paramref name="Done"/>: how many of its tokens came before.</param>
/// <param name="Row">The first of them in the pass.</param>
/// <param name="Position">Of the first of them in the sequence.</param>
/// <param name="SequenceLength">What scaled rotary positions take for the length of the sequence.</param>
internal readonly record struct Piece(
    int Slice, int Done, DecodeState State, ReadOnlyMemory<int> Tokens, int Row, int Position, int SequenceLength)
{
    public int Count => Tokens.Length;
}

/// <summary>The rows of one pass, sequence after sequence.</summary>
internal sealed class PassRows
{
    private readonly List<Piece> _pieces = [];
    private readonly List<int> _pieceOf = [];

    public int Count => _pieceOf.Count;

    public IReadOnlyList<Piece> Pieces => _pieces;

    public int PieceIndexOf(int row) => _pieceOf[row];

    public Piece PieceOf(int row) => _pieces[_pieceOf[row]];

    /// <summary>Cuts a batch into passes of at most <paramref name="most"/> rows. Each is valid until the next is asked for, and expects
    /// that the states have taken in its tokens by then.</summary>
    public static IEnumerable<PassRows> Of(SequenceSlice[] batch, int most)
    {
        var rows = new PassRows();
        var lengths = Array.ConvertAll(batch, slice => slice.SequenceLength);
        for (var slice = 0; slice < batch.Length; slice++)
        {
            for (var done = 0; done < batch[slice].Tokens.Length;)
            {
                var count = Math.Min(most - rows.Count, batch[slice].Tokens.Length - done);
                rows.Add(slice, done, batch[slice].State, batch[slice].Tokens.Slice(done, count), lengths[slice]);
                done += count;
                if (rows.Count < most) continue;
                yield return rows;
                rows.Clear();
            }
        }
        if (rows.Count > 0) yield return rows;
    }

    private void Add(int slice, int done, DecodeState state, ReadOnlyMemory<int> tokens, int sequenceLength)
    {
        for (var i = 0; i < tokens.Length; i++) _pieceOf.Add(_pieces.Count);
        _pieces.Add(new Piece(slice, done, state, tokens, _pieceOf.Count - tokens.Length, state.Length, sequenceLength));
    }

    private void Clear()
    {
        _pieces.Clear();
        _pieceOf.Clear();
    }
}
