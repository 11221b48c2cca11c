using System.Numerics;
using System.Runtime.CompilerServices;
using Dolmen.Checkpoints;

namespace Dolmen.Inference.Kernels;

/// <summary>The activations besides those that have a kernel of their own in <see cref="VectorMath"/>, over <see cref="Vector{T}"/>.
/// Absolute
/// errors stay below a few 1e-7 of the input's size.</summary>
internal static unsafe class ActivationMath
{
    /// <summary>One function of a vector; a structure, so that the loop over it is compiled for each.</summary>
    private interface IFunction
    {
        static abstract Vector<float> Of(Vector<float> x);
    }

    /// <summary>y = f(x).</summary>
    public static void Apply(ActivationKind kind, float* x, float* y, int count) => Run(kind, x, null, y, count);

    /// <summary>y = f(gate)·up.</summary>
    public static void Gated(ActivationKind kind, float* gate, float* up, float* y, int count) => Run(kind, gate, up, y, count);

    /// <summary>The registration: one line a kind.</summary>
    private static void Run(ActivationKind kind, float* x, float* factor, float* y, int count)
    {
        switch (kind)
        {
            case ActivationKind.Silu: Map<Silu>(x, factor, y, count); break;
            case ActivationKind.GeluTanh: Map<GeluTanh>(x, factor, y, count); break;
            case ActivationKind.Gelu: Map<Gelu>(x, factor, y, count); break;
            case ActivationKind.GeluClipped: Map<GeluClipped>(x, factor, y, count); break;
            case ActivationKind.QuickGelu: Map<QuickGelu>(x, factor, y, count); break;
            case ActivationKind.Relu: Map<Relu>(x, factor, y, count); break;
            case ActivationKind.Relu6: Map<Relu6>(x, factor, y, count); break;
            case ActivationKind.ReluSquared: Map<ReluSquared>(x, factor, y, count); break;
            case ActivationKind.LeakyRelu: Map<LeakyRelu>(x, factor, y, count); break;
            case ActivationKind.Sigmoid: Map<Logistic>(x, factor, y, count); break;
            case ActivationKind.Tanh: Map<Tanh>(x, factor, y, count); break;
            case ActivationKind.Mish: Map<Mish>(x, factor, y, count); break;
            case ActivationKind.Laplace: Map<Laplace>(x, factor, y, count); break;
            case ActivationKind.Identity: Map<Identity>(x, factor, y, count); break;
            default: throw new NotSupportedException($"This engine has no activation {kind}.");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Map<F>(float* x, float* factor, float* y, int count) where F : struct, IFunction
    {
        var width = Vector<float>.Count;
        var i = 0;
        for (; i + width <= count; i += width)
        {
            var value = F.Of(Vector.Load(x + i));
            (factor == null ? value : value * Vector.Load(factor + i)).Store(y + i);
        }
        if (i == count) return;
        var rest = stackalloc float[width];
        for (var lane = 0; lane < width; lane++) rest[lane] = i + lane < count ? x[i + lane] : 0;
        var last = F.Of(Vector.Load(rest));
        for (var lane = 0; i < count; i++, lane++) y[i] = factor == null ? last[lane] : last[lane] * factor[i];
    }

    private static Vector<float> V(float value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Sigmoid(Vector<float> x) => Vector<float>.One / (Vector<float>.One + VectorMath.Exp(-x));

    /// <summary>½·(1 + erf(x/√2)), the normal distribution's sum: ½·erfc(|x|/√2) on the left, one minus that on the right. erfc by the
    /// rational exponent of Press et al. (Numerical Recipes, erfcc), relative error 1.2e-7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> NormalSum(Vector<float> x)
    {
        var z = Vector.Abs(x) * V(0.70710678f);
        var t = Vector<float>.One / Vector.FusedMultiplyAdd(z, V(0.5f), Vector<float>.One);
        var p = V(0.17087277f);
        p = Vector.FusedMultiplyAdd(p, t, V(-0.82215223f));
        p = Vector.FusedMultiplyAdd(p, t, V(1.48851587f));
        p = Vector.FusedMultiplyAdd(p, t, V(-1.13520398f));
        p = Vector.FusedMultiplyAdd(p, t, V(0.27886807f));
        p = Vector.FusedMultiplyAdd(p, t, V(-0.18628806f));
        p = Vector.FusedMultiplyAdd(p, t, V(0.09678418f));
        p = Vector.FusedMultiplyAdd(p, t, V(0.37409196f));
        p = Vector.FusedMultiplyAdd(p, t, V(1.00002368f));
        p = Vector.FusedMultiplyAdd(p, t, V(-1.26551223f));
        var tail = V(0.5f) * t * VectorMath.Exp(p - z * z);
        return Vector.ConditionalSelect(Vector.LessThan(x, Vector<float>.Zero), tail, Vector<float>.One - tail);
    }

    private readonly struct Silu : IFunction
    {
        public static Vector<float> Of(Vector<float> x) => x * Sigmoid(x);
    }

    private readonly struct GeluTanh : IFunction
    {
        public static Vector<float> Of(Vector<float> x) =>
            x * Sigmoid(V(1.5957691216f) * Vector.FusedMultiplyAdd(x * x * x, V(0.044715f), x));
    }

    private readonly struct Gelu : IFunction
    {
        public static Vector<float> Of(Vector<float> x) => x * NormalSum(x);
    }

    private readonly struct GeluClipped : IFunction
    {
        public static Vector<float> Of(Vector<float> x) => Vector.Min(Vector.Max(x * NormalSum(x), V(-10)), V(10));
    }

    private readonly struct QuickGelu : IFunction
    {
        public static Vector<float> Of(Vector<float> x) => x * Sigmoid(V(1.702f) * x);
    }

    private readonly struct Relu : IFunction
    {
        public static Vector<float> Of(Vector<float> x) => Vector.Max(x, Vector<float>.Zero);
    }

    private readonly struct Relu6 : IFunction
    {
        public static Vector<float> Of(Vector<float> x) => Vector.Min(Vector.Max(x, Vector<float>.Zero), V(6));
    }

    private readonly struct ReluSquared : IFunction
    {
        public static Vector<float> Of(Vector<float> x)
        {
            var positive = Vector.Max(x, Vector<float>.Zero);
            return positive * positive;
        }
    }

    private readonly struct LeakyRelu : IFunction
    {
        public static Vector<float> Of(Vector<float> x) => Vector.Max(x, Vector<float>.Zero) + V(0.01f) * Vector.Min(x, Vector<float>.Zero);
    }

    private readonly struct Logistic : IFunction
    {
        public static Vector<float> Of(Vector<float> x) => Sigmoid(x);
    }

    private readonly struct Tanh : IFunction
    {
        public static Vector<float> Of(Vector<float> x) => V(2) * Sigmoid(V(2) * x) - Vector<float>.One;
    }

    /// <summary>x·tanh(ln(1 + eˣ)) = x·n/(n + 2) with n = eˣ·(eˣ + 2).</summary>
    private readonly struct Mish : IFunction
    {
        public static Vector<float> Of(Vector<float> x)
        {
            var e = VectorMath.Exp(Vector.Min(x, V(20)));
            var n = e * (e + V(2));
            return x * n / (n + V(2));
        }
    }

    /// <summary>½·(1 + erf((x − µ)/(σ·√2))) with the constants that transformers has.</summary>
    private readonly struct Laplace : IFunction
    {
        public static Vector<float> Of(Vector<float> x) => NormalSum((x - V(0.707107f)) * V(1 / 0.282095f));
    }

    private readonly struct Identity : IFunction
    {
        public static Vector<float> Of(Vector<float> x) => x;
    }
}
