using Dolmen.Checkpoints;
using Dolmen.Inference.Mixers;

namespace Dolmen.Inference.Layers;

// M tokens of one pass, D model

/// <summary>What is added to an embedding because of the tokens before it: rows of n-gram tables, and what followed an earlier occurrence.
/// What the next token needs of those before it is a state of its own, behind those of the blocks.</summary>
internal sealed unsafe class TokenLookUps : IDisposable
{
    private readonly IReadOnlyList<NgramTableSpec> _specs;
    private readonly WeightMatrix[] _tables;
    private readonly IReadOnlyList<ContinuationSpec> _continuations;
    private readonly WeightMatrix _embedding;
    private readonly WeightMatrix[] _gains;
    private readonly int _layer;

    /// <param name="embedding">Of the plan; not owned.</param>
    public TokenLookUps(DecoderPlan plan, WeightMatrix embedding, WeightSource source)
    {
        (_specs, _continuations, _embedding, _layer) = (plan.Ngrams ?? [], plan.Continuations ?? [], embedding, plan.Blocks.Count);
        _tables = [.. _specs.Select(spec => source.Matrix(new LinearSpec(spec.Weight, spec.Rows, spec.Size), MatrixRole.Table))];
        _gains = [.. _continuations.Select(spec => source.Matrix(new LinearSpec(spec.Weight, spec.Rows, spec.Size), MatrixRole.Table))];
    }

    /// <summary>Bytes the tables take in memory.</summary>
    public long Bytes => _tables.Sum(table => table.Bytes) + _gains.Sum(gains => gains.Bytes);

    public LayerState NewState(StateMemory memory) => new TokenHistory(memory, _continuations.Count > 0);

    /// <summary>Adds to the stream, (M, D), and takes the pass's tokens into the states.</summary>
    /// <param name="row">Scratch, (D).</param>
    /// <param name="gain">Scratch, (D).</param>
    public void Add(PassRows rows, float* stream, float* row, float* gain)
    {
        foreach (var piece in rows.Pieces)
        {
            var history = (TokenHistory)piece.State.Layers[_layer];
            history.Append(piece.Tokens.Span, piece.Position);
            for (var t = 0; t < _tables.Length; t++) AddTable(_specs[t], _tables[t], piece, history, stream, row);
            for (var c = 0; c < _gains.Length; c++) AddContinuation(_continuations[c], _gains[c], piece, history, stream, row, gain);
        }
    }

    public void Dispose()
    {
        foreach (var table in _tables) table.Dispose();
        foreach (var gains in _gains) gains.Dispose();
    }

    private static void AddTable(NgramTableSpec spec, WeightMatrix table, Piece piece, TokenHistory history, float* stream, float* row)
    {
        Span<int> ngram = stackalloc int[spec.Order];
        for (var i = 0; i < piece.Count; i++)
        {
            history.Last(piece.Position + i, ngram);
            table.CopyRow(spec.RowOf(ngram), row);                              // (D)
            VectorMath.Add(stream + (long)(piece.Row + i) * spec.Size, row, spec.Size);
        }
    }

    private void AddContinuation(
        ContinuationSpec spec, WeightMatrix gains, Piece piece, TokenHistory history, float* stream, float* row, float* gain)
    {
        for (var i = 0; i < piece.Count; i++)
        {
            var match = spec.Match(history.MatchesUntil(piece.Position + i));
            if (match.Length == 0) continue;
            var to = stream + (long)(piece.Row + i) * spec.Size;
            var behind = spec.Followed(history.Until(piece.Position + i), match);
            for (var k = 0; k < behind.Length; k++)
            {
                _embedding.CopyRow(behind[k], row);                             // (D)
                gains.CopyRow(spec.GainRow(k, match), gain);                    // (D)
                VectorMath.AddProducts(to, row, gain, spec.Size);
            }
            gains.CopyRow(spec.LengthRow(match), gain);                         // (D)
            VectorMath.Add(to, gain, spec.Size);
        }
    }
}
