// N rows (= B·T), D model
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

/// <summary>y = x·w/√(mean(x²)+ε) over rows of <c>d</c> (Zhang and Sennrich 2019), and its gradient.</summary>
internal static unsafe class RmsNormKernel
{
    private const long Grain = 64;

    public static void Forward<E>(E* x, float* weight, E* y, float* scales, long rows, int d, float eps) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Forward<Lanes512, Vector512<float>, E>(x, weight, y, scales, rows, d, eps);
        else Forward<Lanes256, Vector256<float>, E>(x, weight, y, scales, rows, d, eps);
    }

    public static void Backward<E>(E* x, float* weight, E* dy, float* scales, E* dx, float* dweight, long rows, int d) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Backward<Lanes512, Vector512<float>, E>(x, weight, dy, scales, dx, dweight, rows, d);
        else Backward<Lanes256, Vector256<float>, E>(x, weight, dy, scales, dx, dweight, rows, d);
    }

    internal static void Forward<S, V, E>(E* x, float* weight, E* y, float* scales, long rows, int d, float eps)
        where S : ILanes<V> where V : struct where E : unmanaged =>
        OpenMpTeam.RunChunks(rows, Grain, (start, end) => ForwardRows<S, V, E>(x, weight, y, scales, d, eps, start, end));

    // Methods of their own: what a lambda captures lives on the heap and would be read again at every turn of the loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardRows<S, V, E>(E* x, float* weight, E* y, float* scales, int d, float eps, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        for (var row = start; row < end; row++)
        {
            E* from = x + row * d, to = y + row * d;
            var squares = default(V);
            for (var i = 0; i < d; i += S.Width)
            {
                var value = Lanes.Load<S, V, E>(from + i, d - i);
                squares = S.MultiplyAdd(value, value, squares);
            }
            var scale = 1 / MathF.Sqrt(S.Sum(squares) / d + eps);
            scales[row] = scale;
            for (var i = 0; i < d; i += S.Width)
            {
                var scaled = S.Multiply(Lanes.Load<S, V, E>(from + i, d - i), S.Create(scale));
                Lanes.Store<S, V, E>(to + i, d - i, S.Multiply(scaled, Lanes.Load<S, V, float>(weight + i, d - i)));
            }
        }
    }

    // With s = scales[row] and g = dy·w:  dx = s·g − x·s³·mean(g·x),  dw = Σ rows dy·x·s.
    internal static void Backward<S, V, E>(E* x, float* weight, E* dy, float* scales, E* dx, float* dweight, long rows, int d)
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
                (part, start, end) => BackwardRows<S, V, E>(x, weight, dy, scales, dx, sums + part * d, d, start, end)
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
    private static void BackwardRows<S, V, E>(E* x, float* weight, E* dy, float* scales, E* dx, float* sum, int d, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        for (var row = start; row < end; row++)
        {
            E* value = x + row * d, gradient = dy + row * d, to = dx + row * d;
            var dot = default(V);
            for (var i = 0; i < d; i += S.Width)
            {
                var g = S.Multiply(Lanes.Load<S, V, E>(gradient + i, d - i), Lanes.Load<S, V, float>(weight + i, d - i));
                dot = S.MultiplyAdd(g, Lanes.Load<S, V, E>(value + i, d - i), dot);
            }
            var scale = scales[row];
            var along = S.Create(-scale * scale * scale * S.Sum(dot) / d);
            var factor = S.Create(scale);
            for (var i = 0; i < d; i += S.Width)
            {
                var xi = Lanes.Load<S, V, E>(value + i, d - i);
                var g = S.Multiply(Lanes.Load<S, V, E>(gradient + i, d - i), factor);
                Lanes.Store<S, V, float>(sum + i, d - i, S.MultiplyAdd(g, xi, Lanes.Load<S, V, float>(sum + i, d - i)));
                var w = Lanes.Load<S, V, float>(weight + i, d - i);
                Lanes.Store<S, V, E>(to + i, d - i, S.MultiplyAdd(xi, along, S.Multiply(g, w)));
            }
        }
    }
}
