using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NarrowFloats = Dolmen.Numerics.FloatPanel<Dolmen.Numerics.Lanes256, System.Runtime.Intrinsics.Vector256<float>>;
using WideFloats = Dolmen.Numerics.FloatPanel<Dolmen.Numerics.Lanes512, System.Runtime.Intrinsics.Vector512<float>>;

namespace Dolmen.Numerics;

/// <summary>The innermost loops of the matrix products: a tile of outputs stays in registers while k runs. Each output is one chain of
/// fused multiply-adds in the order of k, in every kernel here and in the scalar reference, so all of them give the same bits.</summary>
internal static unsafe class Tiles
{
    public const int WideRows = 12, WideColumns = 32, NarrowRows = 6, NarrowColumns = 16;

    /// <summary>12 rows by 32 columns: 24 of AVX-512's 32 registers.</summary>
    /// <param name="a">(k, 12)</param>
    /// <param name="b">(k, 32)</param>
    /// <param name="c">12 rows, <paramref name="stride"/> apart.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Wide(float* a, float* b, float* c, long stride, int k, bool accumulate)
    {
        Vector512<float> c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51, c60, c61, c70, c71, c80, c81, c90, c91, ca0, ca1, cb0,
            cb1;
        c00 = c01 = c10 = c11 = c20 = c21 = c30 = c31 = c40 = c41 = c50 = c51 = Vector512<float>.Zero;
        c60 = c61 = c70 = c71 = c80 = c81 = c90 = c91 = ca0 = ca1 = cb0 = cb1 = Vector512<float>.Zero;
        if (accumulate)
        {
            Load(c, 0, stride, ref c00, ref c01); Load(c, 1, stride, ref c10, ref c11); Load(c, 2, stride, ref c20, ref c21);
            Load(c, 3, stride, ref c30, ref c31); Load(c, 4, stride, ref c40, ref c41); Load(c, 5, stride, ref c50, ref c51);
            Load(c, 6, stride, ref c60, ref c61); Load(c, 7, stride, ref c70, ref c71); Load(c, 8, stride, ref c80, ref c81);
            Load(c, 9, stride, ref c90, ref c91); Load(c, 10, stride, ref ca0, ref ca1); Load(c, 11, stride, ref cb0, ref cb1);
        }
        for (var i = 0; i < k; i++, a += WideRows, b += WideColumns)
        {
            var b0 = Vector512.Load(b);
            var b1 = Vector512.Load(b + 16);
            var x = Vector512.Create(a[0]); c00 = Vector512.FusedMultiplyAdd(x, b0, c00); c01 = Vector512.FusedMultiplyAdd(x, b1, c01);
            x = Vector512.Create(a[1]); c10 = Vector512.FusedMultiplyAdd(x, b0, c10); c11 = Vector512.FusedMultiplyAdd(x, b1, c11);
            x = Vector512.Create(a[2]); c20 = Vector512.FusedMultiplyAdd(x, b0, c20); c21 = Vector512.FusedMultiplyAdd(x, b1, c21);
            x = Vector512.Create(a[3]); c30 = Vector512.FusedMultiplyAdd(x, b0, c30); c31 = Vector512.FusedMultiplyAdd(x, b1, c31);
            x = Vector512.Create(a[4]); c40 = Vector512.FusedMultiplyAdd(x, b0, c40); c41 = Vector512.FusedMultiplyAdd(x, b1, c41);
            x = Vector512.Create(a[5]); c50 = Vector512.FusedMultiplyAdd(x, b0, c50); c51 = Vector512.FusedMultiplyAdd(x, b1, c51);
            x = Vector512.Create(a[6]); c60 = Vector512.FusedMultiplyAdd(x, b0, c60); c61 = Vector512.FusedMultiplyAdd(x, b1, c61);
            x = Vector512.Create(a[7]); c70 = Vector512.FusedMultiplyAdd(x, b0, c70); c71 = Vector512.FusedMultiplyAdd(x, b1, c71);
            x = Vector512.Create(a[8]); c80 = Vector512.FusedMultiplyAdd(x, b0, c80); c81 = Vector512.FusedMultiplyAdd(x, b1, c81);
            x = Vector512.Create(a[9]); c90 = Vector512.FusedMultiplyAdd(x, b0, c90); c91 = Vector512.FusedMultiplyAdd(x, b1, c91);
            x = Vector512.Create(a[10]); ca0 = Vector512.FusedMultiplyAdd(x, b0, ca0); ca1 = Vector512.FusedMultiplyAdd(x, b1, ca1);
            x = Vector512.Create(a[11]); cb0 = Vector512.FusedMultiplyAdd(x, b0, cb0); cb1 = Vector512.FusedMultiplyAdd(x, b1, cb1);
        }
        Store(c, 0, stride, c00, c01); Store(c, 1, stride, c10, c11); Store(c, 2, stride, c20, c21); Store(c, 3, stride, c30, c31);
        Store(c, 4, stride, c40, c41); Store(c, 5, stride, c50, c51); Store(c, 6, stride, c60, c61); Store(c, 7, stride, c70, c71);
        Store(c, 8, stride, c80, c81); Store(c, 9, stride, c90, c91); Store(c, 10, stride, ca0, ca1); Store(c, 11, stride, cb0, cb1);
    }

