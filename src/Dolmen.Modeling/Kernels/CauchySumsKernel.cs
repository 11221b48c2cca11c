// P numerators, H features, N state (one of each conjugate pair), L length, F frequencies (= L/2 + 1)
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

internal readonly record struct CauchyShape(int Numerators, int Features, int State, int Length)
{
    public int Frequencies => Length / 2 + 1;
}

/// <summary>
/// G(p, h, k) = Σₙ v/(iσ − λc) + v̄/(iσ − λ̄c), (P, H, N, 2) and (H, N, 2) → (2, P, H, F), and its gradients. The lanes are neighbouring
/// frequencies; the Cauchy matrix exists only in registers, a reciprocal serves four numerators. σ and c come as sums of two floats:
/// near a resonance σ − c·Im λ is a small difference of large numbers.
/// </summary>
internal static unsafe class CauchySumsKernel
{
    private const int Group = 4;

    public static void Forward(float* numerators, float* rates, float* sums, CauchyShape shape)
    {
        if (Vector512.IsHardwareAccelerated) Forward<Lanes512, Vector512<float>>(numerators, rates, sums, shape);
        else Forward<Lanes256, Vector256<float>>(numerators, rates, sums, shape);
    }

    public static void Backward(float* numerators, float* rates, float* dsums, float* dnumerators, float* drates, CauchyShape shape)
    {
        if (Vector512.IsHardwareAccelerated) Backward<Lanes512, Vector512<float>>(numerators, rates, dsums, dnumerators, drates, shape);
        else Backward<Lanes256, Vector256<float>>(numerators, rates, dsums, dnumerators, drates, shape);
    }

    internal static void Forward<S, V>(float* numerators, float* rates, float* sums, CauchyShape shape) where S : ILanes<V> where V : struct
    {
        var nodes = Nodes(shape.Length, S.Width);
        fixed (float* table = nodes)
        {
            var node = table;
            OpenMpTeam.RunChunks(shape.Features, 1, (start, end) =>
            {
                for (var h = start; h < end; h++)
                {
                    for (var p = 0; p < shape.Numerators; p += Group) ForwardRow<S, V>(numerators, rates, sums, node, shape, h, p);
                }
            });
        }
    }

