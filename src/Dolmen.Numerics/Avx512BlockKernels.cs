using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dolmen.Numerics;

/// <summary>Sixteen outputs in one register, four or eight rows at once so that a weight is widened once for all of them.</summary>
internal sealed unsafe class Avx512BlockKernels : BlockKernels
{
    private const int ScaleBytes = 32, Int8Bytes = ScaleBytes + 512, Int4Bytes = ScaleBytes + 256;

    public override void Int8(byte* weights, byte* inputs, int blocks, int m, float* y, int stride)
    {
        var row = 0;
        for (; row + 4 <= m; row += 4) Int8Rows(weights, inputs + (long)row * blocks * InputBytes, blocks, y + (long)row * stride, stride);
        for (; row < m; row++) Int8Row(weights, inputs + (long)row * blocks * InputBytes, blocks, y + (long)row * stride);
    }

    public override void Int4(byte* weights, byte* inputs, int blocks, int m, float* y, int stride)
    {
        var row = 0;
        for (; row + 8 <= m; row += 8) Int4Rows8(weights, inputs + (long)row * blocks * InputBytes, blocks, y + (long)row * stride, stride);
        for (; row + 4 <= m; row += 4) Int4Rows(weights, inputs + (long)row * blocks * InputBytes, blocks, y + (long)row * stride, stride);
        for (; row < m; row++) Int4Row(weights, inputs + (long)row * blocks * InputBytes, blocks, y + (long)row * stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Int8Row(byte* w, byte* x, int blocks, float* y)
    {
        var total = Vector512<float>.Zero;
        for (var block = 0; block < blocks; block++, w += Int8Bytes, x += InputBytes)
        {
            // Two chains, so that no addition waits for the one before it.
            var (even, odd) = (Vector512<int>.Zero, Vector512<int>.Zero);
            for (var pair = 0; pair < 16; pair += 2)
            {
                even += Pairs(w, pair, x);
                odd += Pairs(w, pair + 1, x);
            }
            total = Add(total, even + odd, Widened(w), x);
        }
        total.Store(y);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Int8Rows(byte* w, byte* x0, int blocks, float* y, int stride)
    {
        var (t0, t1, t2, t3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        var rowBytes = (long)blocks * InputBytes;
        byte* x1 = x0 + rowBytes, x2 = x1 + rowBytes, x3 = x2 + rowBytes;
        for (var block = 0; block < blocks; block++, w += Int8Bytes)
        {
            var (s0, s1, s2, s3) = (Vector512<int>.Zero, Vector512<int>.Zero, Vector512<int>.Zero, Vector512<int>.Zero);
            for (var pair = 0; pair < 16; pair++)
            {
                var weights = Weights(w, pair);
                s0 += Pairs(weights, pair, x0);
                s1 += Pairs(weights, pair, x1);
                s2 += Pairs(weights, pair, x2);
                s3 += Pairs(weights, pair, x3);
            }
            var scales = Widened(w);
            t0 = Add(t0, s0, scales, x0);
            t1 = Add(t1, s1, scales, x1);
            t2 = Add(t2, s2, scales, x2);
            t3 = Add(t3, s3, scales, x3);
            x0 += InputBytes;
            x1 += InputBytes;
            x2 += InputBytes;
            x3 += InputBytes;
        }
        Store4(y, stride, t0, t1, t2, t3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Int4Row(byte* w, byte* x, int blocks, float* y)
    {
        var total = Vector512<float>.Zero;
        var mask = Vector512.Create((byte)15);
        for (var block = 0; block < blocks; block++, w += Int4Bytes, x += InputBytes)
        {
            // Sums of 16 products of at most 15·127 each stay within int16; two chains, so that no addition waits for the one before it.
            var (even, odd) = (Vector512<short>.Zero, Vector512<short>.Zero);
            for (var group = 0; group < 8; group += 2)
            {
                var weights = Vector512.Load(w + ScaleBytes + group * 32);
                even += Groups(weights & mask, group, x);
                odd += Groups((weights.AsUInt16() >> 4).AsByte() & mask, group + 1, x);
            }
            total = Add(total, Sum(even + odd, x), Widened(w), x);
        }
        total.Store(y);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Int4Rows(byte* w, byte* x0, int blocks, float* y, int stride)
    {
        var (t0, t1, t2, t3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        var rowBytes = (long)blocks * InputBytes;
        byte* x1 = x0 + rowBytes, x2 = x1 + rowBytes, x3 = x2 + rowBytes;
        var mask = Vector512.Create((byte)15);
        for (var block = 0; block < blocks; block++, w += Int4Bytes)
        {
            var (s0, s1, s2, s3) = (Vector512<short>.Zero, Vector512<short>.Zero, Vector512<short>.Zero, Vector512<short>.Zero);
            for (var group = 0; group < 8; group += 2)
            {
                var weights = Vector512.Load(w + ScaleBytes + group * 32);
                var (first, second) = (weights & mask, (weights.AsUInt16() >> 4).AsByte() & mask);
                s0 += Groups(first, group, x0) + Groups(second, group + 1, x0);
                s1 += Groups(first, group, x1) + Groups(second, group + 1, x1);
                s2 += Groups(first, group, x2) + Groups(second, group + 1, x2);
                s3 += Groups(first, group, x3) + Groups(second, group + 1, x3);
            }
            var scales = Widened(w);
            t0 = Add(t0, Sum(s0, x0), scales, x0);
            t1 = Add(t1, Sum(s1, x1), scales, x1);
            t2 = Add(t2, Sum(s2, x2), scales, x2);
            t3 = Add(t3, Sum(s3, x3), scales, x3);
            x0 += InputBytes;
            x1 += InputBytes;
            x2 += InputBytes;
            x3 += InputBytes;
        }
        Store4(y, stride, t0, t1, t2, t3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Int4Rows8(byte* w, byte* x, int blocks, float* y, int stride)
    {
        Vector512<float> t0, t1, t2, t3, t4, t5, t6, t7;
        t0 = t1 = t2 = t3 = t4 = t5 = t6 = t7 = Vector512<float>.Zero;
        // Two bases and three distances reach the eight rows without an addition each.
        var s1 = (long)blocks * InputBytes;
        long s2 = 2 * s1, s3 = 3 * s1;
        byte* x0 = x, x4 = x + 4 * s1;
        var mask = Vector512.Create((byte)15);
        for (var block = 0; block < blocks; block++, w += Int4Bytes, x0 += InputBytes, x4 += InputBytes)
        {
            // Sums of 16 products of at most 15·127 each: within int16.
            Vector512<short> a, b, c, d, e, f, g, h;
            a = b = c = d = e = f = g = h = Vector512<short>.Zero;
            for (var group = 0; group < 8; group += 2)
            {
                var both = Vector512.Load(w + ScaleBytes + group * 32);
                var weights = both & mask;
                a += Groups(weights, group, x0);
                b += Groups(weights, group, x0 + s1);
                c += Groups(weights, group, x0 + s2);
                d += Groups(weights, group, x0 + s3);
                e += Groups(weights, group, x4);
                f += Groups(weights, group, x4 + s1);
                g += Groups(weights, group, x4 + s2);
                h += Groups(weights, group, x4 + s3);
                weights = (both.AsUInt16() >> 4).AsByte() & mask;
                a += Groups(weights, group + 1, x0);
                b += Groups(weights, group + 1, x0 + s1);
                c += Groups(weights, group + 1, x0 + s2);
                d += Groups(weights, group + 1, x0 + s3);
                e += Groups(weights, group + 1, x4);
                f += Groups(weights, group + 1, x4 + s1);
                g += Groups(weights, group + 1, x4 + s2);
                h += Groups(weights, group + 1, x4 + s3);
            }
            var scales = Widened(w);
            t0 = Add(t0, Sum(a, x0), scales, x0);
            t1 = Add(t1, Sum(b, x0 + s1), scales, x0 + s1);
            t2 = Add(t2, Sum(c, x0 + s2), scales, x0 + s2);
            t3 = Add(t3, Sum(d, x0 + s3), scales, x0 + s3);
            t4 = Add(t4, Sum(e, x4), scales, x4);
            t5 = Add(t5, Sum(f, x4 + s1), scales, x4 + s1);
            t6 = Add(t6, Sum(g, x4 + s2), scales, x4 + s2);
            t7 = Add(t7, Sum(h, x4 + s3), scales, x4 + s3);
        }
        Store4(y, stride, t0, t1, t2, t3);
        Store4(y + 4L * stride, stride, t4, t5, t6, t7);
    }

    /// <summary>A pair of weights of each output as int16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Weights(byte* w, int pair) =>
        Avx512BW.ConvertToVector512Int16(Vector256.Load((sbyte*)(w + ScaleBytes + pair * 32)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Pairs(byte* w, int pair, byte* x) => Pairs(Weights(w, pair), pair, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Pairs(Vector512<short> weights, int pair, byte* x) =>
        Avx512BW.MultiplyAddAdjacent(weights, Vector512.Create(((int*)x)[pair]).AsInt16());

    /// <summary>Four products of each output, added up in twos.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Groups(Vector512<byte> weights, int group, byte* x) =>
        Avx512BW.MultiplyAddAdjacent(weights, Vector512.Create(((int*)(x + BytesAt))[group]).AsSByte());

    /// <summary>Of a block, with eight taken off each weight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Sum(Vector512<short> pairs, byte* x) =>
        Avx512BW.MultiplyAddAdjacent(pairs, Vector512.Create((short)1)) - Vector512.Create(*(int*)(x + SumAt));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store4(float* y, int stride, Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        a.Store(y);
        b.Store(y + stride);
        c.Store(y + 2L * stride);
        d.Store(y + 3L * stride);
    }

    /// <summary>Sixteen float16 numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<float> Widened(byte* w)
    {
        var bits = Vector512.WidenLower(Vector256.Load((ushort*)w).ToVector512Unsafe());
        var shifted = ((bits & Vector512.Create(0x7FFFu)) << 13) | ((bits & Vector512.Create(0x8000u)) << 16);
        return shifted.AsSingle() * Vector512.Create(HalfBias);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add(Vector512<float> total, Vector512<int> sum, Vector512<float> scales, byte* x) =>
        Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(sum), scales * Vector512.Create(*(float*)(x + ScaleAt)), total);
}
