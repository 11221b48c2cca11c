using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dolmen.Inference.Kernels;

// E head dim

/// <summary>One query of one head over the cached keys and values. Prefill and decode use the same loops in the same order, so a token's
/// result has the same bits however the prompt was cut. Where 512-bit vectors are missing, the runtime does each as two halves.</summary>
internal static unsafe class Attention
{
    /// <summary>Keys of this many positions lie side by side, so that scores need no sum across a vector.</summary>
    public const int Block = 16;

    /// <param name="q">(E), rotated and divided by √E.</param>
    /// <param name="keys">Blocks of (E, 16 positions).</param>
    /// <param name="values">(positions, <paramref name="valueStride"/>), the stride a multiple of 16.</param>
    /// <param name="length">Positions seen, at least one.</param>
    /// <param name="scores">Scratch, <paramref name="length"/> rounded up to a block.</param>
    /// <param name="output">(E)</param>
    public static void Query(float* q, float* keys, float* values, int length, int headDim, int valueStride, float* scores, float* output)
    {
        var blocks = (length + Block - 1) / Block;
        Scores(q, keys, blocks, headDim, scores);
        for (var p = length; p < blocks * Block; p++) scores[p] = float.NegativeInfinity;
        var sum = VectorMath.ExpInPlace(scores, blocks * Block, VectorMath.Max(scores, blocks * Block));
        var e = 0;
        for (; e + 64 <= headDim; e += 64) WeightedSum4(scores, values + e, length, valueStride, 1 / sum, output + e);
        for (; e < headDim; e += Block)
        {
            WeightedSum(scores, values + e, length, valueStride, 1 / sum, new Span<float>(output + e, Math.Min(Block, headDim - e)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scores(float* q, float* keys, int blocks, int headDim, float* scores)
    {
        var blockSize = headDim * Block;
        var b = 0;
        for (; b + 4 <= blocks; b += 4)
        {
            float* k0 = keys + (long)b * blockSize, k1 = k0 + blockSize, k2 = k1 + blockSize, k3 = k2 + blockSize;
            Vector512<float> s0, s1, s2, s3;
            s0 = s1 = s2 = s3 = Vector512<float>.Zero;
            for (var e = 0; e < headDim; e++)
            {
                var x = Vector512.Create(q[e]);
                s0 = Vector512.FusedMultiplyAdd(x, Vector512.Load(k0 + e * Block), s0);
                s1 = Vector512.FusedMultiplyAdd(x, Vector512.Load(k1 + e * Block), s1);
                s2 = Vector512.FusedMultiplyAdd(x, Vector512.Load(k2 + e * Block), s2);
                s3 = Vector512.FusedMultiplyAdd(x, Vector512.Load(k3 + e * Block), s3);
            }
            s0.Store(scores + b * Block);
            s1.Store(scores + b * Block + 16);
            s2.Store(scores + b * Block + 32);
            s3.Store(scores + b * Block + 48);
        }
        for (; b < blocks; b++)
        {
            var k = keys + (long)b * blockSize;
            var s = Vector512<float>.Zero;
            for (var e = 0; e < headDim; e++) s = Vector512.FusedMultiplyAdd(Vector512.Create(q[e]), Vector512.Load(k + e * Block), s);
            s.Store(scores + b * Block);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WeightedSum4(float* weights, float* values, int length, int stride, float scale, float* output)
    {
        Vector512<float> y0, y1, y2, y3;
        y0 = y1 = y2 = y3 = Vector512<float>.Zero;
        for (var p = 0; p < length; p++, values += stride)
        {
            var w = Vector512.Create(weights[p]);
            y0 = Vector512.FusedMultiplyAdd(w, Vector512.Load(values), y0);
            y1 = Vector512.FusedMultiplyAdd(w, Vector512.Load(values + 16), y1);
            y2 = Vector512.FusedMultiplyAdd(w, Vector512.Load(values + 32), y2);
            y3 = Vector512.FusedMultiplyAdd(w, Vector512.Load(values + 48), y3);
        }
        var scales = Vector512.Create(scale);
        (y0 * scales).Store(output);
        (y1 * scales).Store(output + 16);
        (y2 * scales).Store(output + 32);
        (y3 * scales).Store(output + 48);
    }

    private static void WeightedSum(float* weights, float* values, int length, int stride, float scale, Span<float> output)
    {
        var y = Vector512<float>.Zero;
        for (var p = 0; p < length; p++, values += stride)
        {
            y = Vector512.FusedMultiplyAdd(Vector512.Create(weights[p]), Vector512.Load(values), y);
        }
        y *= Vector512.Create(scale);
        for (var i = 0; i < output.Length; i++) output[i] = y[i];
    }
}
