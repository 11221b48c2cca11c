// B batch, T sequence, D model, H heads, K kv-heads, E head dim
using Dolmen.Checkpoints;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Mixers;

internal sealed class AttentionMixer : SequenceMixer
{
    private readonly AttentionSpec _spec;
    private readonly LayerMath _math;
    private readonly AttentionPattern _pattern;

    // Nothing between the projections but attention.
    private readonly bool _isPlain;

    public AttentionMixer(AttentionSpec spec, LayerMath math, int contextLength)
    {
        (_spec, _math) = (spec, math);
        _pattern = AttentionPattern.Of(spec, contextLength);
        _isPlain = !spec.Qkv.HasBias && !spec.Output.HasBias && spec is { QueryNorm: null, KeyNorm: null, QueryScale: 1 };
    }

    public override void Declare(WeightLayout layout, Initializer residual)
    {
        layout.Add(_spec.Qkv, Initializers.Hidden);
        layout.Add(_spec.Output, residual);
        if (_spec.QueryNorm is not null) layout.Add(_spec.QueryNorm);
        if (_spec.KeyNorm is not null) layout.Add(_spec.KeyNorm);
    }

    public override Tensor Forward(Tensor x, ParameterStore weights, Segments? segments)
    {
        if (_isPlain) return _math.AttentionLayer(x, weights[_spec.Qkv.Name], weights[_spec.Output.Name], _pattern, segments);
        using var scope = NewDisposeScope();
        var qkv = _spec.Qkv.Apply(x, weights);                                  // (B, T, (H+2K)·E)
        if (_spec.QueryNorm is not null && _spec.KeyNorm is not null) qkv = Normalize(qkv, weights);
        if (_spec.QueryScale != 1) qkv = ScaleQueries(qkv);
        var heads = _math.CausalAttention(qkv, _pattern, segments);                       // (B, T, H·E)
        return _spec.Output.Apply(heads, weights).MoveToOuterDisposeScope();    // (B, T, D)
    }

    private Tensor ScaleQueries(Tensor qkv)
    {
        using var scope = NewDisposeScope();
        var queries = (long)_spec.Heads * _spec.HeadDim;
        var parts = qkv.split([queries, qkv.shape[^1] - queries], -1);          // (B, T, H·E), (B, T, 2K·E)
        return cat([parts[0] * _spec.QueryScale, parts[1]], -1).MoveToOuterDisposeScope();   // (B, T, (H+2K)·E)
    }

    public override void Dispose()
    {
        base.Dispose();
        _pattern.Dispose();
    }

    /// <summary>RMSNorm over each query and each key head (Qwen 3).</summary>
    private Tensor Normalize(Tensor qkv, ParameterStore weights)
    {
        using var scope = NewDisposeScope();
        var (b, t, e) = (qkv.shape[0], qkv.shape[1], (long)_spec.HeadDim);
        var parts = qkv.view(b, t, -1, e).split([_spec.Heads, _spec.KvHeads, _spec.KvHeads], 2);      // (B, T, H|K|K, E)
        var q = _math.RmsNorm(parts[0], weights[_spec.QueryNorm!.Weight], _spec.QueryNorm.Epsilon);   // (B, T, H, E)
        var k = _math.RmsNorm(parts[1], weights[_spec.KeyNorm!.Weight], _spec.KeyNorm.Epsilon);       // (B, T, K, E)
        return cat([q, k, parts[2]], 2).view(b, t, -1).MoveToOuterDisposeScope();                     // (B, T, (H+2K)·E)
    }
}
