using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference.Mixers;

// M tokens of one pass, D model, H heads, K kv-heads, E head dim

/// <summary>Causal attention over a <see cref="KvCache"/>.</summary>
internal sealed unsafe class CausalAttention : DecodeMixer
{
    private readonly AttentionSpec _spec;
    private readonly DecodeLinear _qkv;
    private readonly DecodeLinear _output;
    private readonly DecodeNorm? _queryNorm;
    private readonly DecodeNorm? _keyNorm;
    private readonly RotaryTable? _rotary;
    private readonly float[] _slopes;
    private readonly KvPrecision _kept;

    public CausalAttention(AttentionSpec spec, WeightSource weights)
    {
        _spec = spec;
        _qkv = new DecodeLinear(spec.Qkv, weights);
        _output = new DecodeLinear(spec.Output, weights);
        _kept = weights.KeysAndValues(_qkv.IsBlocks);
        _queryNorm = spec.QueryNorm is { } queryNorm ? new DecodeNorm(queryNorm, weights) : null;
        _keyNorm = spec.KeyNorm is { } keyNorm ? new DecodeNorm(keyNorm, weights) : null;
        _rotary = spec.Position is RotaryPosition rotary ? weights.Rotary(rotary, spec.HeadDim) : null;
        _slopes = spec.Position is AlibiPosition ? AlibiPosition.Slopes(spec.Heads) : new float[spec.Heads];
    }

    public override bool Grows => true;

    public override int OutputStride => _output.Stride;

    public override long WeightBytes => _qkv.Bytes + _output.Bytes + (_queryNorm?.Bytes ?? 0) + (_keyNorm?.Bytes ?? 0);

    public override LayerState NewState(StateMemory memory) =>
        new KvCache(_spec.KvHeads, _spec.HeadDim, _spec.Window, memory, _kept);

    public override long StateBytes(int tokens) =>
        KvCache.PositionBytes(_spec.KvHeads, _spec.HeadDim, _kept) * _spec.StateTokens(tokens);

    public override void Forward(float* x, PassRows rows, int layer, float* y, DecodePass pass)
    {
        var m = rows.Count;
        var qkv = pass.Floats(Scratch.Wide, (long)m * _qkv.Stride);
        var heads = pass.Floats(Scratch.Narrow, (long)m * _output.Inputs);
        _qkv.Forward(x, m, qkv, pass);                                   // (M, (H + 2K)·E)
        Place(qkv, rows, layer, pass);
        Attend(qkv, rows, layer, heads, pass);                           // (M, H·E)
        foreach (var piece in rows.Pieces) CacheOf(piece, layer).Forget();
        _output.Forward(heads, m, y, pass);                              // (M, D)
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _qkv.Dispose();
        _output.Dispose();
        _queryNorm?.Dispose();
        _keyNorm?.Dispose();
    }

    private static KvCache CacheOf(Piece piece, int layer) => (KvCache)piece.State.Layers[layer];

    /// <summary>Norms and turns the heads of every token; keys and values go to the caches.</summary>
    private void Place(float* qkv, PassRows rows, int layer, DecodePass pass)
    {
        var pieces = rows.Pieces;
        var angles = new RotaryTable.Rows?[pieces.Count];
        for (var i = 0; i < pieces.Count; i++)
        {
            angles[i] = _rotary?.Prepare(pieces[i].Position, pieces[i].Count, pieces[i].SequenceLength);
            CacheOf(pieces[i], layer).Append(pieces[i].Count);
        }
        var chunks = Math.Min(rows.Count, 4 * pass.Threads);
        pass.Run(chunks, (long)rows.Count * _qkv.Outputs, chunk =>
        {
            var last = (int)((long)rows.Count * (chunk + 1) / chunks);
            for (var row = (int)((long)rows.Count * chunk / chunks); row < last; row++)
            {
                var piece = rows.PieceOf(row);
                var cache = CacheOf(piece, layer);
                Place(qkv + (long)row * _qkv.Stride, piece.Position + row - piece.Row, angles[rows.PieceIndexOf(row)], cache);
            }
        });
    }

    private void Place(float* row, int position, RotaryTable.Rows? angles, KvCache cache)
    {
        int e = _spec.HeadDim, heads = _spec.Heads, kvHeads = _spec.KvHeads;
        var scale = 1f / MathF.Sqrt(e) * (float)_spec.QueryScale;
        for (var h = 0; h < heads; h++)
        {
            var query = row + h * e;
            _queryNorm?.Forward(query, query);
            if (angles is not null) angles.Apply(query, position, scale);
            else for (var i = 0; i < e; i++) query[i] *= scale;
        }
        for (var h = 0; h < kvHeads; h++)
        {
            var key = row + (heads + h) * e;
            _keyNorm?.Forward(key, key);
            angles?.Apply(key, position, 1);
            cache.Put(h, position, key, key + kvHeads * e);
        }
    }

    /// <summary>Heads of a token one after the other, tokens shared out.</summary>
    private void Attend(float* qkv, PassRows rows, int layer, float* output, DecodePass pass)
    {
        int e = _spec.HeadDim, heads = _spec.Heads, stride = _qkv.Stride, window = _spec.Window ?? int.MaxValue;
        // One query a chunk while decoding, several tokens a chunk in prefill: each chunk has its own scratch for scores.
        var queries = rows.Count * heads;
        var (longest, work) = (0, 0L);
        foreach (var piece in rows.Pieces)
        {
            var visible = Math.Min(piece.Position + piece.Count, window);
            longest = Math.Max(longest, visible);
            work += (long)piece.Count * heads * visible * e;
        }
        var chunks = work >= 1 << 16 && pass.Threads > 1 ? Math.Min(queries, 8 * pass.Threads) : 1;
        var scoreLength = (int)(((long)longest + 2 * Attention.Block - 1) / Attention.Block) * Attention.Block;
        var scores = pass.Floats(Scratch.Scores, (long)chunks * scoreLength);
        pass.Run(chunks, long.MaxValue, chunk =>
        {
            var last = (int)((long)queries * (chunk + 1) / chunks);
            for (var query = (int)((long)queries * chunk / chunks); query < last; query++)
            {
                var (row, h) = Math.DivRem(query, heads);
                var piece = rows.PieceOf(row);
                var cache = CacheOf(piece, layer);
                var end = piece.Position + row - piece.Row + 1;
                Attention.Query(
                    qkv + (long)row * stride + h * e, new KeysAndValues(cache, h / (heads / _spec.KvHeads)), Math.Max(0, end - window), end,
                    e, _slopes[h], scores + (long)chunk * scoreLength, output + ((long)row * heads + h) * e);
            }
        });
    }
}