    internal static void Backward<S, V>(float* numerators, float* rates, float* dsums, float* dnumerators, float* drates, CauchyShape shape)
        where S : ILanes<V> where V : struct
    {
        var nodes = Nodes(shape.Length, S.Width);
        fixed (float* table = nodes)
        {
            var node = table;
            OpenMpTeam.RunChunks(
                shape.Features,
                1,
                (start, end) =>
                {
                    for (var h = start; h < end; h++)
                    {
                        new Span<float>(drates + h * shape.State * 2, shape.State * 2).Clear();
                        for (var p = 0; p < shape.Numerators; p += Group)
                            BackwardRow<S, V>(numerators, rates, dsums, dnumerators, drates, node, shape, h, p);
                    }
                }
            );
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardRow<S, V>(float* numerators, float* rates, float* sums, float* node, CauchyShape shape, long h, int first)
        where S : ILanes<V> where V : struct
    {
        var (f, padded, count) = (shape.Frequencies, Padded(shape.Length, S.Width), Math.Min(Group, shape.Numerators - first));
        var plane = (long)shape.Numerators * shape.Features * f;
        var v = stackalloc float[2 * Group * shape.State];
        Gather(numerators, shape, h, first, count, v);
        var rate = rates + h * shape.State * 2;
        for (var k = 0; k < f; k += S.Width)
        {
            V s0 = S.LoadFull(node + k),
                s1 = S.LoadFull(node + padded + k),
                c0 = S.LoadFull(node + 2 * padded + k),
                c1 = S.LoadFull(node + 3 * padded + k);
            V zero = S.Create(0),
                r0 = zero,
                r1 = zero,
                r2 = zero,
                r3 = zero,
                i0 = zero,
                i1 = zero,
                i2 = zero,
                i3 = zero;
            for (var n = 0; n < shape.State; n++)
            {
                var (ar, ai, br, bi) = Fractions<S, V>(rate[2 * n], rate[2 * n + 1], s0, s1, c0, c1);
                V sumR = S.Add(ar, br), sumI = S.Add(ai, bi), crossR = S.Subtract(ar, br), crossI = S.Subtract(bi, ai);
                var at = v + 2 * Group * n;
                r0 = S.MultiplyAdd(S.Create(at[0]), sumR, S.MultiplyAdd(S.Create(at[1]), crossI, r0));
                i0 = S.MultiplyAdd(S.Create(at[0]), sumI, S.MultiplyAdd(S.Create(at[1]), crossR, i0));
                r1 = S.MultiplyAdd(S.Create(at[2]), sumR, S.MultiplyAdd(S.Create(at[3]), crossI, r1));
                i1 = S.MultiplyAdd(S.Create(at[2]), sumI, S.MultiplyAdd(S.Create(at[3]), crossR, i1));
                r2 = S.MultiplyAdd(S.Create(at[4]), sumR, S.MultiplyAdd(S.Create(at[5]), crossI, r2));
                i2 = S.MultiplyAdd(S.Create(at[4]), sumI, S.MultiplyAdd(S.Create(at[5]), crossR, i2));
                r3 = S.MultiplyAdd(S.Create(at[6]), sumR, S.MultiplyAdd(S.Create(at[7]), crossI, r3));
                i3 = S.MultiplyAdd(S.Create(at[6]), sumI, S.MultiplyAdd(S.Create(at[7]), crossR, i3));
            }
            for (var p = 0; p < count; p++)
            {
                var to = sums + ((first + p) * shape.Features + h) * f + k;
                Lanes.Store<S, V, float>(to, f - k, p switch { 0 => r0, 1 => r1, 2 => r2, _ => r3 });
                Lanes.Store<S, V, float>(to + plane, f - k, p switch { 0 => i0, 1 => i1, 2 => i2, _ => i3 });
            }
        }
    }

    // With e = 1/(iσ − λc), e' = 1/(iσ − λ̄c): dG = v·e²·c·dλ + v̄·e'²·c·dλ̄ and dG = e·dv + e'·dv̄.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardRow<S, V>(
        float* numerators, float* rates, float* dsums, float* dnumerators, float* drates, float* node, CauchyShape shape, long h, int first)
        where S : ILanes<V> where V : struct
    {
        var (f, padded, count) = (shape.Frequencies, Padded(shape.Length, S.Width), Math.Min(Group, shape.Numerators - first));
        var plane = (long)shape.Numerators * shape.Features * f;
        var v = stackalloc float[2 * Group * shape.State];
        Gather(numerators, shape, h, first, count, v);
        float* rate = rates + h * shape.State * 2, drate = drates + h * shape.State * 2;
        var gradient = dsums + (first * shape.Features + h) * f;
        var step = (long)shape.Features * f;
        V zero = S.Create(0);
        for (var n = 0; n < shape.State; n++)
        {
            var at = v + 2 * Group * n;
            V r0 = zero, r1 = zero, r2 = zero, r3 = zero, i0 = zero, i1 = zero, i2 = zero, i3 = zero, rateR = zero, rateI = zero;
            for (var k = 0; k < f; k += S.Width)
            {
                V c0 = S.LoadFull(node + 2 * padded + k);
                var (ar, ai, br, bi) = Fractions<S, V>(
                    rate[2 * n],
                    rate[2 * n + 1],
                    S.LoadFull(node + k),
                    S.LoadFull(node + padded + k),
                    c0,
                    S.LoadFull(node + 3 * padded + k)
                );
                V sumR = S.Add(ar, br),
                    sumI = S.Add(ai, bi),
                    crossR = S.Subtract(ar, br),
                    crossI = S.Subtract(bi, ai);
                // Σₚ conj(g)·v and Σₚ conj(g)·v̄ of the group, without the factor −i the second part of each carries.
                V rr = zero, ii = zero, ri = zero, ir = zero;
                for (var p = 0; p < count; p++)
                {
                    V gr = Lanes.Load<S, V, float>(gradient + p * step + k, f - k),
                        gi = Lanes.Load<S, V, float>(gradient + p * step + plane + k, f - k);
                    V vr = S.Create(at[2 * p]),
                        vi = S.Create(at[2 * p + 1]);
                    rr = S.MultiplyAdd(gr, vr, rr);
                    ii = S.MultiplyAdd(gi, vi, ii);
                    ri = S.MultiplyAdd(gr, vi, ri);
                    ir = S.MultiplyAdd(gi, vr, ir);
                    V dr = S.MultiplyAdd(gr, sumR, S.Multiply(gi, sumI)), di = S.MultiplyAdd(gr, crossI, S.Multiply(gi, crossR));
                    switch (p)
                    {
                        case 0: r0 = S.Add(r0, dr); i0 = S.Add(i0, di); break;
                        case 1: r1 = S.Add(r1, dr); i1 = S.Add(i1, di); break;
                        case 2: r2 = S.Add(r2, dr); i2 = S.Add(i2, di); break;
                        default: r3 = S.Add(r3, dr); i3 = S.Add(i3, di); break;
                    }
                }
                var (a2r, a2i) = Square<S, V>(ar, ai);
                var (b2r, b2i) = Square<S, V>(br, bi);
                V t1r = S.Add(rr, ii), t1i = S.Subtract(ri, ir), t2r = S.Subtract(rr, ii), t2i = S.Subtract(zero, S.Add(ri, ir));
                var real = S.Subtract(S.MultiplyAdd(t1r, a2r, S.Multiply(t2r, b2r)), S.MultiplyAdd(t1i, a2i, S.Multiply(t2i, b2i)));
                var imaginary = S.Subtract(S.MultiplyAdd(t2r, b2i, S.Multiply(t2i, b2r)), S.MultiplyAdd(t1r, a2i, S.Multiply(t1i, a2r)));
                rateR = S.MultiplyAdd(c0, real, rateR);
                rateI = S.MultiplyAdd(c0, imaginary, rateI);
            }
            for (var p = 0; p < count; p++)
            {
                var to = dnumerators + (((first + p) * shape.Features + h) * shape.State + n) * 2;
                to[0] = S.Sum(p switch { 0 => r0, 1 => r1, 2 => r2, _ => r3 });
                to[1] = S.Sum(p switch { 0 => i0, 1 => i1, 2 => i2, _ => i3 });
            }
            drate[2 * n] += S.Sum(rateR);
            drate[2 * n + 1] += S.Sum(rateI);
        }
    }

    /// <summary>1/(iσ − λc) and 1/(iσ − λ̄c).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (V Ar, V Ai, V Br, V Bi) Fractions<S, V>(float lambdaR, float lambdaI, V s0, V s1, V c0, V c1)
        where S : ILanes<V>
        where V : struct
    {
        V zero = S.Create(0), li = S.Create(lambdaI), real = S.Multiply(S.Create(lambdaR), c0);
        // Im λ·c − σ, negated below, and Im λ·c + σ.
        V below = S.Add(S.MultiplyAdd(li, c0, S.Subtract(zero, s0)), S.Subtract(S.Multiply(li, c1), s1));
        V above = S.Add(S.MultiplyAdd(li, c0, s0), S.MultiplyAdd(li, c1, s1));
        var squared = S.Multiply(real, real);
        V first = S.Divide(S.Create(1), S.MultiplyAdd(below, below, squared)),
            second = S.Divide(S.Create(1), S.MultiplyAdd(above, above, squared));
        var negative = S.Subtract(zero, real);
        return (
            S.Multiply(negative, first),
            S.Multiply(below, first),
            S.Multiply(negative, second),
            S.Multiply(S.Subtract(zero, above), second)
        );
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (V Re, V Im) Square<S, V>(V re, V im) where S : ILanes<V> where V : struct =>
        (S.Subtract(S.Multiply(re, re), S.Multiply(im, im)), S.Multiply(S.Add(re, re), im));

    /// <summary>The numerators of one feature and group, those of one n side by side, zero where the group is not full.</summary>
    private static void Gather(float* numerators, CauchyShape shape, long h, int first, int count, float* to)
    {
        for (var n = 0; n < shape.State; n++)
        {
            for (var p = 0; p < Group; p++)
            {
                var from = numerators + (((first + p) * shape.Features + h) * shape.State + n) * 2;
                (to[2 * (Group * n + p)], to[2 * (Group * n + p) + 1]) = p < count ? (from[0], from[1]) : (0, 0);
            }
        }
    }

    private static int Padded(int length, int width) => (length / 2 + width) / width * width;

    /// <summary>σ = 2·sin(πk/L) and c = cos(πk/L), each as a float and what it leaves over; past the end something that divides.</summary>
    private static float[] Nodes(int length, int width)
    {
        var padded = Padded(length, width);
        var nodes = GC.AllocateUninitializedArray<float>(4 * padded);
        for (var k = 0; k < padded; k++)
        {
            var (sin, cos) = k <= length / 2 ? Math.SinCos(Math.PI * k / length) : (0.5, 0.0);
            Split(2 * sin, out nodes[k], out nodes[padded + k]);
            Split(cos, out nodes[2 * padded + k], out nodes[3 * padded + k]);
        }
        return nodes;
    }

    private static void Split(double value, out float high, out float low) => (high, low) = ((float)value, (float)(value - (float)value));
}
