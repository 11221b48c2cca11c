using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Inference.Mixers;

namespace Dolmen.Inference.Kernels;

// E head dim

/// <summary>One query of one head over the cached keys and values. Prefill and decode use the same loops in the same order, so a token's
/// result has the same bits however the prompt was cut. Where 512-bit vectors are missing, the runtime does each as two halves.</summary>
internal static unsafe class Attention
{
    /// <summary>Keys of this many positions lie side by side, so that scores need no sum across a vector.</summary>
    public const int Block = 16;

    /// <param name="q">(E), rotated and divided by √E.</param>
    /// <param name="first">The first position seen.</param>
    /// <param name="end">After the last position seen, above <paramref name="first"/>.</param>
    /// <param name="slope">What a score loses for each position of distance (ALiBi); 0 for none.</param>
    /// <param name="scores">Scratch: <paramref name="end"/> − <paramref name="first"/> rounded out to whole blocks.</param>
    /// <param name="output">(E)</param>
    public static void Query(float* q, KeysAndValues cached, int first, int end, int headDim, float slope, float* scores, float* output)
    {
        const int page = KvPage.Positions;
        // Whole blocks of positions: how the sums below are cut depends on positions alone.
        int start = first / Block * Block, length = (end + Block - 1) / Block * Block - start;
        for (var p = start; p < end; p = (p / page + 1) * page)
        {
            var blocks = (Math.Min(end, (p / page + 1) * page) - p + Block - 1) / Block;
            Scores(q, cached.Keys(p / page) + p % page * headDim, blocks, headDim, scores + (p - start));
        }
        if (slope != 0) for (var p = first; p < end; p++) scores[p - start] -= slope * (end - 1 - p);
        for (var p = start; p < first; p++) scores[p - start] = float.NegativeInfinity;
        for (var p = end; p < start + length; p++) scores[p - start] = float.NegativeInfinity;
        var sum = VectorMath.ExpInPlace(scores, length, VectorMath.Max(scores, length));
        var stride = cached.ValueStride;
        for (var e = 0; e < headDim; e += 64)
        {
            var width = Math.Min(64, headDim - e);
            for (var p = first; p < end; p = (p / page + 1) * page)
            {
                var next = Math.Min(end, (p / page + 1) * page);
                var values = cached.Values(p / page) + p % page * stride + e;
                // Only the last page's sum is divided: the products by 1 before leave every bit.
                WeightedSum(scores + (p - start), values, next - p, stride, next < end ? 1 : 1 / sum, output + e, width, p > first);
            }
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

    private static void WeightedSum(
        float* weights, float* values, int length, int stride, float scale, float* output, int width, bool accumulate)
    {
        if (width == 64)
        {
            WeightedSum4(weights, values, length, stride, scale, output, accumulate);
            return;
        }
        for (var e = 0; e < width; e += Block)
        {
            WeightedSum1(weights, values + e, length, stride, scale, new Span<float>(output + e, Math.Min(Block, width - e)), accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WeightedSum4(float* weights, float* values, int length, int stride, float scale, float* output, bool accumulate)
    {
        Vector512<float> y0, y1, y2, y3;
        y0 = y1 = y2 = y3 = Vector512<float>.Zero;
        if (accumulate)
        {
            (y0, y1) = (Vector512.Load(output), Vector512.Load(output + 16));
            (y2, y3) = (Vector512.Load(output + 32), Vector512.Load(output + 48));
        }
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WeightedSum1(
        float* weights, float* values, int length, int stride, float scale, Span<float> output, bool accumulate)
    {
        var y = Vector512<float>.Zero;
        if (accumulate) for (var i = 0; i < output.Length; i++) y = y.WithElement(i, output[i]);
        for (var p = 0; p < length; p++, values += stride)
        {
            y = Vector512.FusedMultiplyAdd(Vector512.Create(weights[p]), Vector512.Load(values), y);
        }
        y *= Vector512.Create(scale);
        for (var i = 0; i < output.Length; i++) output[i] = y[i];
    }
}

/// <summary>What is cached of one head, page by page.</summary>
internal readonly unsafe ref struct KeysAndValues
{
    private readonly ReadOnlySpan<nint> _pages;
    private readonly int _firstPage;
    private readonly long _keysAt, _valuesAt;

    public KeysAndValues(KvCache cache, int head)
    {
        _pages = cache.Pages;
        (_firstPage, ValueStride) = (cache.FirstPage, cache.ValueStride);
        (_keysAt, _valuesAt) = (cache.KeysAt(head), cache.ValuesAt(head));
    }

    /// <summary>A multiple of 16.</summary>
    public int ValueStride { get; }

    /// <summary>Blocks of (E, 16 positions).</summary>
    public float* Keys(int page) => (float*)_pages[page - _firstPage] + _keysAt;

    /// <summary>(positions, <see cref="ValueStride"/>).</summary>
    public float* Values(int page) => (float*)_pages[page - _firstPage] + _valuesAt;
}
