// rows of T scores; row r looks at positions 0 … r mod T
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

/// <summary>softmax(scale·s) over the positions a row may see, zero beyond; in place.</summary>
internal static unsafe class CausalSoftmaxKernel
{
    private const long Grain = 64;

    public static void Forward<E>(E* scores, long rows, int t, float scale) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Forward<Lanes512, Vector512<float>, E>(scores, rows, t, scale);
        else Forward<Lanes256, Vector256<float>, E>(scores, rows, t, scale);
    }

    /// <summary>ds = scale·p·(dp − Σ p·dp), written over <paramref name="dp"/>.</summary>
    public static void Backward<E>(E* p, E* dp, long rows, int t, float scale) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Backward<Lanes512, Vector512<float>, E>(p, dp, rows, t, scale);
        else Backward<Lanes256, Vector256<float>, E>(p, dp, rows, t, scale);
    }

    internal static void Forward<S, V, E>(E* scores, long rows, int t, float scale)
        where S : ILanes<V> where V : struct where E : unmanaged =>
        ThreadTeam.Run(rows, Grain, (_, start, end) => ForwardRows<S, V, E>(scores, t, scale, start, end));

    // Methods of their own: what a lambda captures lives on the heap and would be read again at every turn of the loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardRows<S, V, E>(E* scores, int t, float scale, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var scratch = new float[t + S.Width];
        fixed (float* exps = scratch)
        {
            for (var row = start; row < end; row++)
            {
                var at = scores + row * t;
                var seen = row % t + 1;
                var top = S.Create(float.NegativeInfinity);
                for (var i = 0L; i < seen; i += S.Width)
                {
                    var value = S.Multiply(Lanes.Load<S, V, E>(at + i, seen - i, float.NegativeInfinity), S.Create(scale));
                    S.StoreFull(exps + i, value);
                    top = S.Max(top, value);
                }
                var max = S.Create(S.MaxOf(top));
                var sum = default(V);
                for (var i = 0L; i < seen; i += S.Width)
                {
                    // exp clamps at e⁻⁸⁷ ≈ 1e-38: the −∞ of the last vector's unseen lanes adds nothing measurable.
                    var exp = Lanes.Exp<S, V>(S.Subtract(S.LoadFull(exps + i), max));
                    S.StoreFull(exps + i, exp);
                    sum = S.Add(sum, exp);
                }
                var inverse = S.Create(1 / S.Sum(sum));
                for (var i = 0L; i < seen; i += S.Width) Lanes.Store<S, V, E>(at + i, seen - i, S.Multiply(S.LoadFull(exps + i), inverse));
                new Span<byte>(at + seen, (int)((t - seen) * sizeof(E))).Clear();
            }
        }
    }

    internal static void Backward<S, V, E>(E* p, E* dp, long rows, int t, float scale)
        where S : ILanes<V> where V : struct where E : unmanaged =>
        ThreadTeam.Run(rows, Grain, (_, start, end) => BackwardRows<S, V, E>(p, dp, t, scale, start, end));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardRows<S, V, E>(E* p, E* dp, int t, float scale, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        for (var row = start; row < end; row++)
        {
            E* probability = p + row * t, gradient = dp + row * t;
            var seen = row % t + 1;
            var dot = default(V);
            for (var i = 0L; i < seen; i += S.Width)
                dot = S.MultiplyAdd(Lanes.Load<S, V, E>(probability + i, seen - i), Lanes.Load<S, V, E>(gradient + i, seen - i), dot);
            var mean = S.Create(S.Sum(dot));
            for (var i = 0L; i < seen; i += S.Width)
            {
                var centred = S.Subtract(Lanes.Load<S, V, E>(gradient + i, seen - i), mean);
                var value = S.Multiply(S.Multiply(Lanes.Load<S, V, E>(probability + i, seen - i), centred), S.Create(scale));
                Lanes.Store<S, V, E>(gradient + i, seen - i, value);
            }
            new Span<byte>(gradient + seen, (int)((t - seen) * sizeof(E))).Clear();
        }
    }
}
