using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;

namespace Dolmen.Inference.Layers;

/// <summary>RMSNorm, or LayerNorm where there is a bias.</summary>
internal sealed unsafe class DecodeNorm(NormSpec spec, WeightSource weights) : IDisposable
{
    private readonly NativeBuffer _weight = weights.Vector(spec.Weight, spec.Size);
    private readonly NativeBuffer? _bias = spec.Bias is { } bias ? weights.Vector(bias, spec.Size) : null;
    private readonly float _eps = (float)spec.Epsilon;

    public int Size => spec.Size;

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
