// N rows (= B·T), D model
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

/// <summary>y = x·w/√(mean(x²)+ε) over rows of <c>d</c> (Zhang and Sennrich 2019), and its gradient.</summary>
internal static unsafe class RmsNormKernel
{
    private const long Grain = 64;

    /// <param name="delta">What is added to x first; null for nothing.</param>
    /// <param name="sum">Gets x + delta, rounded to its type, of which the norm is taken; null without delta.</param>
    /// <param name="scales">Gets 1/√(mean(x²)+ε) of each row.</param>
    public static void Forward<E>(E* x, E* delta, float* weight, E* sum, E* y, float* scales, long rows, int d, float eps)
        where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Forward<Lanes512, Vector512<float>, E>(x, delta, weight, sum, y, scales, rows, d, eps);
        else Forward<Lanes256, Vector256<float>, E>(x, delta, weight, sum, y, scales, rows, d, eps);
    }

    /// <param name="dSum">A gradient that x has besides, which is added to dx; null for none.</param>
    public static void Backward<E>(E* x, float* weight, E* dy, float* scales, E* dSum, E* dx, float* dweight, long rows, int d)
        where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Backward<Lanes512, Vector512<float>, E>(x, weight, dy, scales, dSum, dx, dweight, rows, d);
        else Backward<Lanes256, Vector256<float>, E>(x, weight, dy, scales, dSum, dx, dweight, rows, d);
    }

    internal static void Forward<S, V, E>(E* x, E* delta, float* weight, E* sum, E* y, float* scales, long rows, int d, float eps)
        where S : ILanes<V> where V : struct where E : unmanaged =>
        OpenMpTeam.RunChunks(rows, Grain,
            (start, end) => ForwardRows<S, V, E>(x, delta, weight, sum, y, scales, d, eps, start, end));

    // Methods of their own: what a lambda captures lives on the heap and would be read again at every turn of the loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardRows<S, V, E>(
        E* x, E* delta, float* weight, E* sum, E* y, float* scales, int d, float eps, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var whole = d - d % S.Width;
        for (var row = start; row < end; row++)
        {
            E* from = x + row * d, to = y + row * d;
            if (delta != null)
            {
                var total = sum + row * d;
                Add<S, V, E>(from, delta + row * d, total, d);
                from = total;
            }
            var squares = default(V);
            for (var i = 0; i < whole; i += S.Width)
            {
                var value = Lanes.Whole<S, V, E>(from + i);
                squares = S.MultiplyAdd(value, value, squares);
            }
            if (whole < d)
            {
                var value = Lanes.Load<S, V, E>(from + whole, d - whole);
                squares = S.MultiplyAdd(value, value, squares);
            }
            var scale = 1 / MathF.Sqrt(S.Sum(squares) / d + eps);
            scales[row] = scale;
            var factor = S.Create(scale);
            for (var i = 0; i < whole; i += S.Width)
            {
                var scaled = S.Multiply(Lanes.Whole<S, V, E>(from + i), factor);
                Lanes.StoreWhole<S, V, E>(to + i, S.Multiply(scaled, S.LoadFull(weight + i)));
            }
            if (whole < d)
            {
                var scaled = S.Multiply(Lanes.Load<S, V, E>(from + whole, d - whole), factor);
                Lanes.Store<S, V, E>(to + whole, d - whole, S.Multiply(scaled, Lanes.Load<S, V, float>(weight + whole, d - whole)));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<S, V, E>(E* x, E* delta, E* sum, int d) where S : ILanes<V> where V : struct where E : unmanaged
    {
        var whole = d - d % S.Width;
        for (var i = 0; i < whole; i += S.Width)
            Lanes.StoreWhole<S, V, E>(sum + i, S.Add(Lanes.Whole<S, V, E>(x + i), Lanes.Whole<S, V, E>(delta + i)));
        if (whole == d) return;
        var (a, b) = (Lanes.Load<S, V, E>(x + whole, d - whole), Lanes.Load<S, V, E>(delta + whole, d - whole));
        Lanes.Store<S, V, E>(sum + whole, d - whole, S.Add(a, b));
    }

    // With s = scales[row] and g = dy·w:  dx = s·g − x·s³·mean(g·x) + dSum,  dw = Σ rows dy·x·s.
    internal static void Backward<S, V, E>(E* x, float* weight, E* dy, float* scales, E* dSum, E* dx, float* dweight, long rows, int d)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var threads = OpenMpTeam.Threads;
        var partial = new float[threads * d];
        fixed (float* partials = partial)
        {
            var sums = partials;
            OpenMpTeam.Run(
                rows,
                Grain,
                (part, start, end) => BackwardRows<S, V, E>(x, weight, dy, scales, dSum, dx, sums + part * d, d, start, end)
            );
            for (var i = 0; i < d; i++)
            {
                var total = 0f;
                for (var part = 0; part < threads; part++) total += partials[part * d + i];
                dweight[i] = total;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardRows<S, V, E>(
        E* x, float* weight, E* dy, float* scales, E* dSum, E* dx, float* sums, int d, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var whole = d - d % S.Width;
        for (var row = start; row < end; row++)
        {
            E* value = x + row * d, gradient = dy + row * d, to = dx + row * d;
            var more = dSum == null ? null : dSum + row * d;
            var dot = default(V);
            for (var i = 0; i < whole; i += S.Width)
            {
                var g = S.Multiply(Lanes.Whole<S, V, E>(gradient + i), S.LoadFull(weight + i));
                dot = S.MultiplyAdd(g, Lanes.Whole<S, V, E>(value + i), dot);
            }
            if (whole < d)
            {
                var g = S.Multiply(Lanes.Load<S, V, E>(gradient + whole, d - whole), Lanes.Load<S, V, float>(weight + whole, d - whole));
                dot = S.MultiplyAdd(g, Lanes.Load<S, V, E>(value + whole, d - whole), dot);
            }
            var scale = scales[row];
            var along = S.Create(-scale * scale * scale * S.Sum(dot) / d);
            var factor = S.Create(scale);
            for (var i = 0; i < whole; i += S.Width)
            {
                var xi = Lanes.Whole<S, V, E>(value + i);
                var g = S.Multiply(Lanes.Whole<S, V, E>(gradient + i), factor);
                S.StoreFull(sums + i, S.MultiplyAdd(g, xi, S.LoadFull(sums + i)));
                var result = S.MultiplyAdd(xi, along, S.Multiply(g, S.LoadFull(weight + i)));
                if (more != null) result = S.Add(Lanes.Whole<S, V, E>(more + i), result);
                Lanes.StoreWhole<S, V, E>(to + i, result);
            }
            if (whole < d)
            {
                var left = d - whole;
                var xi = Lanes.Load<S, V, E>(value + whole, left);
                var g = S.Multiply(Lanes.Load<S, V, E>(gradient + whole, left), factor);
                Lanes.Store<S, V, float>(sums + whole, left, S.MultiplyAdd(g, xi, Lanes.Load<S, V, float>(sums + whole, left)));
                var result = S.MultiplyAdd(xi, along, S.Multiply(g, Lanes.Load<S, V, float>(weight + whole, left)));
                if (more != null) result = S.Add(Lanes.Load<S, V, E>(more + whole, left), result);
                Lanes.Store<S, V, E>(to + whole, left, result);
            }
        }
    }
}
