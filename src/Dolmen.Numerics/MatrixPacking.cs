using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dolmen.Numerics;

/// <summary>Copies parts of a matrix so that the innermost loop of a product reads them front to back.</summary>
internal static unsafe class MatrixPacking
{
    private const int Block = 8;

    /// <summary>A (rows, depth) → one tile after the other, (depth, <paramref name="tileRows"/>) each; missing rows are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows(float* from, MatrixView a, int rows, int tileRows, int depth, float* to)
    {
        var whole = a.RowStride == 1 ? rows / tileRows : 0;
        for (var i = 0; i < depth && whole > 0; i++)
        {
            var source = from + i * a.ColumnStride;
            var target = to + i * tileRows;
            for (var tile = 0; tile < whole; tile++, source += tileRows, target += (long)depth * tileRows)
            {
                if (tileRows == Tiles.WideRows)
                {
                    Vector256.Load(source).Store(target);
                    Vector128.Load(source + 8).Store(target + 8);
                }
                else for (var r = 0; r < tileRows; r++) target[r] = source[r];
            }
        }
        for (var first = whole * tileRows; first < rows; first += tileRows)
        {
            var target = to + (long)first * depth;
            var count = Math.Min(tileRows, rows - first);
            if (count < tileRows) new Span<float>(target, depth * tileRows).Clear();
            for (var r = 0; r < count; r++)
            {
                var source = from + (first + r) * a.RowStride;
                for (var i = 0; i < depth; i++) target[i * tileRows + r] = source[i * a.ColumnStride];
            }
        }
    }

    /// <summary>B (depth, width) → (depth, <paramref name="panelWidth"/>); missing columns are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Columns(float* from, MatrixView b, int width, int panelWidth, int depth, float* to)
    {
        if (width < panelWidth) new Span<float>(to, depth * panelWidth).Clear();
        if (b.ColumnStride == 1)
        {
            for (var i = 0; i < depth; i++, from += b.RowStride, to += panelWidth)
            {
                if (width < panelWidth) for (var j = 0; j < width; j++) to[j] = from[j];
                else for (var j = 0; j < panelWidth; j += Block) Vector256.Load(from + j).Store(to + j);
            }
            return;
        }
        var whole = depth / Block * Block;
        for (var j = 0; j < width; j += Block)
        {
            var columns = Math.Min(Block, width - j);
            var source = from + j * b.ColumnStride;
            if (columns == Block)
            {
                for (var i = 0; i < whole; i += Block) Transpose(source + i, b.ColumnStride, to + i * panelWidth + j, panelWidth);
            }
            for (var c = 0; c < columns; c++)
                for (var i = columns == Block ? whole : 0; i < depth; i++) to[i * panelWidth + j + c] = source[c * b.ColumnStride + i];
        }
    }

    /// <summary>Eight by eight, by three rounds of interleaving.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(float* from, long fromStride, float* to, long toStride)
    {
        var (r0, r1, r2, r3) = (Vector256.Load(from), Vector256.Load(from + fromStride), Vector256.Load(from + 2 * fromStride),
            Vector256.Load(from + 3 * fromStride));
        from += 4 * fromStride;
        var (r4, r5, r6, r7) = (Vector256.Load(from), Vector256.Load(from + fromStride), Vector256.Load(from + 2 * fromStride),
            Vector256.Load(from + 3 * fromStride));
        var (a0, a1, a2, a3) = (Low(r0, r4), High(r0, r4), Low(r1, r5), High(r1, r5));
        var (a4, a5, a6, a7) = (Low(r2, r6), High(r2, r6), Low(r3, r7), High(r3, r7));
        var (b0, b1, b2, b3) = (Low(a0, a4), High(a0, a4), Low(a1, a5), High(a1, a5));
        var (b4, b5, b6, b7) = (Low(a2, a6), High(a2, a6), Low(a3, a7), High(a3, a7));
        Low(b0, b4).Store(to);
        High(b0, b4).Store(to + toStride);
        Low(b1, b5).Store(to + 2 * toStride);
        High(b1, b5).Store(to + 3 * toStride);
        to += 4 * toStride;
        Low(b2, b6).Store(to);
        High(b2, b6).Store(to + toStride);
        Low(b3, b7).Store(to + 2 * toStride);
        High(b3, b7).Store(to + 3 * toStride);
    }

    /// <summary>x0 y0 x1 y1 x2 y2 x3 y3: the lower halves interleaved.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Low(Vector256<float> x, Vector256<float> y) =>
        Vector256.Create(
            Interleave(x.GetLower(), y.GetLower()),
            InterleaveUpper(x.GetLower(), y.GetLower()));

    /// <summary>x4 y4 x5 y5 x6 y6 x7 y7: the upper halves interleaved.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> High(Vector256<float> x, Vector256<float> y) =>
        Vector256.Create(
            Interleave(x.GetUpper(), y.GetUpper()),
            InterleaveUpper(x.GetUpper(), y.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Interleave(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.UnpackLow(x, y) : Vector128.Create(x[0], y[0], x[1], y[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> InterleaveUpper(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.UnpackHigh(x, y) : Vector128.Create(x[2], y[2], x[3], y[3]);
}
