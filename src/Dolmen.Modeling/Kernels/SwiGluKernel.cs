// N rows (= B·T), F feed-forward
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

/// <summary>y = silu(gate)·up, where a row holds gate and up one after the other, (N, 2F) → (N, F) (Shazeer 2020).</summary>
internal static unsafe class SwiGluKernel
{
    private const long Grain = 32;

    public static void Forward<E>(E* gateUp, E* y, long rows, int f) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Forward<Lanes512, Vector512<float>, E>(gateUp, y, rows, f);
        else Forward<Lanes256, Vector256<float>, E>(gateUp, y, rows, f);
    }

    public static void Backward<E>(E* gateUp, E* dy, E* dGateUp, long rows, int f) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Backward<Lanes512, Vector512<float>, E>(gateUp, dy, dGateUp, rows, f);
        else Backward<Lanes256, Vector256<float>, E>(gateUp, dy, dGateUp, rows, f);
    }

    internal static void Forward<S, V, E>(E* gateUp, E* y, long rows, int f)
        where S : ILanes<V> where V : struct where E : unmanaged =>
        OpenMpTeam.RunChunks(rows, Grain, (start, end) => ForwardRows<S, V, E>(gateUp, y, f, start, end));

    // Methods of their own: what a lambda captures lives on the heap and would be read again at every turn of the loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardRows<S, V, E>(E* gateUp, E* y, int f, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var whole = f - f % S.Width;
        for (var row = start; row < end; row++)
        {
            E* gate = gateUp + row * 2 * f, up = gate + f, to = y + row * f;
            for (var i = 0; i < whole; i += S.Width)
                Lanes.StoreWhole<S, V, E>(to + i, Product<S, V>(Lanes.Whole<S, V, E>(gate + i), Lanes.Whole<S, V, E>(up + i)));
            if (whole == f) continue;
            var left = f - whole;
            var (g, u) = (Lanes.Load<S, V, E>(gate + whole, left), Lanes.Load<S, V, E>(up + whole, left));
            Lanes.Store<S, V, E>(to + whole, left, Product<S, V>(g, u));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Product<S, V>(V gate, V up) where S : ILanes<V> where V : struct =>
        S.Multiply(S.Multiply(gate, Activation.Sigmoid<S, V>(gate)), up);

    internal static void Backward<S, V, E>(E* gateUp, E* dy, E* dGateUp, long rows, int f)
        where S : ILanes<V> where V : struct where E : unmanaged =>
        OpenMpTeam.RunChunks(rows, Grain, (start, end) => BackwardRows<S, V, E>(gateUp, dy, dGateUp, f, start, end));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardRows<S, V, E>(E* gateUp, E* dy, E* dGateUp, int f, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var whole = f - f % S.Width;
        for (var row = start; row < end; row++)
        {
            E* gate = gateUp + row * 2 * f, up = gate + f, from = dy + row * f, dGate = dGateUp + row * 2 * f, dUp = dGate + f;
            for (var i = 0; i < whole; i += S.Width)
            {
                var (g, u, d) = (Lanes.Whole<S, V, E>(gate + i), Lanes.Whole<S, V, E>(up + i), Lanes.Whole<S, V, E>(from + i));
                var sigmoid = Activation.Sigmoid<S, V>(g);
                Lanes.StoreWhole<S, V, E>(dUp + i, S.Multiply(d, S.Multiply(g, sigmoid)));
                Lanes.StoreWhole<S, V, E>(dGate + i, S.Multiply(S.Multiply(d, u), Activation.SiluSlope<S, V>(g, sigmoid)));
            }
            for (var i = whole; i < f; i += S.Width)
            {
                var g = Lanes.Load<S, V, E>(gate + i, f - i);
                var sigmoid = Activation.Sigmoid<S, V>(g);
                var d = Lanes.Load<S, V, E>(from + i, f - i);
                Lanes.Store<S, V, E>(dUp + i, f - i, S.Multiply(d, S.Multiply(g, sigmoid)));
                var slope = Activation.SiluSlope<S, V>(g, sigmoid);
                Lanes.Store<S, V, E>(dGate + i, f - i, S.Multiply(S.Multiply(d, Lanes.Load<S, V, E>(up + i, f - i)), slope));
            }
        }
    }
}
