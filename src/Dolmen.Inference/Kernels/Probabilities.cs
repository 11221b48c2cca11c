using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dolmen.Inference.Kernels;

// V vocab

/// <summary>What drawing a token needs of its logits, (V). Sums are taken in one order on every machine: sixteen lanes within a block,
/// then block after block in double precision.</summary>
internal static unsafe class Probabilities
{
    /// <summary>Logits whose exponentials are added up together.</summary>
    public const int Block = 256;

    public static int BlocksOf(int count) => (count + Block - 1) / Block;

    /// <summary>The lowest id among those with the highest logit; numbers that are not a number do not count. −1 where none is above
    /// −∞.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Likeliest(ReadOnlySpan<float> logits)
    {
        fixed (float* x = logits)
        {
            // Two chains, so that no comparison waits for the one before it.
            Vector512<float> even = Vector512.Create(float.NegativeInfinity), odd = even;
            var i = 0;
            for (; i + 32 <= logits.Length; i += 32)
            {
                even = Greater(Vector512.Load(x + i), even);
                odd = Greater(Vector512.Load(x + i + 16), odd);
            }
            for (; i < logits.Length; i += 16)
                even = Greater(Lanes.Load<Lanes512, Vector512<float>, float>(x + i, logits.Length - i, float.NegativeInfinity), even);
            var max = Lanes512.MaxOf(Vector512.Max(even, odd));
            return max == float.NegativeInfinity ? -1 : logits.IndexOf(max);
        }
    }

    /// <summary>weights = e^((logits − max) · scale), exactly 0 where a logit is −∞ or not a number.</summary>
    /// <param name="max">The highest logit.</param>
    /// <param name="sums">Of each <see cref="Block"/> of weights.</param>
    /// <returns>Of all weights.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Exponentials(ReadOnlySpan<float> logits, float max, float scale, Span<float> weights, Span<float> sums)
    {
        if (weights.Length < logits.Length || sums.Length < BlocksOf(logits.Length))
            throw new ArgumentException($"{logits.Length} weights and their sums do not fit.", nameof(weights));
        var (shift, factor, total) = (Vector512.Create(max), Vector512.Create(scale), 0.0);
        fixed (float* x = logits, y = weights)
        {
            for (var first = 0; first < logits.Length; first += Block)
            {
                var end = Math.Min(logits.Length, first + Block);
                var sum = Vector512<float>.Zero;
                var i = first;
                for (; i + 16 <= end; i += 16)
                {
                    var weight = Exp((Vector512.Load(x + i) - shift) * factor);
                    weight.Store(y + i);
                    sum += weight;
                }
                if (i < end)
                {
                    var rest = Lanes.Load<Lanes512, Vector512<float>, float>(x + i, end - i, float.NegativeInfinity);
                    var weight = Exp((rest - shift) * factor);
                    Lanes.Store<Lanes512, Vector512<float>, float>(y + i, end - i, weight);
                    sum += weight;
                }
                total += sums[first / Block] = Lanes512.Sum(sum);
            }
        }
        return total;
    }

    /// <summary>ln Σ e^logit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double LogSumExp(ReadOnlySpan<float> logits)
    {
        var best = Likeliest(logits);
        if (best < 0) return double.NaN;
        var (shift, total) = (Vector512.Create(logits[best]), 0.0);
        fixed (float* x = logits)
        {
            for (var first = 0; first < logits.Length; first += Block)
            {
                var end = Math.Min(logits.Length, first + Block);
                var sum = Vector512<float>.Zero;
                var i = first;
                for (; i + 16 <= end; i += 16) sum += Exp(Vector512.Load(x + i) - shift);
                if (i < end) sum += Exp(Lanes.Load<Lanes512, Vector512<float>, float>(x + i, end - i, float.NegativeInfinity) - shift);
                total += Lanes512.Sum(sum);
            }
        }
        return logits[best] + Math.Log(total);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Greater(Vector512<float> x, Vector512<float> max) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(x, max), x, max);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Exp(Vector512<float> x) => Vector512.ConditionalSelect(
        Vector512.GreaterThanOrEqual(x, Vector512.Create(-87f)), Lanes.ExpOfNegative<Lanes512, Vector512<float>>(x), Vector512<float>.Zero);
}
