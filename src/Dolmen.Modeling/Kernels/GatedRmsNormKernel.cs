// N rows (= B·T), D model
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

/// <summary>y = z·w/√(mean(z²)+ε), z = x·silu(gate), over rows of <c>d</c>: Mamba-2's norm (Dao and Gu 2024), and its gradient.</summary>
internal static unsafe class GatedRmsNormKernel
{
    private const long Grain = 32;

    public static void Forward<E>(E* x, E* gate, float* weight, E* y, float* scales, long rows, int d, float eps) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Forward<Lanes512, Vector512<float>, E>(x, gate, weight, y, scales, rows, d, eps);
        else Forward<Lanes256, Vector256<float>, E>(x, gate, weight, y, scales, rows, d, eps);
    }

    public static void Backward<E>(E* x, E* gate, float* weight, E* dy, float* scales, E* dx, E* dGate, float* dWeight, long rows, int d)
        where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated)
            Backward<Lanes512, Vector512<float>, E>(x, gate, weight, dy, scales, dx, dGate, dWeight, rows, d);
        else
            Backward<Lanes256, Vector256<float>, E>(x, gate, weight, dy, scales, dx, dGate, dWeight, rows, d);
    }

    internal static void Forward<S, V, E>(E* x, E* gate, float* weight, E* y, float* scales, long rows, int d, float eps)
        where S : ILanes<V> where V : struct where E : unmanaged =>
        OpenMpTeam.RunChunks(rows, Grain, (start, end) => ForwardRows<S, V, E>(x, gate, weight, y, scales, d, eps, start, end));

    // Methods of their own: what a lambda captures lives on the heap and would be read again at every turn of the loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardRows<S, V, E>(E* x, E* gate, float* weight, E* y, float* scales, int d, float eps, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        using var memory = new AlignedFloats(d + S.Width);
        var products = memory.Take(d + S.Width);
        for (var row = start; row < end; row++)
        {
            var offset = row * d;
            var squares = default(V);
            for (var i = 0; i < d; i += S.Width)
            {
                var g = Lanes.Load<S, V, E>(gate + offset + i, d - i);
                var z = S.Multiply(Lanes.Load<S, V, E>(x + offset + i, d - i), S.Multiply(g, Activation.Sigmoid<S, V>(g)));
                S.StoreFull(products + i, z);
                squares = S.MultiplyAdd(z, z, squares);
            }
            var scale = 1 / MathF.Sqrt(S.Sum(squares) / d + eps);
            scales[row] = scale;
            for (var i = 0; i < d; i += S.Width)
            {
                var scaled = S.Multiply(S.LoadFull(products + i), S.Create(scale));
                Lanes.Store<S, V, E>(y + offset + i, d - i, S.Multiply(scaled, Lanes.Load<S, V, float>(weight + i, d - i)));
            }
        }
    }

    // With s = scales[row] and g = dy·w:  dz = s·g − z·s³·mean(g·z),  dw = Σ rows dy·z·s,  dx = dz·silu(gate),  dgate = dz·x·silu'(gate).
    internal static void Backward<S, V, E>(
        E* x,
        E* gate,
        float* weight,
        E* dy,
        float* scales,
        E* dx,
        E* dGate,
        float* dWeight,
        long rows,
        int d
    )
        where S : ILanes<V>
        where V : struct
        where E : unmanaged
    {
        var threads = OpenMpTeam.Threads;
        var partial = new float[threads * d];
        fixed (float* partials = partial)
        {
            var sums = partials;
            OpenMpTeam.Run(
                rows,
                Grain,
                (part, start, end) => BackwardRows<S, V, E>(x, gate, weight, dy, scales, dx, dGate, sums + part * d, d, start, end)
            );
            for (var i = 0; i < d; i++)
            {
                var total = 0f;
                for (var part = 0; part < threads; part++) total += partials[part * d + i];
                dWeight[i] = total;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardRows<S, V, E>(
        E* x,
        E* gate,
        float* weight,
        E* dy,
        float* scales,
        E* dx,
        E* dGate,
        float* sum,
        int d,
        long start,
        long end
    )
        where S : ILanes<V>
        where V : struct
        where E : unmanaged
    {
        var piece = (d + 15) / 16 * 16;
        using var memory = new AlignedFloats(2 * piece);
        float* sigmoids = memory.Take(piece), products = memory.Take(piece);
        for (var row = start; row < end; row++)
        {
            var offset = row * d;
            var dot = default(V);
            for (var i = 0; i < d; i += S.Width)
            {
                var g = Lanes.Load<S, V, E>(gate + offset + i, d - i);
                var sigmoid = Activation.Sigmoid<S, V>(g);
                var z = S.Multiply(Lanes.Load<S, V, E>(x + offset + i, d - i), S.Multiply(g, sigmoid));
                S.StoreFull(sigmoids + i, sigmoid);
                S.StoreFull(products + i, z);
                var flow = S.Multiply(Lanes.Load<S, V, E>(dy + offset + i, d - i), Lanes.Load<S, V, float>(weight + i, d - i));
                dot = S.MultiplyAdd(flow, z, dot);
            }
            var scale = scales[row];
            var along = S.Create(-scale * scale * scale * S.Sum(dot) / d);
            var factor = S.Create(scale);
            for (var i = 0; i < d; i += S.Width)
            {
                V sigmoid = S.LoadFull(sigmoids + i), z = S.LoadFull(products + i);
                var flow = S.Multiply(Lanes.Load<S, V, E>(dy + offset + i, d - i), factor);
                Lanes.Store<S, V, float>(sum + i, d - i, S.MultiplyAdd(flow, z, Lanes.Load<S, V, float>(sum + i, d - i)));
                var dz = S.MultiplyAdd(z, along, S.Multiply(flow, Lanes.Load<S, V, float>(weight + i, d - i)));
                var g = Lanes.Load<S, V, E>(gate + offset + i, d - i);
                var value = Lanes.Load<S, V, E>(x + offset + i, d - i);
                Lanes.Store<S, V, E>(dx + offset + i, d - i, S.Multiply(dz, S.Multiply(g, sigmoid)));
                Lanes.Store<S, V, E>(dGate + offset + i, d - i, S.Multiply(S.Multiply(dz, value), Activation.SiluSlope<S, V>(g, sigmoid)));
            }
        }
    }
}