    /// <summary>6 rows by 16 columns: 12 of AVX2's 16 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Narrow(float* a, float* b, float* c, long stride, int k, bool accumulate)
    {
        Vector256<float> c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51;
        c00 = c01 = c10 = c11 = c20 = c21 = c30 = c31 = c40 = c41 = c50 = c51 = Vector256<float>.Zero;
        if (accumulate)
        {
            Load(c, 0, stride, ref c00, ref c01); Load(c, 1, stride, ref c10, ref c11); Load(c, 2, stride, ref c20, ref c21);
            Load(c, 3, stride, ref c30, ref c31); Load(c, 4, stride, ref c40, ref c41); Load(c, 5, stride, ref c50, ref c51);
        }
        for (var i = 0; i < k; i++, a += NarrowRows, b += NarrowColumns)
        {
            var b0 = Vector256.Load(b);
            var b1 = Vector256.Load(b + 8);
            var x = Vector256.Create(a[0]); c00 = Vector256.FusedMultiplyAdd(x, b0, c00); c01 = Vector256.FusedMultiplyAdd(x, b1, c01);
            x = Vector256.Create(a[1]); c10 = Vector256.FusedMultiplyAdd(x, b0, c10); c11 = Vector256.FusedMultiplyAdd(x, b1, c11);
            x = Vector256.Create(a[2]); c20 = Vector256.FusedMultiplyAdd(x, b0, c20); c21 = Vector256.FusedMultiplyAdd(x, b1, c21);
            x = Vector256.Create(a[3]); c30 = Vector256.FusedMultiplyAdd(x, b0, c30); c31 = Vector256.FusedMultiplyAdd(x, b1, c31);
            x = Vector256.Create(a[4]); c40 = Vector256.FusedMultiplyAdd(x, b0, c40); c41 = Vector256.FusedMultiplyAdd(x, b1, c41);
            x = Vector256.Create(a[5]); c50 = Vector256.FusedMultiplyAdd(x, b0, c50); c51 = Vector256.FusedMultiplyAdd(x, b1, c51);
        }
        Store(c, 0, stride, c00, c01); Store(c, 1, stride, c10, c11); Store(c, 2, stride, c20, c21);
        Store(c, 3, stride, c30, c31); Store(c, 4, stride, c40, c41); Store(c, 5, stride, c50, c51);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float* c, int row, long stride, ref Vector512<float> left, ref Vector512<float> right) =>
        (left, right) = (Vector512.Load(c + row * stride), Vector512.Load(c + row * stride + 16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float* c, int row, long stride, ref Vector256<float> left, ref Vector256<float> right) =>
        (left, right) = (Vector256.Load(c + row * stride), Vector256.Load(c + row * stride + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* c, int row, long stride, Vector512<float> left, Vector512<float> right)
    {
        left.Store(c + row * stride);
        right.Store(c + row * stride + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* c, int row, long stride, Vector256<float> left, Vector256<float> right)
    {
        left.Store(c + row * stride);
        right.Store(c + row * stride + 8);
    }
}

/// <summary>A tile of outputs that stays in registers while k runs: its size, and its loop over A packed or in place.</summary>
internal unsafe interface ITile
{
    static abstract int Rows { get; }

    static abstract int Columns { get; }

    /// <param name="a">(k, Rows)</param>
    /// <param name="b">(k, Columns)</param>
    /// <param name="c">Rows that are <paramref name="stride"/> apart.</param>
    static abstract void Packed(float* a, float* b, float* c, long stride, int k, bool accumulate);

    /// <param name="a">Rows that are <paramref name="aStride"/> apart, k contiguous.</param>
    /// <inheritdoc cref="Packed"/>
    static abstract void Strided(float* a, long aStride, float* b, float* c, long stride, int k, bool accumulate);
}

internal readonly unsafe struct WideTile : ITile
{
    public static int Rows => Tiles.WideRows;

    public static int Columns => Tiles.WideColumns;

    public static void Packed(float* a, float* b, float* c, long stride, int k, bool accumulate) =>
        Tiles.Wide(a, b, c, stride, k, accumulate);

    public static void Strided(float* a, long aStride, float* b, float* c, long stride, int k, bool accumulate) =>
        PanelTiles<Lanes512, Vector512<float>, WideFloats>.Rows12(a, aStride, (byte*)b, c, stride, k, accumulate);
}

internal readonly unsafe struct NarrowTile : ITile
{
    public static int Rows => Tiles.NarrowRows;

    public static int Columns => Tiles.NarrowColumns;

    public static void Packed(float* a, float* b, float* c, long stride, int k, bool accumulate) =>
        Tiles.Narrow(a, b, c, stride, k, accumulate);

    public static void Strided(float* a, long aStride, float* b, float* c, long stride, int k, bool accumulate) =>
        PanelTiles<Lanes256, Vector256<float>, NarrowFloats>.Rows6(a, aStride, (byte*)b, c, stride, k, accumulate);
}
