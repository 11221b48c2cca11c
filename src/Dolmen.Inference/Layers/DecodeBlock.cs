using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Mixers;

namespace Dolmen.Inference.Layers;

// M tokens of one pass, D model

/// <summary>x ← x + mixer(norm(x)), then x ← x + feedForward(norm(x)) where the block has one.</summary>
internal sealed unsafe class DecodeBlock : IDisposable
{
    private readonly DecodeNorm _mixerNorm;
    private readonly DecodeNorm? _feedForwardNorm;
    private readonly DecodeFeedForward? _feedForward;

    public DecodeBlock(BlockSpec spec, WeightSource weights)
    {
        _mixerNorm = new DecodeNorm(spec.MixerNorm, weights);
        Mixer = DecodeMixer.Create(spec.Mixer, weights);
        if (spec.FeedForward is null) return;
        if (spec.FeedForwardNorm is null) throw new ArgumentException("A feed-forward needs its norm.", nameof(spec));
        _feedForwardNorm = new DecodeNorm(spec.FeedForwardNorm, weights);
        _feedForward = DecodeFeedForward.Create(spec.FeedForward, weights);
    }

    public DecodeMixer Mixer { get; }

    public int OutputStride => Math.Max(Mixer.OutputStride, _feedForward?.OutputStride ?? 0);

    public long WeightBytes => _mixerNorm.Bytes + Mixer.WeightBytes + (_feedForwardNorm?.Bytes ?? 0) + (_feedForward?.WeightBytes ?? 0);

    /// <param name="x">The residual stream, (M, D), changed in place.</param>
    /// <param name="layer">Index of the block, and of its state in those of the sequences.</param>
    /// <param name="normed">Scratch, (M, D).</param>
    /// <param name="output">Scratch, (M, <see cref="OutputStride"/>).</param>
    public void Forward(float* x, PassRows rows, int layer, float* normed, float* output, DecodePass pass)
    {
        var m = rows.Count;
        Normalize(_mixerNorm, x, m, normed);
        Mixer.Forward(normed, rows, layer, output, pass);                // (M, D)
        AddResidual(x, m, output, Mixer.OutputStride);
        if (_feedForward is null || _feedForwardNorm is null) return;
        Normalize(_feedForwardNorm, x, m, normed);
        _feedForward.Forward(normed, m, output, pass);                   // (M, D)
        AddResidual(x, m, output, _feedForward.OutputStride);
    }

    public void Dispose()
    {
        _mixerNorm.Dispose();
        Mixer.Dispose();
        _feedForwardNorm?.Dispose();
        _feedForward?.Dispose();
    }

    private static void Normalize(DecodeNorm norm, float* x, int m, float* normed)
    {
        for (var i = 0; i < m; i++) norm.Forward(x + (long)i * norm.Size, normed + (long)i * norm.Size);
    }

    private void AddResidual(float* x, int m, float* output, int stride)
    {
        var d = _mixerNorm.Size;
        for (var i = 0; i < m; i++) VectorMath.Add(x + (long)i * d, output + (long)i * stride, d);
    }
}
