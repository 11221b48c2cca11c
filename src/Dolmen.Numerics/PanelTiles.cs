using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dolmen.Numerics;

/// <summary>Two vectors of a panel's weights at a time: the columns of one input.</summary>
internal unsafe interface IPanel<V> where V : struct
{
    /// <summary>Bytes of the weights of one input.</summary>
    static abstract int Step { get; }

    static abstract V Raw(byte* weights);

    static abstract V Left(V raw);

    static abstract V Right(V raw, byte* weights);
}

internal readonly unsafe struct FloatPanel<S, V> : IPanel<V> where S : ILanes<V> where V : struct
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Step => 2 * S.Width * sizeof(float);

    [MethodImpl(Inline)] public static V Raw(byte* weights) => S.LoadFull((float*)weights);
    [MethodImpl(Inline)] public static V Left(V raw) => raw;
    [MethodImpl(Inline)] public static V Right(V raw, byte* weights) => S.LoadFull((float*)weights + S.Width);
}

/// <summary>Pairs of bf16: column j in the low half of a word, column j + 16 in the high half.</summary>
internal readonly unsafe struct WideBf16Panel : IPanel<Vector512<float>>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Step => 64;

    [MethodImpl(Inline)] public static Vector512<float> Raw(byte* weights) => Vector512.Load((float*)weights);
    [MethodImpl(Inline)] public static Vector512<float> Left(Vector512<float> raw) => (raw.AsUInt32() << 16).AsSingle();

    [MethodImpl(Inline)]
    public static Vector512<float> Right(Vector512<float> raw, byte* weights) =>
        (raw.AsUInt32() & Vector512.Create(0xFFFF0000u)).AsSingle();
}

/// <inheritdoc cref="WideBf16Panel"/>
internal readonly unsafe struct NarrowBf16Panel : IPanel<Vector256<float>>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Step => 32;

    [MethodImpl(Inline)] public static Vector256<float> Raw(byte* weights) => Vector256.Load((float*)weights);
    [MethodImpl(Inline)] public static Vector256<float> Left(Vector256<float> raw) => (raw.AsUInt32() << 16).AsSingle();

    [MethodImpl(Inline)]
    public static Vector256<float> Right(Vector256<float> raw, byte* weights) =>
        (raw.AsUInt32() & Vector256.Create(0xFFFF0000u)).AsSingle();
}

