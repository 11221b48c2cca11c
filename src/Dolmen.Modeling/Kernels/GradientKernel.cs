using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

/// <summary>One parameter's gradients, one for each part of a batch that has one.</summary>
/// <param name="Offset">Of the parameter in the flat sum.</param>
/// <param name="Addresses">Of the first element of each.</param>
internal readonly record struct LeafGradients(long Offset, long Count, bool BFloat16, IReadOnlyList<nint> Addresses);

/// <summary>Gradients of micro-batches added up in fp32, and their norm.</summary>
internal static unsafe class GradientKernel
{
    private const long Grain = 1 << 14;

    /// <summary>sum = gradient, or sum += gradient.</summary>
    public static void Accumulate<E>(float* sum, E* gradient, long count, bool first) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Accumulate<Lanes512, Vector512<float>, E>(sum, gradient, count, first);
        else Accumulate<Lanes256, Vector256<float>, E>(sum, gradient, count, first);
    }

    /// <summary>sum = Σ gradients, or sum += Σ gradients, of all parameters in one region: the parts in their order.</summary>
    public static void AccumulateAll(float* sum, IReadOnlyList<LeafGradients> leaves, bool first)
    {
        var pieces = new List<(int Leaf, long Start)>();
        for (var leaf = 0; leaf < leaves.Count; leaf++)
            for (long start = 0; start < leaves[leaf].Count; start += Grain) pieces.Add((leaf, start));
        OpenMpTeam.Shared.Run(pieces.Count, OpenMpTeam.Threads, piece =>
        {
            var (leaf, start) = (leaves[pieces[piece].Leaf], pieces[piece].Start);
            var end = Math.Min(leaf.Count, start + Grain);
            for (var part = 0; part < leaf.Addresses.Count; part++)
            {
                var (from, isFirst) = (leaf.Addresses[part], first && part == 0);
                if (leaf.BFloat16) AccumulateRange(sum + leaf.Offset, (Bf16*)from, isFirst, start, end);
                else AccumulateRange(sum + leaf.Offset, (float*)from, isFirst, start, end);
            }
        });
    }

    private static void AccumulateRange<E>(float* sum, E* gradient, bool first, long start, long end) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) AccumulateRange<Lanes512, Vector512<float>, E>(sum, gradient, first, start, end);
        else AccumulateRange<Lanes256, Vector256<float>, E>(sum, gradient, first, start, end);
    }

    public static double SumOfSquares(float* values, long count) => Vector512.IsHardwareAccelerated
        ? SumOfSquares<Lanes512, Vector512<float>>(values, count)
        : SumOfSquares<Lanes256, Vector256<float>>(values, count);

    /// <summary>Over the rows named of a table (R, D).</summary>
    public static double SumOfSquaresOfRows(float* table, IReadOnlyList<int> rows, long width) => Vector512.IsHardwareAccelerated
        ? SumOfSquaresOfRows<Lanes512, Vector512<float>>(table, rows, width)
        : SumOfSquaresOfRows<Lanes256, Vector256<float>>(table, rows, width);

    private static double SumOfSquaresOfRows<S, V>(float* table, IReadOnlyList<int> rows, long width)
        where S : ILanes<V> where V : struct
    {
        const int RowGrain = 64;
        var sums = new double[OpenMpTeam.Threads];
        OpenMpTeam.Run(rows.Count, RowGrain, (part, start, end) =>
        {
            for (var i = start; i < end; i++) sums[part] += SumOfSquaresOfRow<S, V>(table + rows[(int)i] * width, width);
        });
        return sums.Sum();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SumOfSquaresOfRow<S, V>(float* row, long width) where S : ILanes<V> where V : struct
    {
        var squares = default(V);
        for (var i = 0L; i < width; i += S.Width)
        {
            var value = Lanes.Load<S, V, float>(row + i, width - i);
            squares = S.MultiplyAdd(value, value, squares);
        }
        return S.Sum(squares);
    }

    internal static void Accumulate<S, V, E>(float* sum, E* gradient, long count, bool first)
        where S : ILanes<V> where V : struct where E : unmanaged =>
        OpenMpTeam.RunChunks(count, Grain, (start, end) => AccumulateRange<S, V, E>(sum, gradient, first, start, end));

    // Methods of their own: what a lambda captures lives on the heap and would be read again at every turn of the loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AccumulateRange<S, V, E>(float* sum, E* gradient, bool first, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var whole = end - (end - start) % S.Width;
        for (var i = start; i < whole; i += S.Width)
        {
            var value = Lanes.Whole<S, V, E>(gradient + i);
            S.StoreFull(sum + i, first ? value : S.Add(value, S.LoadFull(sum + i)));
        }
        for (var i = whole; i < end; i += S.Width)
        {
            var value = Lanes.Load<S, V, E>(gradient + i, end - i);
            Lanes.Store<S, V, float>(sum + i, end - i, first ? value : S.Add(value, Lanes.Load<S, V, float>(sum + i, end - i)));
        }
    }

    // Blocks of fp32 lanes summed in double, so that the norm does not depend on how many parameters there are.
    internal static double SumOfSquares<S, V>(float* values, long count) where S : ILanes<V> where V : struct
    {
        const int Block = 1 << 12;
        var sums = new double[OpenMpTeam.Threads];
        OpenMpTeam.Run(count, Grain, (part, start, end) =>
        {
            for (var block = start; block < end; block += Block)
            {
                var squares = default(V);
                var stop = Math.Min(end, block + Block);
                var whole = stop - (stop - block) % S.Width;
                for (var i = block; i < whole; i += S.Width)
                {
                    var value = S.LoadFull(values + i);
                    squares = S.MultiplyAdd(value, value, squares);
                }
                if (whole < stop)
                {
                    var value = Lanes.Load<S, V, float>(values + whole, stop - whole);
                    squares = S.MultiplyAdd(value, value, squares);
                }
                sums[part] += S.Sum(squares);
            }
        });
        return sums.Sum();
    }
}
