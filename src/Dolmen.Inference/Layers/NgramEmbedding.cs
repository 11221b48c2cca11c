using Dolmen.Checkpoints;
using Dolmen.Inference.Mixers;

namespace Dolmen.Inference.Layers;

// M tokens of one pass, D model

/// <summary>Rows of n-gram tables, added to the embeddings of a pass. What the n-grams of the next token need is a state of its own, behind
/// those of the blocks.</summary>
internal sealed unsafe class NgramEmbedding : IDisposable
{
    private readonly IReadOnlyList<NgramTableSpec> _specs;
    private readonly WeightMatrix[] _tables;
    private readonly int _layer;

    /// <param name="layer">Index of the state among those of a sequence.</param>
    public NgramEmbedding(IReadOnlyList<NgramTableSpec> specs, int layer, WeightSource source)
    {
        (_specs, _layer) = (specs, layer);
        _tables = [.. specs.Select(spec => source.Matrix(new LinearSpec(spec.Weight, spec.Rows, spec.Size), MatrixRole.Table))];
    }

    /// <summary>Bytes the tables take in memory.</summary>
    public long Bytes => _tables.Sum(table => table.Bytes);

    public static LayerState NewState(StateMemory memory) => new TokenHistory(memory);

    /// <summary>Adds to the stream, (M, D), and takes the pass's tokens into the states.</summary>
    /// <param name="row">Scratch, (D).</param>
    public void Add(PassRows rows, float* stream, float* row)
    {
        Span<int> last = stackalloc int[_specs.Max(spec => spec.Order)];
        foreach (var piece in rows.Pieces)
        {
            var history = (TokenHistory)piece.State.Layers[_layer];
            history.Append(piece.Tokens.Span, piece.Position);
            for (var t = 0; t < _tables.Length; t++)
            {
                var (spec, table) = (_specs[t], _tables[t]);
                var ngram = last[..spec.Order];
                for (var i = 0; i < piece.Count; i++)
                {
                    history.Last(piece.Position + i, ngram);
                    table.CopyRow(spec.RowOf(ngram), row);               // (D)
                    VectorMath.Add(stream + (long)(piece.Row + i) * spec.Size, row, spec.Size);
                }
            }
        }
    }

    public void Dispose()
    {
        foreach (var table in _tables) table.Dispose();
    }
}
