// rows of T scores, (…, H, T): row r belongs to head (r / T) mod H and looks back from position r mod T
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

/// <summary>What a row of scores sees: at most <c>window</c> positions up to its own, and with ALiBi's slopes (one a head; null for none)
/// distance counts against a position. With the starts of segments, (B, T) or null, a row sees nothing before its own segment.</summary>
internal readonly unsafe struct ScoreMask(int length, float scale, int window, float* slopes, int heads, int* starts = null)
{
    private readonly float* _slopes = slopes;
    private readonly int* _starts = starts;

    public int Length => length;

    public float Scale => scale;

    public bool HasSlopes => _slopes != null;

    public int First(long row)
    {
        var start = _starts == null ? 0 : _starts[row / ((long)heads * length) * length + row % length];
        return Math.Max(start, (int)(row % length) + 1 - window);
    }

    public int End(long row) => (int)(row % length) + 1;

    public float Slope(long row) => _slopes[row / length % heads];
}

/// <summary>softmax(scale·s − slope·distance) over the positions a row may see, zero elsewhere; in place.</summary>
internal static unsafe class CausalSoftmaxKernel
{
    private const long Grain = 64;

    public static void Forward<E>(E* scores, long rows, ScoreMask mask) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Forward<Lanes512, Vector512<float>, E>(scores, rows, mask);
        else Forward<Lanes256, Vector256<float>, E>(scores, rows, mask);
    }

    /// <summary>ds = scale·p·(dp − Σ p·dp), written over <paramref name="dp"/>.</summary>
    public static void Backward<E>(E* p, E* dp, long rows, ScoreMask mask) where E : unmanaged
    {
        if (Vector512.IsHardwareAccelerated) Backward<Lanes512, Vector512<float>, E>(p, dp, rows, mask);
        else Backward<Lanes256, Vector256<float>, E>(p, dp, rows, mask);
    }

    internal static void Forward<S, V, E>(E* scores, long rows, ScoreMask mask)
        where S : ILanes<V> where V : struct where E : unmanaged =>
        OpenMpTeam.RunChunks(rows, Grain, (start, end) => ForwardRows<S, V, E>(scores, mask, start, end));

    // Methods of their own: what a lambda captures lives on the heap and would be read again at every turn of the loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardRows<S, V, E>(E* scores, ScoreMask mask, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var (t, scale) = (mask.Length, S.Create(mask.Scale));
        var scratch = new float[t + S.Width];
        fixed (float* exps = scratch)
        {
            for (var row = start; row < end; row++)
            {
                var at = scores + row * t;
                var (first, stop) = (mask.First(row), mask.End(row));
                var whole = stop - (stop - first) % S.Width;
                var top = S.Create(float.NegativeInfinity);
                if (!mask.HasSlopes)
                {
                    for (var i = first; i < whole; i += S.Width)
                    {
                        var value = S.Multiply(Lanes.Whole<S, V, E>(at + i), scale);
                        S.StoreFull(exps + i, value);
                        top = S.Max(top, value);
                    }
                    if (whole < stop)
                    {
                        var value = S.Multiply(Seen<S, V, E>(at + whole, stop - whole, t - whole), scale);
                        S.StoreFull(exps + whole, value);
                        top = S.Max(top, value);
                    }
                }
                else
                {
                    var slope = mask.Slope(row);
                    for (var i = first; i < stop; i += S.Width)
                    {
                        var closeness = S.Multiply(S.Add(S.Indices, S.Create(i + 1 - stop)), S.Create(slope));
                        var value = S.MultiplyAdd(Seen<S, V, E>(at + i, stop - i, t - i), scale, closeness);
                        S.StoreFull(exps + i, value);
                        top = S.Max(top, value);
                    }
                }
                var max = S.Create(S.MaxOf(top));
                var sum = default(V);
                for (var i = first; i < stop; i += S.Width)
                {
                    // exp clamps at e⁻⁸⁷ ≈ 1e-38: the −∞ of the last vector's unseen lanes adds nothing measurable.
                    var exp = Lanes.ExpOfNegative<S, V>(S.Subtract(S.LoadFull(exps + i), max));
                    S.StoreFull(exps + i, exp);
                    sum = S.Add(sum, exp);
                }
                var inverse = S.Create(1 / S.Sum(sum));
                for (var i = first; i < whole; i += S.Width)
                    Lanes.StoreWhole<S, V, E>(at + i, S.Multiply(S.LoadFull(exps + i), inverse));
                if (whole < stop) Lanes.Store<S, V, E>(at + whole, t - whole, S.Multiply(S.LoadFull(exps + whole), inverse));
                Clear(at, first, stop, t);
            }
        }
    }

    internal static void Backward<S, V, E>(E* p, E* dp, long rows, ScoreMask mask)
        where S : ILanes<V> where V : struct where E : unmanaged =>
        OpenMpTeam.RunChunks(rows, Grain, (start, end) => BackwardRows<S, V, E>(p, dp, mask, start, end));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardRows<S, V, E>(E* p, E* dp, ScoreMask mask, long start, long end)
        where S : ILanes<V> where V : struct where E : unmanaged
    {
        var (t, scale) = (mask.Length, S.Create(mask.Scale));
        for (var row = start; row < end; row++)
        {
            E* probability = p + row * t, gradient = dp + row * t;
            var (first, stop) = (mask.First(row), mask.End(row));
            var dot = default(V);
            // Vectors may reach past the seen positions, within the row: probabilities are zero there, and the end is cleared.
            var whole = stop - (stop - first) % S.Width;
            for (var i = first; i < whole; i += S.Width)
                dot = S.MultiplyAdd(Lanes.Whole<S, V, E>(probability + i), Lanes.Whole<S, V, E>(gradient + i), dot);
            if (whole < stop)
            {
                var seen = Lanes.Load<S, V, E>(probability + whole, t - whole);
                dot = S.MultiplyAdd(seen, Lanes.Load<S, V, E>(gradient + whole, t - whole), dot);
            }
            var mean = S.Create(S.Sum(dot));
            for (var i = first; i < whole; i += S.Width)
            {
                var centred = S.Subtract(Lanes.Whole<S, V, E>(gradient + i), mean);
                Lanes.StoreWhole<S, V, E>(gradient + i, S.Multiply(S.Multiply(Lanes.Whole<S, V, E>(probability + i), centred), scale));
            }
            for (var i = whole; i < stop; i += S.Width)
            {
                var centred = S.Subtract(Lanes.Load<S, V, E>(gradient + i, t - i), mean);
                var value = S.Multiply(S.Multiply(Lanes.Load<S, V, E>(probability + i, t - i), centred), scale);
                Lanes.Store<S, V, E>(gradient + i, t - i, value);
            }
            Clear(gradient, first, stop, t);
        }
    }

    /// <summary>A vector of scores, −∞ from <paramref name="seen"/> on. Reading on within the row is far cheaper than a
    /// partial load.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Seen<S, V, E>(E* scores, long seen, long inRow) where S : ILanes<V> where V : struct where E : unmanaged
    {
        var value = Lanes.Load<S, V, E>(scores, inRow, float.NegativeInfinity);
        return seen >= S.Width ? value : S.SelectLess(S.Indices, S.Create(seen), value, S.Create(float.NegativeInfinity));
    }

    private static void Clear<E>(E* row, int first, int stop, int t) where E : unmanaged
    {
        new Span<byte>(row, first * sizeof(E)).Clear();
        new Span<byte>(row + stop, (t - stop) * sizeof(E)).Clear();
    }
}
