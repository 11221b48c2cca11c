using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;

namespace Dolmen.Inference.Layers;

// M rows, K inputs, N outputs

/// <summary>y = x·Wᵀ + b.</summary>
internal sealed unsafe class DecodeLinear : IDisposable
{
    private readonly WeightMatrix _matrix;
    private readonly NativeBuffer? _bias;

    public DecodeLinear(LinearSpec spec, WeightSource weights, MatrixRole role = MatrixRole.Projection)
    {
        _matrix = weights.Matrix(spec, role);
        if (!spec.HasBias) return;
        _bias = NativeBuffer.OfFloats(_matrix.PaddedOutputs);
        var first = 0;
        foreach (var part in spec.Parts)
        {
            if (part.Bias is null) throw new ArgumentException($"'{part.Weight}' has no bias but the parts beside it do.", nameof(spec));
            var to = _bias.Floats + first;
            weights.Fill(() => weights.Tensor(part.Bias, part.Outputs).Span.CopyTo(new Span<float>(to, part.Outputs)));
            first += part.Outputs;
        }
    }

    public int Inputs => _matrix.Inputs;

    /// <summary>Whether weights and inputs are rounded to blocks of codes.</summary>
    public bool IsBlocks => _matrix is not PackedMatrix;

    public int Outputs => _matrix.Outputs;

    /// <summary>Floats from one row of the output to the next.</summary>
    public int Stride => _matrix.PaddedOutputs;

    public long Bytes => _matrix.Bytes + (_bias?.Bytes ?? 0);

    /// <param name="x">(M, K)</param>
    /// <param name="y">(M, <see cref="Stride"/>)</param>
    public void Forward(float* x, int m, float* y, DecodePass pass)
    {
        pass.Multiply(_matrix, x, m, y);
        if (_bias is null) return;
        for (var i = 0; i < m; i++) VectorMath.Add(y + (long)i * Stride, _bias.Floats, Stride);
    }

    public void Dispose()
    {
        _matrix.Dispose();
        _bias?.Dispose();
    }
}
