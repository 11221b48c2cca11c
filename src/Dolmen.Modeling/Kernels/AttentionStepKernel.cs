// B rows of a batch, S source positions, D query and key, M memory
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

/// <summary>One query a row looks at the encoder's outputs. <see cref="Energy"/> (D): the energy is v·tanh(q + k); null: q·k.</summary>
internal unsafe struct AttentionStep<E> where E : unmanaged
{
    /// <summary>Rows <see cref="QueryStride"/> apart.</summary>
    public E* Query;
    public int QueryStride;

    /// <summary>(B, S, D) and (B, S, M).</summary>
    public E* Keys, Memory;
    public float* QueryBias, Energy;
    public int* Lengths;
    public int Positions, Width, MemoryWidth;

    /// <summary>(B, S): what each position weighs; 0 beyond a row's length.</summary>
    public float* Weights;

    /// <summary>(B, M), rows <see cref="ContextStride"/> apart.</summary>
    public E* Context;
    public int ContextStride;
}

/// <summary>Gradients of a step; sums over the steps in fp32.</summary>
internal unsafe struct AttentionStepGradient<E> where E : unmanaged
{
    /// <summary>(B, M), rows <see cref="ContextStride"/> apart.</summary>
    public E* DContext;
    public int ContextStride;

    /// <summary>(B, D), written.</summary>
    public E* DQuery;

    /// <summary>(B, S, D), (B, S, M), (B, D): added to. The last is of <see cref="AttentionStep{E}.Energy"/>, row by row.</summary>
    public float* DKeys, DMemory, DEnergy;
}

/// <summary>Energies, softmax and weighted sum of one decoder step, and the way back, which computes tanh again instead of keeping
/// it.</summary>
internal static unsafe class AttentionStepKernel
{
    private const long Grain = 1;

