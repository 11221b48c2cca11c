// C (M, N) = A (M, K) · B (K, N)
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dolmen.Numerics;

/// <summary>A matrix in memory whose rows or columns are contiguous: the transpose of a matrix is the same memory with the strides
/// exchanged.</summary>
internal readonly unsafe record struct MatrixView(nint Address, long RowStride, long ColumnStride)
{
    public static MatrixView RowMajor(float* values, long columns) => new((nint)values, columns, 1);

    /// <summary>The transpose of the row-major matrix at <paramref name="values"/> with rows of <paramref name="columns"/>.</summary>
    public static MatrixView Transposed(float* values, long columns) => new((nint)values, 1, columns);

    public float* Values => (float*)Address;

    public float* At(long row, long column) => Values + row * RowStride + column * ColumnStride;
}

/// <summary>
/// fp32 products of whole matrices, as training needs them: y = x·Wᵀ, dx = dy·W and dW = dyᵀ·x differ only in which operand is
/// transposed. Each thread packs the panel of B it works on; a tile of C stays in registers while k runs (<see cref="Tiles"/>). Every
/// output is one chain of fused multiply-adds in the order of k, so its bits do not depend on vector width, tiles or threads.
/// </summary>
internal static unsafe class MatrixProduct
{
    /// <summary>Depth of one pass: a packed panel of this depth (64 KB) stays in the second-level cache while rows pass over it.</summary>
    private const int KBlock = 512;

    /// <summary>Rows of a chunk, in tiles: enough to pay for packing the panel, few enough to share out small products.</summary>
    private const int TilesPerChunk = 16;

    /// <summary>Chunks per thread that are aimed at: threads that started late or were interrupted take fewer.</summary>
    private const int ChunksPerThread = 4;

    /// <summary>Multiply-adds below which a second thread costs more than it brings.</summary>
    private const long MinSharedWork = 1 << 17;

    /// <summary>C = A·B, or C += A·B; C is row-major with rows <paramref name="stride"/> apart.</summary>
    public static void Run(
        MatrixView a, MatrixView b, float* c, long stride, int m, int n, int k, bool accumulate, IThreadTeam team, int threads)
    {
        if (Vector512.IsHardwareAccelerated) Run<WideTile>(a, b, c, stride, m, n, k, accumulate, team, threads);
        else Run<NarrowTile>(a, b, c, stride, m, n, k, accumulate, team, threads);
    }

    /// <summary>For tests, which check both tiles on any machine.</summary>
    internal static void Run<T>(
        MatrixView a, MatrixView b, float* c, long stride, int m, int n, int k, bool accumulate, IThreadTeam team, int threads)
        where T : ITile
    {
        if (a.RowStride != 1 && a.ColumnStride != 1)
            throw new ArgumentException("Neither the rows nor the columns of A are contiguous.", nameof(a));
        if (b.RowStride != 1 && b.ColumnStride != 1)
            throw new ArgumentException("Neither the rows nor the columns of B are contiguous.", nameof(b));
        if (k == 0 && !accumulate)
            for (var row = 0; row < m; row++)
                new Span<float>(c + row * stride, n).Clear();
        if (m == 0 || n == 0 || k == 0)
            return;
        var work = (long)m * n * k;
        var shared = work < 2 * MinSharedWork ? 1 : threads;
        var panels = (n + T.Columns - 1) / T.Columns;
        var rowsAChunk = T.Rows * TilesPerChunk;
        var rowChunks = (m + rowsAChunk - 1) / rowsAChunk;
        // Columns are divided only as far as rows alone give too few chunks: each division reads A once more.
        var columnChunks = Math.Clamp(ChunksPerThread * shared / rowChunks, 1, panels);
        team.Run(rowChunks * columnChunks, shared, chunk =>
        {
            var (part, rows) = Math.DivRem(chunk, rowChunks);
            var (firstPanel, lastPanel) = (panels * part / columnChunks, panels * (part + 1) / columnChunks);
            var first = rows * rowsAChunk;
            Chunk<T>(a, b, c, stride, k, accumulate, first, Math.Min(m, first + rowsAChunk),
                firstPanel * T.Columns, Math.Min(n, lastPanel * T.Columns));
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Chunk<T>(
        MatrixView a, MatrixView b, float* c, long stride, int k, bool accumulate, int firstRow, int endRow, int firstColumn, int endColumn)
        where T : ITile
    {
        using var scratch = ThreadMemory.Rent(
            (long)KBlock * T.Columns + (long)(TilesPerChunk + 1) * T.Rows * KBlock + (long)T.Rows * T.Columns
        );
        var panel = scratch.Floats; // (k, Columns)
        var packed = panel + (long)KBlock * T.Columns; // tiles of (k, Rows)
        var edge = packed + (long)(TilesPerChunk + 1) * T.Rows * KBlock; // (Rows, Columns)
        for (var k0 = 0; k0 < k; k0 += KBlock)
        {
            var depth = Math.Min(KBlock, k - k0);
            var add = accumulate || k0 > 0;
            // Contiguous rows of A are read in place; columns, and the rows of an incomplete tile, are packed k by k.
            var firstPacked = a.ColumnStride == 1 ? firstRow + (endRow - firstRow) / T.Rows * T.Rows : firstRow;
            MatrixPacking.Rows(a.At(firstPacked, k0), a, endRow - firstPacked, T.Rows, depth, packed);
            for (var column = firstColumn; column < endColumn; column += T.Columns)
            {
                var width = Math.Min(T.Columns, endColumn - column);
                MatrixPacking.Columns(b.At(k0, column), b, width, T.Columns, depth, panel);
                for (var row = firstRow; row < endRow; row += T.Rows)
                {
                    var height = Math.Min(T.Rows, endRow - row);
                    var at = c + row * stride + column;
                    var whole = height == T.Rows && width == T.Columns;
                    if (!whole && add) Copy(at, stride, edge, T.Columns, height, width);
                    var to = whole ? at : edge;
                    var step = whole ? stride : T.Columns;
                    if (row < firstPacked) T.Strided(a.At(row, k0), a.RowStride, panel, to, step, depth, add);
                    else T.Packed(packed + (long)(row - firstPacked) * depth, panel, to, step, depth, add);
                    if (!whole) Copy(edge, T.Columns, at, stride, height, width);
                }
            }
        }
    }

    private static void Copy(float* from, long fromStride, float* to, long toStride, int rows, int columns)
    {
        for (var row = 0; row < rows; row++)
            new ReadOnlySpan<float>(from + row * fromStride, columns).CopyTo(new Span<float>(to + row * toStride, columns));
    }
}
