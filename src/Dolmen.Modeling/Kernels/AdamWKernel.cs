using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

/// <summary>One step's constants: <paramref name="Step"/> counts from 1; <paramref name="GradientScale"/> is clipping's factor.</summary>
public readonly record struct AdamWStep(
    float LearningRate,
    float Beta1,
    float Beta2,
    float Epsilon,
    float WeightDecay,
    int Step,
    float GradientScale
);

/// <summary>
/// Adam with decoupled weight decay (Loshchilov and Hutter 2019), in place over flat fp32 arrays; where the model computes in bf16 the
/// rounded copy of the new weights is written in the same pass.
/// </summary>
internal static unsafe class AdamWKernel
{
    private const long Grain = 1 << 14;

    public static void Step(float* weights, Bf16* copy, float* gradients, float* m, float* v, long count, AdamWStep step)
    {
        if (Vector512.IsHardwareAccelerated) Step<Lanes512, Vector512<float>>(weights, copy, gradients, m, v, count, step);
        else Step<Lanes256, Vector256<float>>(weights, copy, gradients, m, v, count, step);
    }

    /// <summary>The same over the rows named of a table (R, D). The others, moments included, stay as they are.</summary>
    public static void StepRows(float* weights, float* gradients, float* m, float* v, IReadOnlyList<int> rows, long width, AdamWStep step)
    {
        if (Vector512.IsHardwareAccelerated) StepRows<Lanes512, Vector512<float>>(weights, gradients, m, v, rows, width, step);
        else StepRows<Lanes256, Vector256<float>>(weights, gradients, m, v, rows, width, step);
    }

    private static void StepRows<S, V>(
        float* weights, float* gradients, float* m, float* v, IReadOnlyList<int> rows, long width, AdamWStep step)
        where S : ILanes<V> where V : struct
    {
        const int RowGrain = 64;
        var (rate, unbias) = Corrections(step);
        OpenMpTeam.RunChunks(rows.Count, RowGrain, (start, end) =>
        {
            for (var i = start; i < end; i++)
            {
                var at = rows[(int)i] * width;
                StepRange<S, V>(weights, null, gradients, m, v, step, rate, unbias, at, at + width);
            }
        });
    }

    private static (float SignedRate, float UnbiasSquare) Corrections(AdamWStep step) => (
        (float)(-step.LearningRate / (1 - Math.Pow(step.Beta1, step.Step))), (float)(1 / (1 - Math.Pow(step.Beta2, step.Step))));

    internal static void Step<S, V>(float* weights, Bf16* copy, float* gradients, float* m, float* v, long count, AdamWStep step)
        where S : ILanes<V> where V : struct
    {
        var (rate, unbias) = Corrections(step);
        OpenMpTeam.RunChunks(count, Grain, (start, end) => StepRange<S, V>(weights, copy, gradients, m, v, step, rate, unbias, start, end));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StepRange<S, V>(
        float* weights,
        Bf16* copy,
        float* gradients,
        float* m,
        float* v,
        AdamWStep step,
        float signedRate,
        float unbiasSquare,
        long start,
        long end
    )
        where S : ILanes<V>
        where V : struct
    {
        var (beta1, beta2, rest1, rest2) = (S.Create(step.Beta1), S.Create(step.Beta2), S.Create(1 - step.Beta1), S.Create(1 - step.Beta2));
        var keep = S.Create(1 - step.LearningRate * step.WeightDecay);
        var (rate, unbias) = (S.Create(signedRate), S.Create(unbiasSquare));
        var (epsilon, scale) = (S.Create(step.Epsilon), S.Create(step.GradientScale));
        var whole = end - (end - start) % S.Width;
        for (var i = start; i < whole; i += S.Width)
        {
            var g = S.Multiply(S.LoadFull(gradients + i), scale);
            var mean = S.MultiplyAdd(beta1, S.LoadFull(m + i), S.Multiply(rest1, g));
            var square = S.MultiplyAdd(beta2, S.LoadFull(v + i), S.Multiply(rest2, S.Multiply(g, g)));
            S.StoreFull(m + i, mean);
            S.StoreFull(v + i, square);
            var direction = S.Divide(mean, S.Add(S.Sqrt(S.Multiply(square, unbias)), epsilon));
            var weight = S.MultiplyAdd(direction, rate, S.Multiply(S.LoadFull(weights + i), keep));
            S.StoreFull(weights + i, weight);
            if (copy != null) S.StoreFull(copy + i, weight);
        }
        for (var i = whole; i < end; i += S.Width)
        {
            var left = end - i;
            var g = S.Multiply(Lanes.Load<S, V, float>(gradients + i, left), scale);
            var mean = S.MultiplyAdd(beta1, Lanes.Load<S, V, float>(m + i, left), S.Multiply(rest1, g));
            var square = S.MultiplyAdd(beta2, Lanes.Load<S, V, float>(v + i, left), S.Multiply(rest2, S.Multiply(g, g)));
            Lanes.Store<S, V, float>(m + i, left, mean);
            Lanes.Store<S, V, float>(v + i, left, square);
            var direction = S.Divide(mean, S.Add(S.Sqrt(S.Multiply(square, unbias)), epsilon));
            var weight = S.MultiplyAdd(direction, rate, S.Multiply(Lanes.Load<S, V, float>(weights + i, left), keep));
            Lanes.Store<S, V, float>(weights + i, left, weight);
            if (copy != null) Lanes.Store<S, V, Bf16>(copy + i, left, weight);
        }
    }
}
