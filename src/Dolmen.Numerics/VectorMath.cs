using System.Numerics;
using System.Runtime.CompilerServices;

namespace Dolmen.Numerics;

/// <summary>The element-wise steps of a decoder, over <see cref="Vector{T}"/>; what is left at the end of a row goes through a padded
/// copy.</summary>
internal static unsafe class VectorMath
{
    /// <summary>A constant to the compiler, which a field would not be.</summary>
    private static int Width => Vector<float>.Count;

    /// <summary><see cref="Lanes.Exp"/>, and exactly 0 below −87, so that −∞ adds nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Exp(Vector<float> x) =>
        Vector.ConditionalSelect(
            Vector.LessThan(x, new Vector<float>(-87f)),
            Vector<float>.Zero,
            Lanes.Exp<RuntimeLanes, Vector<float>>(x));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Max(float* x, int count)
    {
        var max = new Vector<float>(float.NegativeInfinity);
        var i = 0;
        for (; i + Width <= count; i += Width) max = Vector.Max(max, Vector.Load(x + i));
        var result = float.NegativeInfinity;
        for (var lane = 0; lane < Width; lane++) result = Math.Max(result, max[lane]);
        for (; i < count; i++) result = Math.Max(result, x[i]);
        return result;
    }

    /// <summary>x ← e^(x − max); returns the sum. <paramref name="count"/> is a multiple of the vector width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float ExpInPlace(float* x, int count, float max)
    {
        var shift = new Vector<float>(max);
        var sum = Vector<float>.Zero;
        for (var i = 0; i < count; i += Width)
        {
            var value = Exp(Vector.Load(x + i) - shift);
            value.Store(x + i);
            sum += value;
        }
        return Vector.Sum(sum);
    }

    /// <summary>y = x / √(mean x² + ε) · weight (Zhang and Sennrich 2019).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RmsNorm(float* x, float* weight, float* y, int count, float eps)
    {
        var squares = Vector<float>.Zero;
        var i = 0;
        for (; i + Width <= count; i += Width)
        {
            var value = Vector.Load(x + i);
            squares = Vector.FusedMultiplyAdd(value, value, squares);
        }
        var sum = Vector.Sum(squares);
        for (; i < count; i++) sum += x[i] * x[i];
        var scale = 1f / MathF.Sqrt(sum / count + eps);
        var scales = new Vector<float>(scale);
        for (i = 0; i + Width <= count; i += Width) (Vector.Load(x + i) * scales * Vector.Load(weight + i)).Store(y + i);
        for (; i < count; i++) y[i] = x[i] * scale * weight[i];
    }

    /// <summary>y = (x − mean) / √(var + ε) · weight + bias, var the mean square (Ba et al. 2016).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LayerNorm(float* x, float* weight, float* bias, float* y, int count, float eps)
    {
        var sums = Vector<float>.Zero;
        var i = 0;
        for (; i + Width <= count; i += Width) sums += Vector.Load(x + i);
        var sum = Vector.Sum(sums);
        for (; i < count; i++) sum += x[i];
        var mean = sum / count;
        var means = new Vector<float>(mean);
        var squares = Vector<float>.Zero;
        for (i = 0; i + Width <= count; i += Width)
        {
            var value = Vector.Load(x + i) - means;
            squares = Vector.FusedMultiplyAdd(value, value, squares);
        }
        sum = Vector.Sum(squares);
        for (; i < count; i++) sum += (x[i] - mean) * (x[i] - mean);
        var scale = 1f / MathF.Sqrt(sum / count + eps);
        var scales = new Vector<float>(scale);
        for (i = 0; i + Width <= count; i += Width)
        {
            Vector.FusedMultiplyAdd((Vector.Load(x + i) - means) * scales, Vector.Load(weight + i), Vector.Load(bias + i)).Store(y + i);
        }
        for (; i < count; i++) y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
    }

    /// <summary>x += y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* x, float* y, int count)
    {
        var i = 0;
        for (; i + Width <= count; i += Width) (Vector.Load(x + i) + Vector.Load(y + i)).Store(x + i);
        for (; i < count; i++) x[i] += y[i];
    }

    /// <summary>sum += x·y, element by element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddProducts(float* sum, float* x, float* y, int count)
    {
        var i = 0;
        for (; i + Width <= count; i += Width)
            Vector.FusedMultiplyAdd(Vector.Load(x + i), Vector.Load(y + i), Vector.Load(sum + i)).Store(sum + i);
        for (; i < count; i++) sum[i] = MathF.FusedMultiplyAdd(x[i], y[i], sum[i]);
    }

    /// <summary>y = gate·sigmoid(gate)·up (Shazeer 2020).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SwiGlu(float* gate, float* up, float* y, int count)
    {
        var i = 0;
        for (; i + Width <= count; i += Width) Gated(Vector.Load(gate + i), Vector.Load(up + i)).Store(y + i);
        if (i == count) return;
        var last = Gated(Partial(gate + i, count - i, 0), Partial(up + i, count - i, 0));
        for (var lane = 0; i < count; i++, lane++) y[i] = last[lane];
    }

    /// <summary>y = x·½(1 + tanh(√(2/π)·(x + 0.044715x³))), which is x·sigmoid of twice the argument (Hendrycks and Gimpel
    /// 2016).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gelu(float* x, float* y, int count)
    {
        var i = 0;
        for (; i + Width <= count; i += Width) Gelu(Vector.Load(x + i)).Store(y + i);
        if (i == count) return;
        var last = Gelu(Partial(x + i, count - i, 0));
        for (var lane = 0; i < count; i++, lane++) y[i] = last[lane];
    }

    /// <summary>y += scale·x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(float* y, float* x, float scale, int count)
    {
        var scales = new Vector<float>(scale);
        var i = 0;
        for (; i + Width <= count; i += Width) Vector.FusedMultiplyAdd(Vector.Load(x + i), scales, Vector.Load(y + i)).Store(y + i);
        for (; i < count; i++) y[i] = MathF.FusedMultiplyAdd(x[i], scale, y[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Gelu(Vector<float> x)
    {
        var twice = new Vector<float>(1.5957691216f) * Vector.FusedMultiplyAdd(x * x * x, new Vector<float>(0.044715f), x);
        return x / (Vector<float>.One + Exp(-twice));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Gated(Vector<float> gate, Vector<float> up) => gate * up / (Vector<float>.One + Exp(-gate));

    private static Vector<float> Partial(float* x, int count, float padding)
    {
        var copy = stackalloc float[Width];
        for (var lane = 0; lane < Width; lane++) copy[lane] = lane < count ? x[lane] : padding;
        return Vector.Load(copy);
    }
}
