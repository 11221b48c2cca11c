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
    private readonly ContinuationSpec? _continuation;
    private readonly WeightMatrix _embedding;
    private readonly WeightMatrix? _gains;
    private readonly int _layer;

    /// <param name="embedding">Of the plan; not owned.</param>
    public TokenLookUps(DecoderPlan plan, WeightMatrix embedding, WeightSource source)
    {
        (_specs, _continuation, _embedding, _layer) = (plan.Ngrams ?? [], plan.Continuation, embedding, plan.Blocks.Count);
        _tables = [.. _specs.Select(spec => source.Matrix(new LinearSpec(spec.Weight, spec.Rows, spec.Size), MatrixRole.Table))];
        if (_continuation is { } spec) _gains = source.Matrix(new LinearSpec(spec.Gains, spec.Ahead * spec.MaxMatch, spec.Size), MatrixRole.Table);
    }

    /// <summary>Bytes the tables take in memory.</summary>
    public long Bytes => _tables.Sum(table => table.Bytes) + (_gains?.Bytes ?? 0);

    public static LayerState NewState(StateMemory memory) => new TokenHistory(memory);

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
            if (_continuation is { } continuation && _gains is { } gains)
                AddContinuations(continuation, gains, piece, history, stream, row, gain);
        }
    }

    public void Dispose()
    {
        foreach (var table in _tables) table.Dispose();
        _gains?.Dispose();
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

    private void AddContinuations(
        ContinuationSpec spec, WeightMatrix gains, Piece piece, TokenHistory history, float* stream, float* row, float* gain)
    {
        for (var i = 0; i < piece.Count; i++)
        {
            var text = history.Until(piece.Position + i);
            var (end, length) = ContinuationSpec.Find(text);
            if (length == 0) continue;
            var behind = spec.Followed(text, end);
            for (var k = 0; k < behind.Length; k++)
            {
                _embedding.CopyRow(behind[k], row);                             // (D)
                gains.CopyRow(spec.GainRow(k, length), gain);                   // (D)
                VectorMath.AddProducts(stream + (long)(piece.Row + i) * spec.Size, row, gain, spec.Size);
            }
        }
    }
}
