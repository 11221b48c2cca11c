using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;

namespace Dolmen.Inference.Layers;

/// <summary>RMSNorm, or LayerNorm where there is a bias.</summary>
internal sealed unsafe class DecodeNorm : IDisposable
{
    private readonly NativeBuffer _weight;
    private readonly NativeBuffer? _bias;
    private readonly float _eps;

    public DecodeNorm(NormSpec spec, WeightSource weights)
    {
        _weight = weights.Vector(spec.Weight, spec.Size);
        _bias = spec.Bias is { } bias ? weights.Vector(bias, spec.Size) : null;
        (_eps, Size) = ((float)spec.Epsilon, spec.Size);
    }

    /// <summary>An RMSNorm without weights.</summary>
    public DecodeNorm(int size, double epsilon)
    {
        _weight = NativeBuffer.OfFloats((size + 15) / 16 * 16);
        new Span<float>(_weight.Floats, size).Fill(1);
        (_eps, Size) = ((float)epsilon, size);
    }

    public int Size { get; }

    public long Bytes => _weight.Bytes + (_bias?.Bytes ?? 0);

    /// <summary>One row; <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public void Forward(float* x, float* y)
    {
        if (_bias is null) VectorMath.RmsNorm(x, _weight.Floats, y, Size, _eps);
        else VectorMath.LayerNorm(x, _weight.Floats, _bias.Floats, y, Size, _eps);
    }

    public void Dispose()
    {
        _weight.Dispose();
        _bias?.Dispose();
    }
}
