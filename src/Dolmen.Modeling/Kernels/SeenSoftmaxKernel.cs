// B·H·T rows of S scores
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

/// <summary>How far each row of scores sees: all rows of a sequence as far as its length, or each row to its own position.</summary>
/// <param name="RowsOfSequence">H·T.</param>
/// <param name="Lengths">(B); null where rows are causal.</param>
internal readonly unsafe record struct Sight(long RowsOfSequence, int Queries, IntPtr Lengths)
{
    public int Of(long row) => Lengths == 0 ? (int)(row % Queries) + 1 : ((int*)Lengths)[row / RowsOfSequence];
}

/// <summary>softmax(scale·s) over the positions a row may see, zero beyond; in place.</summary>
internal static unsafe class SeenSoftmaxKernel
{
    private const long Grain = 64;

    public static void Forward<E>(E* scores, long rows, int s, float scale, Sight sight) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Forward<Lanes512, Vector512<float>, E>(scores, rows, s, scale, sight);
        else Forward<Lanes256, Vector256<float>, E>(scores, rows, s, scale, sight);
    }

    /// <summary>ds = scale·p·(dp − Σ p·dp), written over <paramref name="dp"/>.</summary>
    public static void Backward<E>(E* p, E* dp, long rows, int s, float scale, Sight sight) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Backward<Lanes512, Vector512<float>, E>(p, dp, rows, s, scale, sight);
        else Backward<Lanes256, Vector256<float>, E>(p, dp, rows, s, scale, sight);
    }

    internal static void Forward<S, V, E>(E* scores, long rows, int s, float scale, Sight sight)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged => OpenMpTeam.RunChunks(rows, Grain, (start, end) => ForwardRows<S, V, E>(scores, s, scale, sight, start, end));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardRows<S, V, E>(E* scores, int s, float scale, Sight sight, long start, long end)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged
    {
        var scratch = new float[s + S.Width];
        fixed (float* exps = scratch)
        {
            for (var row = start; row < end; row++)
            {
                var at = scores + row * s;
                var seen = sight.Of(row);
                var top = S.Create(float.NegativeInfinity);
                for (var i = 0; i < seen; i += S.Width)
                {
                    var value = S.Multiply(Lanes.Load<S, V, E>(at + i, seen - i, float.NegativeInfinity), S.Create(scale));
                    S.StoreFull(exps + i, value);
                    top = S.Max(top, value);
                }
                var max = S.Create(S.MaxOf(top));
                var sum = default(V);
                for (var i = 0; i < seen; i += S.Width)
                {
                    var exp = Lanes.Exp<S, V>(S.Subtract(S.LoadFull(exps + i), max));
                    S.StoreFull(exps + i, exp);
                    sum = S.Add(sum, exp);
                }
                var inverse = S.Create(1 / S.Sum(sum));
                for (var i = 0; i < seen; i += S.Width) Lanes.Store<S, V, E>(at + i, seen - i, S.Multiply(S.LoadFull(exps + i), inverse));
                new Span<E>(at + seen, s - seen).Clear();
            }
        }
    }

    internal static void Backward<S, V, E>(E* p, E* dp, long rows, int s, float scale, Sight sight)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged => OpenMpTeam.RunChunks(rows, Grain, (start, end) => BackwardRows<S, V, E>(p, dp, s, scale, sight, start, end));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardRows<S, V, E>(E* p, E* dp, int s, float scale, Sight sight, long start, long end)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged
    {
        for (var row = start; row < end; row++)
        {
            E* probability = p + row * s, gradient = dp + row * s;
            var seen = sight.Of(row);
            var dot = default(V);
            for (var i = 0; i < seen; i += S.Width)
                dot = S.MultiplyAdd(Lanes.Load<S, V, E>(probability + i, seen - i), Lanes.Load<S, V, E>(gradient + i, seen - i), dot);
            var mean = S.Create(S.Sum(dot));
            for (var i = 0; i < seen; i += S.Width)
            {
                var centred = S.Subtract(Lanes.Load<S, V, E>(gradient + i, seen - i), mean);
                Lanes.Store<S, V, E>(
                    gradient + i,
                    seen - i,
                    S.Multiply(S.Multiply(Lanes.Load<S, V, E>(probability + i, seen - i), centred), S.Create(scale))
                );
            }
            new Span<E>(gradient + seen, s - seen).Clear();
        }
    }
}
