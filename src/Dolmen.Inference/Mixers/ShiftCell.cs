using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference.Mixers;

// D features, S taps

/// <summary>The shift state space of H3 (Fu et al. 2023) one token at a time: y(t) = Σₗ k(l)·u(t − l) + skip·u(t) with
/// k(l) = Σₙ C(n + l)·B(n). Its state is a ring of the last S − 1 inputs.</summary>
internal sealed unsafe class ShiftCell : IDisposable
{
    private const int Lanes = RecurrentState.Lanes;

    private readonly int _ring;
    private readonly NativeBuffer _kernel;                               // blocks of (S, 16 features), the skip added to k(0)

    public ShiftCell(H3Spec spec, WeightSource weights)
    {
        var (d, taps) = (spec.DModel, spec.ShiftState);
        _ring = taps - 1;
        _kernel = NativeBuffer.OfFloats((d + Lanes - 1) / Lanes * Lanes * (long)taps);
        weights.Fill(() => Load(spec, weights));
    }

    public long Bytes => _kernel.Bytes;

    /// <summary>One block of features through M rows; <paramref name="position"/> is the first row's.</summary>
    /// <param name="state">(S − 1, 16).</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward(int block, int m, int position, float* u, int uStride, float* y, int yStride, int count, float* state)
    {
        var kernel = _kernel.Floats + (long)block * (_ring + 1) * Lanes;
        for (var t = 0; t < m; t++, position++, u += uStride, y += yStride)
        {
            var input = Vector512.Load(u);
            var sum = input * Vector512.Load(kernel);
            for (var l = 1; l <= Math.Min(_ring, position); l++)
                sum = Vector512.FusedMultiplyAdd(
                    Vector512.Load(state + (position - l) % _ring * Lanes),
                    Vector512.Load(kernel + l * Lanes),
                    sum
                );
            if (_ring > 0)
                input.Store(state + position % _ring * Lanes);
            VectorMath16.Store(sum, y, count);
        }
    }

    public void Dispose() => _kernel.Dispose();

    private void Load(H3Spec spec, WeightSource weights)
    {
        var (d, taps) = (spec.DModel, spec.ShiftState);
        ReadOnlySpan<float> input = weights.Tensor(spec.ShiftInput, (long)d * taps).Span,
            output = weights.Tensor(spec.ShiftOutput, (long)d * taps).Span;
        var skip = weights.Tensor(spec.ShiftSkip, d).Span;
        for (var i = 0; i < d; i++)
        {
            for (var l = 0; l < taps; l++)
            {
                double sum = l == 0 ? skip[i] : 0;
                for (var n = 0; n + l < taps; n++) sum += (double)output[i * taps + n + l] * input[i * taps + n];
                _kernel.Floats[((long)(i / Lanes) * taps + l) * Lanes + i % Lanes] = (float)sum;
            }
        }
    }
}
