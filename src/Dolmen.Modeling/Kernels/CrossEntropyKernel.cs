// N rows of V logits
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

/// <summary>Log-softmax at one target a row. A negative target means that the row does not count.</summary>
internal static unsafe class CrossEntropyKernel
{
    private const long Grain = 4;

    /// <summary>Writes (softmax − one-hot)·<paramref name="scale"/> over the logits; returns the sum of −log p(target), unscaled.</summary>
    public static double LossAndGradient<E>(E* logits, long* targets, long rows, int vocab, float scale) where E : unmanaged =>
        Vector512.IsHardwareAccelerated
            ? Run<Lanes512, Vector512<float>, E>(logits, targets, null, null, rows, vocab, scale)
            : Run<Lanes256, Vector256<float>, E>(logits, targets, null, null, rows, vocab, scale);

    /// <summary>log p(target) of each row, 0 where it does not count.</summary>
    public static void LogProbs<E>(E* logits, long* targets, float* logProbs, long rows, int vocab) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Run<Lanes512, Vector512<float>, E>(logits, targets, logProbs, null, rows, vocab, 0);
        else Run<Lanes256, Vector256<float>, E>(logits, targets, logProbs, null, rows, vocab, 0);
    }

    /// <summary>The gradient of <see cref="LogProbs"/>: writes (one-hot − softmax)·<paramref name="dLogProbs"/>[row] over the
    /// logits.</summary>
    public static void LogProbsGradient<E>(E* logits, long* targets, float* dLogProbs, long rows, int vocab) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Run<Lanes512, Vector512<float>, E>(logits, targets, null, dLogProbs, rows, vocab, 0);
        else Run<Lanes256, Vector256<float>, E>(logits, targets, null, dLogProbs, rows, vocab, 0);
    }

    internal static double Run<S, V, E>(E* logits, long* targets, float* logProbs, float* dLogProbs, long rows, int vocab, float scale)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var losses = new double[OpenMpTeam.Threads];
        OpenMpTeam.Run(rows, Grain, (part, start, end) =>
            losses[part] = RunRows<S, V, E>(logits, targets, logProbs, dLogProbs, vocab, scale, start, end));
        return losses.Sum();
    }

    // A method of its own: what a lambda captures lives on the heap and would be read again at every turn of the loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double RunRows<S, V, E>(
        E* logits,
        long* targets,
        float* logProbs,
        float* dLogProbs,
        int vocab,
        float scale,
        long start,
        long end
    )
        where S : ILanes<V>
        where V : struct
        where E : unmanaged
    {
        var scratch = new float[vocab + S.Width];
        var whole = vocab - vocab % S.Width;
        var loss = 0.0;
        fixed (float* exps = scratch)
        {
            for (var row = start; row < end; row++)
            {
                var at = logits + row * vocab;
                var target = targets[row];
                if (target < 0)
                {
                    if (logProbs != null) logProbs[row] = 0;
                    else new Span<byte>(at, vocab * sizeof(E)).Clear();
                    continue;
                }
                var top = S.Create(float.NegativeInfinity);
                for (var i = 0; i < whole; i += S.Width) top = S.Max(top, Lanes.Whole<S, V, E>(at + i));
                if (whole < vocab) top = S.Max(top, Lanes.Load<S, V, E>(at + whole, vocab - whole, float.NegativeInfinity));
                var max = S.MaxOf(top);
                var shift = S.Create(-max);
                var sums = default(V);
                for (var i = 0; i < whole; i += S.Width)
                {
                    var exp = Lanes.ExpOfNegative<S, V>(S.Add(Lanes.Whole<S, V, E>(at + i), shift));
                    S.StoreFull(exps + i, exp);
                    sums = S.Add(sums, exp);
                }
                if (whole < vocab)
                {
                    var rest = Lanes.Load<S, V, E>(at + whole, vocab - whole, float.NegativeInfinity);
                    var exp = Lanes.ExpOfNegative<S, V>(S.Add(rest, shift));
                    S.StoreFull(exps + whole, exp);
                    sums = S.Add(sums, exp);
                }
                var sum = S.Sum(sums);
                var logProb = Lanes.ToSingle(at[target]) - max - Math.Log(sum);
                loss -= logProb;
                if (logProbs != null)
                {
                    logProbs[row] = (float)logProb;
                    continue;
                }
                exps[target] -= sum;
                var factor = S.Create((dLogProbs == null ? scale : -dLogProbs[row]) / sum);
                for (var i = 0; i < whole; i += S.Width)
                    Lanes.StoreWhole<S, V, E>(at + i, S.Multiply(S.LoadFull(exps + i), factor));
                if (whole < vocab)
                    Lanes.Store<S, V, E>(at + whole, vocab - whole, S.Multiply(S.LoadFull(exps + whole), factor));
            }
        }
        return loss;
    }
}