    public static void Forward<E>(AttentionStep<E> step, long rows) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Forward<Lanes512, Vector512<float>, E>(step, rows);
        else Forward<Lanes256, Vector256<float>, E>(step, rows);
    }

    public static void Backward<E>(AttentionStep<E> step, AttentionStepGradient<E> gradient, long rows) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Backward<Lanes512, Vector512<float>, E>(step, gradient, rows);
        else Backward<Lanes256, Vector256<float>, E>(step, gradient, rows);
    }

    internal static void Forward<S, V, E>(AttentionStep<E> step, long rows) where S : ILanes<V> where V : struct where E : unmanaged =>
        OpenMpTeam.RunChunks(rows, Grain, (start, end) =>
        {
            var scratch = new float[Math.Max(step.Width, step.MemoryWidth) + S.Width];
            fixed (float* wide = scratch)
            {
                for (var row = start; row < end; row++) ForwardRow<S, V, E>(step, row, wide);
            }
        });

    internal static void Backward<S, V, E>(AttentionStep<E> step, AttentionStepGradient<E> gradient, long rows)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged =>
        OpenMpTeam.RunChunks(
            rows,
            Grain,
            (start, end) =>
            {
                var scratch = new float[2 * (step.Width + S.Width) + step.Positions];
                fixed (float* wide = scratch)
                {
                    for (var row = start; row < end; row++)
                        BackwardRow<S, V, E>(step, gradient, row, wide, wide + step.Width + S.Width, wide + 2 * (step.Width + S.Width));
                }
            }
        );

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardRow<S, V, E>(AttentionStep<E> step, long row, float* wide)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged
    {
        var (d, m, seen) = (step.Width, step.MemoryWidth, step.Lengths[row]);
        LoadQuery<S, V, E>(step, row, wide);
        var weights = step.Weights + row * step.Positions;
        var keys = step.Keys + row * step.Positions * d;
        var max = float.NegativeInfinity;
        for (var s = 0; s < seen; s++, keys += d)
        {
            var sum = default(V);
            for (var i = 0; i < d; i += S.Width)
            {
                V q = S.LoadFull(wide + i), k = Lanes.Load<S, V, E>(keys + i, d - i);
                sum = step.Energy == null
                    ? S.MultiplyAdd(q, k, sum)
                    : S.MultiplyAdd(Lanes.Load<S, V, float>(step.Energy + i, d - i), RnnKernel.Tanh<S, V>(S.Add(q, k)), sum);
            }
            weights[s] = S.Sum(sum);
            max = Math.Max(max, weights[s]);
        }
        var total = 0f;
        for (var s = 0; s < seen; s++) total += weights[s] = MathF.Exp(weights[s] - max);
        for (var s = 0; s < seen; s++) weights[s] /= total;
        new Span<float>(weights + seen, step.Positions - seen).Clear();
        var memory = step.Memory + row * step.Positions * m;
        for (var i = 0; i < m; i += S.Width)
        {
            var sum = default(V);
            for (var s = 0; s < seen; s++)
                sum = S.MultiplyAdd(S.Create(weights[s]), Lanes.Load<S, V, E>(memory + (long)s * m + i, m - i), sum);
            Lanes.Store<S, V, E>(step.Context + row * step.ContextStride + i, m - i, sum);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardRow<S, V, E>(
        AttentionStep<E> step,
        AttentionStepGradient<E> gradient,
        long row,
        float* query,
        float* dQuery,
        float* dWeights
    )
        where S : ILanes<V>
        where V : struct
        where E : unmanaged
    {
        var (d, m, seen) = (step.Width, step.MemoryWidth, step.Lengths[row]);
        LoadQuery<S, V, E>(step, row, query);
        var weights = step.Weights + row * step.Positions;
        var dContext = gradient.DContext + row * gradient.ContextStride;
        var mean = 0f;
        for (var s = 0; s < seen; s++)
        {
            var at = (row * step.Positions + s) * m;
            var sum = default(V);
            var weight = S.Create(weights[s]);
            for (var i = 0; i < m; i += S.Width)
            {
                var dc = Lanes.Load<S, V, E>(dContext + i, m - i);
                sum = S.MultiplyAdd(dc, Lanes.Load<S, V, E>(step.Memory + at + i, m - i), sum);
                var dMemory = gradient.DMemory + at + i;
                Lanes.Store<S, V, float>(dMemory, m - i, S.MultiplyAdd(weight, dc, Lanes.Load<S, V, float>(dMemory, m - i)));
            }
            dWeights[s] = S.Sum(sum);
            mean += weights[s] * dWeights[s];
        }
        for (var i = 0; i < d; i += S.Width) S.StoreFull(dQuery + i, default);
        for (var s = 0; s < seen; s++)
        {
            var at = (row * step.Positions + s) * d;
            var dEnergy = S.Create(weights[s] * (dWeights[s] - mean));
            for (var i = 0; i < d; i += S.Width)
            {
                V q = S.LoadFull(query + i), k = Lanes.Load<S, V, E>(step.Keys + at + i, d - i);
                V toQuery, toKey;
                if (step.Energy == null) (toQuery, toKey) = (S.Multiply(dEnergy, k), S.Multiply(dEnergy, q));
                else
                {
                    var squashed = RnnKernel.Tanh<S, V>(S.Add(q, k));
                    var dv = gradient.DEnergy + row * d + i;
                    Lanes.Store<S, V, float>(dv, d - i, S.MultiplyAdd(dEnergy, squashed, Lanes.Load<S, V, float>(dv, d - i)));
                    var slope = S.Subtract(S.Create(1), S.Multiply(squashed, squashed));
                    toQuery = toKey = S.Multiply(S.Multiply(dEnergy, Lanes.Load<S, V, float>(step.Energy + i, d - i)), slope);
                }
                S.StoreFull(dQuery + i, S.Add(S.LoadFull(dQuery + i), toQuery));
                var dKeys = gradient.DKeys + at + i;
                Lanes.Store<S, V, float>(dKeys, d - i, S.Add(toKey, Lanes.Load<S, V, float>(dKeys, d - i)));
            }
        }
        for (var i = 0; i < d; i += S.Width) Lanes.Store<S, V, E>(gradient.DQuery + row * d + i, d - i, S.LoadFull(dQuery + i));
    }

    /// <summary>As floats, padded with zeros to whole vectors.</summary>
    private static void LoadQuery<S, V, E>(in AttentionStep<E> step, long row, float* wide)
        where S : ILanes<V>
        where V : struct
        where E : unmanaged
    {
        for (var i = 0; i < step.Width; i += S.Width)
        {
            var q = Lanes.Load<S, V, E>(step.Query + row * step.QueryStride + i, step.Width - i);
            S.StoreFull(wide + i, step.QueryBias == null ? q : S.Add(q, Lanes.Load<S, V, float>(step.QueryBias + i, step.Width - i)));
        }
    }
}
