// D features, N taps
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Dolmen.Inference.Mixers;

/// <summary>The shift state space of H3 (Fu et al. 2023) one token at a time: its state is a ring of the last N − 1 inputs, its output
/// y(t) = Σₗ k(l)·u(t − l) + skip·u(t) with k(l) = Σₙ C(n + l)·B(n).</summary>
public sealed unsafe class ShiftRecurrence
{
    private readonly int _features, _taps;
    private readonly float[] _kernel;                                   // (N, D), the skip added to k(0)

    /// <param name="input">B, (D, N); likewise <paramref name="output"/>, C.</param>
    /// <param name="skip">(D).</param>
    public ShiftRecurrence(float[] input, float[] output, float[] skip)
    {
        (_features, _taps) = (skip.Length, input.Length / skip.Length);
        _kernel = new float[_taps * _features];
        for (var d = 0; d < _features; d++)
        {
            for (var l = 0; l < _taps; l++)
            {
                double sum = l == 0 ? skip[d] : 0;
                for (var n = 0; n + l < _taps; n++) sum += (double)output[d * _taps + n + l] * input[d * _taps + n];
                _kernel[l * _features + d] = (float)sum;
            }
        }
    }

    /// <summary>Numbers of state a sequence holds.</summary>
    public int StateSize => (_taps - 1) * _features;

    /// <summary>One step: u (D), y (D) a buffer of its own; <paramref name="position"/> counts the tokens before this one,
    /// <paramref name="state"/> starts as zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Step(ReadOnlySpan<float> u, Span<float> state, int position, Span<float> y)
    {
        if (u.Length != _features || y.Length != _features || state.Length != StateSize)
            throw new ArgumentException($"A step of {_features} features got {u.Length} inputs, {y.Length} outputs and {state.Length} numbers of state; it takes {StateSize}.", nameof(u));
        var ring = _taps - 1;
        fixed (float* input = u, past = state, result = y, kernel = _kernel)
        {
            Product(input, kernel, result, _features, add: false);
            for (var l = 1; l <= Math.Min(ring, position); l++)
                Product(past + (position - l) % ring * _features, kernel + l * _features, result, _features, add: true);
        }
        if (ring > 0) u.CopyTo(state.Slice(position % ring * _features, _features));
    }

    /// <summary>y = a·b, or y += a·b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Product(float* a, float* b, float* y, int count, bool add)
    {
        var i = 0;
        for (; i + Vector<float>.Count <= count; i += Vector<float>.Count)
        {
            var sum = add ? Vector.Load(y + i) : Vector<float>.Zero;
            Vector.FusedMultiplyAdd(Vector.Load(a + i), Vector.Load(b + i), sum).Store(y + i);
        }
        for (; i < count; i++) y[i] = (add ? y[i] : 0) + a[i] * b[i];
    }
}