/// <summary>Rows of inputs, where they are, times panels of weights that are widened on the way: a tile of outputs stays in registers
/// while k runs. Each output is one chain of fused multiply-adds in the order of k, in every tile, so that all give the same bits.
/// <typeparamref name="S"/> and <typeparamref name="V"/> say the width of the vectors, <typeparamref name="P"/> how weights are
/// kept.</summary>
internal static unsafe class PanelTiles<S, V, P> where S : ILanes<V> where V : struct where P : IPanel<V>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>Rows by one panel: as many at once as registers hold.</summary>
    /// <param name="x">(m, k), rows <paramref name="xStride"/> apart.</param>
    /// <param name="y">(m, columns of a panel), rows <paramref name="stride"/> apart.</param>
    /// <param name="accumulate">Goes on with what is in <paramref name="y"/>.</param>
    public static void Rows(float* x, long xStride, int m, byte* panel, float* y, long stride, int k, bool accumulate)
    {
        var row = 0;
        if (S.Width == Lanes512.Width)
        {
            for (; row + 12 <= m; row += 12) Rows12(x + row * xStride, xStride, panel, y + row * stride, stride, k, accumulate);
            for (; row + 8 <= m; row += 8) Rows8(x + row * xStride, xStride, panel, y + row * stride, stride, k, accumulate);
        }
        else
        {
            for (; row + 6 <= m; row += 6) Rows6(x + row * xStride, xStride, panel, y + row * stride, stride, k, accumulate);
        }
        for (; row < m; row += 4)
            Rows4(x + row * xStride, xStride, Math.Min(4, m - row), panel, y + row * stride, stride, k, accumulate);
    }

    /// <summary>One row by up to four panels: eight independent chains hide the latency of the multiply-add.</summary>
    /// <param name="panels">The first of them, <paramref name="panelBytes"/> apart.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Row(float* x, byte* panels, long panelBytes, int count, float* y, int k)
    {
        byte* p0 = panels, p1 = count > 1 ? panels + panelBytes : p0, p2 = count > 2 ? panels + 2 * panelBytes : p0,
            p3 = count > 3 ? panels + 3 * panelBytes : p0;
        V a0, a1, b0, b1, c0, c1, d0, d1;
        a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = S.Create(0);
        for (long i = 0, at = 0; i < k; i++, at += P.Step)
        {
            var v = S.Create(x[i]);
            var w = P.Raw(p0 + at);
            a0 = S.MultiplyAdd(v, P.Left(w), a0); a1 = S.MultiplyAdd(v, P.Right(w, p0 + at), a1);
            w = P.Raw(p1 + at);
            b0 = S.MultiplyAdd(v, P.Left(w), b0); b1 = S.MultiplyAdd(v, P.Right(w, p1 + at), b1);
            w = P.Raw(p2 + at);
            c0 = S.MultiplyAdd(v, P.Left(w), c0); c1 = S.MultiplyAdd(v, P.Right(w, p2 + at), c1);
            w = P.Raw(p3 + at);
            d0 = S.MultiplyAdd(v, P.Left(w), d0); d1 = S.MultiplyAdd(v, P.Right(w, p3 + at), d1);
        }
        var columns = 2 * S.Width;
        Store(y, a0, a1);
        if (count > 1) Store(y + columns, b0, b1);
        if (count > 2) Store(y + 2 * columns, c0, c1);
        if (count > 3) Store(y + 3 * columns, d0, d1);
    }

    /// <summary>Up to four rows: those that are missing are computed as the last and thrown away.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4(float* x, long xStride, int rows, byte* panel, float* y, long stride, int k, bool accumulate)
    {
        V a0, a1, b0, b1, c0, c1, d0, d1;
        a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = S.Create(0);
        float* x1 = rows > 1 ? x + xStride : x, x2 = rows > 2 ? x1 + xStride : x1, x3 = rows > 3 ? x2 + xStride : x2;
        float* y1 = y + stride, y2 = y1 + stride, y3 = y2 + stride;
        if (accumulate)
        {
            Load(y, ref a0, ref a1);
            if (rows > 1) Load(y1, ref b0, ref b1);
            if (rows > 2) Load(y2, ref c0, ref c1);
            if (rows > 3) Load(y3, ref d0, ref d1);
        }
        for (long i = 0; i < k; i++, panel += P.Step)
        {
            var raw = P.Raw(panel);
            var (left, right) = (P.Left(raw), P.Right(raw, panel));
            var v = S.Create(x[i]); a0 = S.MultiplyAdd(v, left, a0); a1 = S.MultiplyAdd(v, right, a1);
            v = S.Create(x1[i]); b0 = S.MultiplyAdd(v, left, b0); b1 = S.MultiplyAdd(v, right, b1);
            v = S.Create(x2[i]); c0 = S.MultiplyAdd(v, left, c0); c1 = S.MultiplyAdd(v, right, c1);
            v = S.Create(x3[i]); d0 = S.MultiplyAdd(v, left, d0); d1 = S.MultiplyAdd(v, right, d1);
        }
        Store(y, a0, a1);
        if (rows > 1) Store(y1, b0, b1);
        if (rows > 2) Store(y2, c0, c1);
        if (rows > 3) Store(y3, d0, d1);
    }

    /// <summary>Twelve of AVX2's sixteen registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows6(float* x, long xStride, byte* panel, float* y, long stride, int k, bool accumulate)
    {
        V a0, a1, b0, b1, c0, c1, d0, d1, e0, e1, f0, f1;
        a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = e0 = e1 = f0 = f1 = S.Create(0);
        if (accumulate)
        {
            Load(y, ref a0, ref a1); Load(y + stride, ref b0, ref b1); Load(y + 2 * stride, ref c0, ref c1);
            Load(y + 3 * stride, ref d0, ref d1); Load(y + 4 * stride, ref e0, ref e1); Load(y + 5 * stride, ref f0, ref f1);
        }
        // Two bases and two distances reach the rows without an addition each.
        float* x0 = x, x3 = x + 3 * xStride;
        long s1 = xStride, s2 = 2 * xStride;
        for (long i = 0; i < k; i++, x0++, x3++, panel += P.Step)
        {
            var raw = P.Raw(panel);
            var (left, right) = (P.Left(raw), P.Right(raw, panel));
            var v = S.Create(x0[0]); a0 = S.MultiplyAdd(v, left, a0); a1 = S.MultiplyAdd(v, right, a1);
            v = S.Create(x0[s1]); b0 = S.MultiplyAdd(v, left, b0); b1 = S.MultiplyAdd(v, right, b1);
            v = S.Create(x0[s2]); c0 = S.MultiplyAdd(v, left, c0); c1 = S.MultiplyAdd(v, right, c1);
            v = S.Create(x3[0]); d0 = S.MultiplyAdd(v, left, d0); d1 = S.MultiplyAdd(v, right, d1);
            v = S.Create(x3[s1]); e0 = S.MultiplyAdd(v, left, e0); e1 = S.MultiplyAdd(v, right, e1);
            v = S.Create(x3[s2]); f0 = S.MultiplyAdd(v, left, f0); f1 = S.MultiplyAdd(v, right, f1);
        }
        Store(y, a0, a1); Store(y + stride, b0, b1); Store(y + 2 * stride, c0, c1);
        Store(y + 3 * stride, d0, d1); Store(y + 4 * stride, e0, e1); Store(y + 5 * stride, f0, f1);
    }

    /// <summary>Sixteen of AVX-512's thirty-two registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows8(float* x, long xStride, byte* panel, float* y, long stride, int k, bool accumulate)
    {
        V a0, a1, b0, b1, c0, c1, d0, d1, e0, e1, f0, f1, g0, g1, h0, h1;
        a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = e0 = e1 = f0 = f1 = g0 = g1 = h0 = h1 = S.Create(0);
        var y4 = y + 4 * stride;
        if (accumulate)
        {
            Load(y, ref a0, ref a1); Load(y + stride, ref b0, ref b1);
            Load(y + 2 * stride, ref c0, ref c1); Load(y + 3 * stride, ref d0, ref d1);
            Load(y4, ref e0, ref e1); Load(y4 + stride, ref f0, ref f1);
            Load(y4 + 2 * stride, ref g0, ref g1); Load(y4 + 3 * stride, ref h0, ref h1);
        }
        float* x0 = x, x4 = x + 4 * xStride;
        long s1 = xStride, s2 = 2 * xStride, s3 = 3 * xStride;
        for (long i = 0; i < k; i++, x0++, x4++, panel += P.Step)
        {
            var raw = P.Raw(panel);
            var (left, right) = (P.Left(raw), P.Right(raw, panel));
            var v = S.Create(x0[0]); a0 = S.MultiplyAdd(v, left, a0); a1 = S.MultiplyAdd(v, right, a1);
            v = S.Create(x0[s1]); b0 = S.MultiplyAdd(v, left, b0); b1 = S.MultiplyAdd(v, right, b1);
            v = S.Create(x0[s2]); c0 = S.MultiplyAdd(v, left, c0); c1 = S.MultiplyAdd(v, right, c1);
            v = S.Create(x0[s3]); d0 = S.MultiplyAdd(v, left, d0); d1 = S.MultiplyAdd(v, right, d1);
            v = S.Create(x4[0]); e0 = S.MultiplyAdd(v, left, e0); e1 = S.MultiplyAdd(v, right, e1);
            v = S.Create(x4[s1]); f0 = S.MultiplyAdd(v, left, f0); f1 = S.MultiplyAdd(v, right, f1);
            v = S.Create(x4[s2]); g0 = S.MultiplyAdd(v, left, g0); g1 = S.MultiplyAdd(v, right, g1);
            v = S.Create(x4[s3]); h0 = S.MultiplyAdd(v, left, h0); h1 = S.MultiplyAdd(v, right, h1);
        }
        Store(y, a0, a1); Store(y + stride, b0, b1); Store(y + 2 * stride, c0, c1); Store(y + 3 * stride, d0, d1);
        Store(y4, e0, e1); Store(y4 + stride, f0, f1); Store(y4 + 2 * stride, g0, g1); Store(y4 + 3 * stride, h0, h1);
    }

    /// <summary>Twenty-four of AVX-512's thirty-two registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows12(float* x, long xStride, byte* panel, float* y, long stride, int k, bool accumulate)
    {
        V a0, a1, b0, b1, c0, c1, d0, d1, e0, e1, f0, f1, g0, g1, h0, h1, i0, i1, j0, j1, k0, k1, l0, l1;
        a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = e0 = e1 = f0 = f1 = S.Create(0);
        g0 = g1 = h0 = h1 = i0 = i1 = j0 = j1 = k0 = k1 = l0 = l1 = S.Create(0);
        float* y4 = y + 4 * stride, y8 = y4 + 4 * stride;
        if (accumulate)
        {
            Load(y, ref a0, ref a1); Load(y + stride, ref b0, ref b1);
            Load(y + 2 * stride, ref c0, ref c1); Load(y + 3 * stride, ref d0, ref d1);
            Load(y4, ref e0, ref e1); Load(y4 + stride, ref f0, ref f1);
            Load(y4 + 2 * stride, ref g0, ref g1); Load(y4 + 3 * stride, ref h0, ref h1);
            Load(y8, ref i0, ref i1); Load(y8 + stride, ref j0, ref j1);
            Load(y8 + 2 * stride, ref k0, ref k1); Load(y8 + 3 * stride, ref l0, ref l1);
        }
        // Three bases and three distances reach the twelve rows without an addition each.
        float* x0 = x, x4 = x + 4 * xStride, x8 = x4 + 4 * xStride;
        long s1 = xStride, s2 = 2 * xStride, s3 = 3 * xStride;
        for (long i = 0; i < k; i++, x0++, x4++, x8++, panel += P.Step)
        {
            var raw = P.Raw(panel);
            var (left, right) = (P.Left(raw), P.Right(raw, panel));
            var v = S.Create(x0[0]); a0 = S.MultiplyAdd(v, left, a0); a1 = S.MultiplyAdd(v, right, a1);
            v = S.Create(x0[s1]); b0 = S.MultiplyAdd(v, left, b0); b1 = S.MultiplyAdd(v, right, b1);
            v = S.Create(x0[s2]); c0 = S.MultiplyAdd(v, left, c0); c1 = S.MultiplyAdd(v, right, c1);
            v = S.Create(x0[s3]); d0 = S.MultiplyAdd(v, left, d0); d1 = S.MultiplyAdd(v, right, d1);
            v = S.Create(x4[0]); e0 = S.MultiplyAdd(v, left, e0); e1 = S.MultiplyAdd(v, right, e1);
            v = S.Create(x4[s1]); f0 = S.MultiplyAdd(v, left, f0); f1 = S.MultiplyAdd(v, right, f1);
            v = S.Create(x4[s2]); g0 = S.MultiplyAdd(v, left, g0); g1 = S.MultiplyAdd(v, right, g1);
            v = S.Create(x4[s3]); h0 = S.MultiplyAdd(v, left, h0); h1 = S.MultiplyAdd(v, right, h1);
            v = S.Create(x8[0]); i0 = S.MultiplyAdd(v, left, i0); i1 = S.MultiplyAdd(v, right, i1);
            v = S.Create(x8[s1]); j0 = S.MultiplyAdd(v, left, j0); j1 = S.MultiplyAdd(v, right, j1);
            v = S.Create(x8[s2]); k0 = S.MultiplyAdd(v, left, k0); k1 = S.MultiplyAdd(v, right, k1);
            v = S.Create(x8[s3]); l0 = S.MultiplyAdd(v, left, l0); l1 = S.MultiplyAdd(v, right, l1);
        }
        Store(y, a0, a1); Store(y + stride, b0, b1); Store(y + 2 * stride, c0, c1); Store(y + 3 * stride, d0, d1);
        Store(y4, e0, e1); Store(y4 + stride, f0, f1); Store(y4 + 2 * stride, g0, g1); Store(y4 + 3 * stride, h0, h1);
        Store(y8, i0, i1); Store(y8 + stride, j0, j1); Store(y8 + 2 * stride, k0, k1); Store(y8 + 3 * stride, l0, l1);
    }

    [MethodImpl(Inline)]
    private static void Load(float* y, ref V left, ref V right) => (left, right) = (S.LoadFull(y), S.LoadFull(y + S.Width));

    [MethodImpl(Inline)]
    private static void Store(float* y, V left, V right)
    {
        S.StoreFull(y, left);
        S.StoreFull(y + S.Width, right);
    }
}
