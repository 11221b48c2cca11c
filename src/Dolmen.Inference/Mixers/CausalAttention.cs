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

    public CausalAttention(AttentionSpec spec, WeightSource weights)
    {
        _spec = spec;
        _qkv = new DecodeLinear(spec.Qkv, weights);
        _output = new DecodeLinear(spec.Output, weights);
        _queryNorm = spec.QueryNorm is { } queryNorm ? new DecodeNorm(queryNorm, weights) : null;
        _keyNorm = spec.KeyNorm is { } keyNorm ? new DecodeNorm(keyNorm, weights) : null;
        _rotary = spec.Position is RotaryPosition rotary ? weights.Rotary(rotary, spec.HeadDim) : null;
        _slopes = spec.Position is AlibiPosition ? AlibiPosition.Slopes(spec.Heads) : new float[spec.Heads];
    }

    public override bool Grows => true;

    public override int OutputStride => _output.Stride;

    public override long WeightBytes => _qkv.Bytes + _output.Bytes + (_queryNorm?.Bytes ?? 0) + (_keyNorm?.Bytes ?? 0);

    public override LayerState NewState(int capacity) => new KvCache(_spec.KvHeads, _spec.HeadDim, capacity, _spec.Window);

    public override void Forward(float* x, int m, int position, LayerState state, float* y, DecodePass pass)
    {
        var cache = (KvCache)state;
        var qkv = pass.Floats(Scratch.Wide, (long)m * _qkv.Stride);
        var heads = pass.Floats(Scratch.Narrow, (long)m * _output.Inputs);
        _qkv.Forward(x, m, qkv, pass);                                   // (M, (H + 2K)·E)
        _rotary?.Prepare(position, m, Math.Max(pass.SequenceLength, position + m));
        // A ring has room for its window and so many tokens more.
        var step = _spec.Window is null ? m : KvCache.RingPass;
        for (var done = 0; done < m; done += step)
        {
            var rows = Math.Min(step, m - done);
            cache.Append(rows);
            for (var i = done; i < done + rows; i++) Place(qkv + (long)i * _qkv.Stride, position + i, cache);
            Attend(qkv + (long)done * _qkv.Stride, rows, position + done, cache, heads + (long)done * _output.Inputs, pass);    // (M, H·E)
        }
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

    /// <summary>Norms and turns the heads of one token; keys and values go to the cache.</summary>
    private void Place(float* row, int position, KvCache cache)
    {
        int e = _spec.HeadDim, heads = _spec.Heads, kvHeads = _spec.KvHeads;
        var scale = 1f / MathF.Sqrt(e) * (float)_spec.QueryScale;
        for (var h = 0; h < heads; h++)
        {
            var query = row + h * e;
            _queryNorm?.Forward(query, query);
            if (_rotary is not null) _rotary.Apply(query, position, scale);
            else for (var i = 0; i < e; i++) query[i] *= scale;
        }
        for (var h = 0; h < kvHeads; h++)
        {
            var key = row + (heads + h) * e;
            _keyNorm?.Forward(key, key);
            _rotary?.Apply(key, position, 1);
            cache.Put(h, position, key, key + kvHeads * e);
        }
    }

    /// <summary>Heads of a token one after the other, tokens shared out.</summary>
    private void Attend(float* qkv, int m, int position, KvCache cache, float* output, DecodePass pass)
    {
        int e = _spec.HeadDim, heads = _spec.Heads, stride = _qkv.Stride, window = _spec.Window ?? int.MaxValue;
        // One query a chunk while decoding, several tokens a chunk in prefill: each chunk has its own scratch for scores.
        var queries = m * heads;
        var visible = Math.Min(position + m, (long)window);
        var worth = queries * visible * e >= 1 << 16;
        var chunks = worth && pass.Threads > 1 ? Math.Min(queries, 8 * pass.Threads) : 1;
        var scoreLength = (int)((visible + 2 * Attention.Block - 1) / Attention.Block) * Attention.Block;
        var scores = pass.Floats(Scratch.Scores, (long)chunks * scoreLength);
        pass.Run(chunks, long.MaxValue, chunk =>
        {
            var last = (int)((long)queries * (chunk + 1) / chunks);
            for (var query = (int)((long)queries * chunk / chunks); query < last; query++)
            {
                var (i, h) = Math.DivRem(query, heads);
                var kvHead = h / (heads / _spec.KvHeads);
                var end = position + i + 1;
                Attention.Query(
                    qkv + (long)i * stride + h * e, cache.Keys(kvHead), cache.Values(kvHead), Math.Max(0, end - window), end, e,
                    cache.ValueStride, cache.RingBlocks, _slopes[h], scores + (long)chunk * scoreLength,
                    output + ((long)i * heads + h) * e);
            }
        });
    }
}
