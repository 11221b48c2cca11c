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
        switch (cached.Precision)
        {
            case KvPrecision.Int16: Query<KvInt16>(q, cached, first, end, headDim, slope, scores, output); break;
            case KvPrecision.Int8: Query<KvInt8>(q, cached, first, end, headDim, slope, scores, output); break;
            default: Query<KvFloat32>(q, cached, first, end, headDim, slope, scores, output); break;
        }
    }

    private static void Query<K>(
        float* q, KeysAndValues cached, int first, int end, int headDim, float slope, float* scores, float* output) where K : IKvCode
    {
        const int page = KvPage.Positions;
        // Whole blocks of positions: how the sums below are cut depends on positions alone.
        int start = first / Block * Block, length = (end + Block - 1) / Block * Block - start;
        for (var p = start; p < end; p = (p / page + 1) * page)
        {
            var blocks = (Math.Min(end, (p / page + 1) * page) - p + Block - 1) / Block;
            var keys = cached.Keys(p / page) + (long)(p % page) * headDim * K.Bytes;
            Scores<K>(q, keys, cached.KeyScales(p / page) + p % page, blocks, headDim, scores + (p - start));
        }
        if (slope != 0) for (var p = first; p < end; p++) scores[p - start] -= slope * (end - 1 - p);
        for (var p = start; p < first; p++) scores[p - start] = float.NegativeInfinity;
        for (var p = end; p < start + length; p++) scores[p - start] = float.NegativeInfinity;
        var sum = VectorMath.ExpInPlace(scores, length, VectorMath.Max(scores, length));
        if (K.IsScaled)
        {
            for (var p = first; p < end; p = (p / page + 1) * page)
            {
                var scales = cached.ValueScales(p / page) + p % page;
                for (var (i, count) = (0, Math.Min(end, (p / page + 1) * page) - p); i < count; i++) scores[p - start + i] *= scales[i];
            }
        }
        var stride = cached.ValueStride;
        for (var e = 0; e < headDim; e += 64)
        {
            var width = Math.Min(64, headDim - e);
            for (var p = first; p < end; p = (p / page + 1) * page)
            {
                var next = Math.Min(end, (p / page + 1) * page);
                var values = cached.Values(p / page) + ((long)(p % page) * stride + e) * K.Bytes;
                // Only the last page's sum is divided: the products by 1 before leave every bit.
                WeightedSum<K>(scores + (p - start), values, next - p, stride, next < end ? 1 : 1 / sum, output + e, width, p > first);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scores<K>(float* q, byte* keys, float* scales, int blocks, int headDim, float* scores) where K : IKvCode
    {
        var blockBytes = headDim * Block * K.Bytes;
        var b = 0;
        for (; b + 4 <= blocks; b += 4)
        {
            byte* k0 = keys + (long)b * blockBytes, k1 = k0 + blockBytes, k2 = k1 + blockBytes, k3 = k2 + blockBytes;
            Vector512<float> s0, s1, s2, s3;
            s0 = s1 = s2 = s3 = Vector512<float>.Zero;
            for (var e = 0; e < headDim; e++)
            {
                var x = Vector512.Create(q[e]);
                s0 = Vector512.FusedMultiplyAdd(x, K.Load(k0 + e * Block * K.Bytes), s0);
                s1 = Vector512.FusedMultiplyAdd(x, K.Load(k1 + e * Block * K.Bytes), s1);
                s2 = Vector512.FusedMultiplyAdd(x, K.Load(k2 + e * Block * K.Bytes), s2);
                s3 = Vector512.FusedMultiplyAdd(x, K.Load(k3 + e * Block * K.Bytes), s3);
            }
            Scaled<K>(s0, scales, b * Block).Store(scores + b * Block);
            Scaled<K>(s1, scales, b * Block + 16).Store(scores + b * Block + 16);
            Scaled<K>(s2, scales, b * Block + 32).Store(scores + b * Block + 32);
            Scaled<K>(s3, scales, b * Block + 48).Store(scores + b * Block + 48);
        }
        for (; b < blocks; b++)
        {
            var k = keys + (long)b * blockBytes;
            var s = Vector512<float>.Zero;
            for (var e = 0; e < headDim; e++) s = Vector512.FusedMultiplyAdd(Vector512.Create(q[e]), K.Load(k + e * Block * K.Bytes), s);
            Scaled<K>(s, scales, b * Block).Store(scores + b * Block);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Scaled<K>(Vector512<float> scores, float* scales, int at) where K : IKvCode =>
        K.IsScaled ? scores * Vector512.Load(scales + at) : scores;

    private static void WeightedSum<K>(
        float* weights, byte* values, int length, int stride, float scale, float* output, int width, bool accumulate) where K : IKvCode
    {
        if (width == 64)
        {
            WeightedSum4<K>(weights, values, length, stride, scale, output, accumulate);
            return;
        }
        for (var e = 0; e < width; e += Block)
        {
            var to = new Span<float>(output + e, Math.Min(Block, width - e));
            WeightedSum1<K>(weights, values + e * K.Bytes, length, stride, scale, to, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WeightedSum4<K>(float* weights, byte* values, int length, int stride, float scale, float* output, bool accumulate)
        where K : IKvCode
    {
        Vector512<float> y0, y1, y2, y3;
        y0 = y1 = y2 = y3 = Vector512<float>.Zero;
        if (accumulate)
        {
            (y0, y1) = (Vector512.Load(output), Vector512.Load(output + 16));
            (y2, y3) = (Vector512.Load(output + 32), Vector512.Load(output + 48));
        }
        for (var p = 0; p < length; p++, values += (long)stride * K.Bytes)
        {
            var w = Vector512.Create(weights[p]);
            y0 = Vector512.FusedMultiplyAdd(w, K.Load(values), y0);
            y1 = Vector512.FusedMultiplyAdd(w, K.Load(values + 16 * K.Bytes), y1);
            y2 = Vector512.FusedMultiplyAdd(w, K.Load(values + 32 * K.Bytes), y2);
            y3 = Vector512.FusedMultiplyAdd(w, K.Load(values + 48 * K.Bytes), y3);
        }
        var scales = Vector512.Create(scale);
        (y0 * scales).Store(output);
        (y1 * scales).Store(output + 16);
        (y2 * scales).Store(output + 32);
        (y3 * scales).Store(output + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WeightedSum1<K>(
        float* weights, byte* values, int length, int stride, float scale, Span<float> output, bool accumulate) where K : IKvCode
    {
        var y = Vector512<float>.Zero;
        if (accumulate) for (var i = 0; i < output.Length; i++) y = y.WithElement(i, output[i]);
        for (var p = 0; p < length; p++, values += (long)stride * K.Bytes)
        {
            y = Vector512.FusedMultiplyAdd(Vector512.Create(weights[p]), K.Load(values), y);
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
    private readonly long _keysAt, _keyScalesAt, _valuesAt, _valueScalesAt;

    public KeysAndValues(KvCache cache, int head)
    {
        _pages = cache.Pages;
        (_firstPage, ValueStride, Precision) = (cache.FirstPage, cache.ValueStride, cache.Precision);
        (_keysAt, _keyScalesAt) = (cache.KeysAt(head), cache.KeyScalesAt(head));
        (_valuesAt, _valueScalesAt) = (cache.ValuesAt(head), cache.ValueScalesAt(head));
    }

    public KvPrecision Precision { get; }

    /// <summary>A multiple of 16.</summary>
    public int ValueStride { get; }

    /// <summary>Blocks of (E, 16 positions).</summary>
    public byte* Keys(int page) => (byte*)_pages[page - _firstPage] + _keysAt;

    /// <summary>(positions).</summary>
    public float* KeyScales(int page) => (float*)((byte*)_pages[page - _firstPage] + _keyScalesAt);

    /// <summary>(positions, <see cref="ValueStride"/>).</summary>
    public byte* Values(int page) => (byte*)_pages[page - _firstPage] + _valuesAt;

    /// <summary>(positions).</summary>
    public float* ValueScales(int page) => (float*)((byte*)_pages[page - _firstPage] + _valueScalesAt);
}
