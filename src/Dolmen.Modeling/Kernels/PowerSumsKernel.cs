// C channels, H features, N state (one of each conjugate pair), L length
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Modeling.Native;

namespace Dolmen.Modeling.Kernels;

internal readonly record struct PowerSumsShape(int Channels, int Features, int State, int Length);

/// <summary>
/// K(c, h, l) = 2·Re Σₙ w·exp(l·λ), (C, H, N, 2) and (H, N, 2) → (C, H, L), and its gradients. The lanes are W neighbouring l; going on by
/// W is one complex product, so that no exponential is taken in the loop. Every <see cref="Chunk"/> positions the powers start again from
/// double precision, which keeps the phase exact at any length.
/// </summary>
internal static unsafe class PowerSumsKernel
{
    private const int Chunk = 256;

    public static void Forward(float* weights, float* rates, float* sums, PowerSumsShape shape)
    {
        if (Vector512.IsHardwareAccelerated) Forward<Lanes512, Vector512<float>>(weights, rates, sums, shape);
        else Forward<Lanes256, Vector256<float>>(weights, rates, sums, shape);
    }

    public static void Backward(float* weights, float* rates, float* dsums, float* dweights, float* drates, PowerSumsShape shape)
    {
        if (Vector512.IsHardwareAccelerated)
            Backward<Lanes512, Vector512<float>>(weights, rates, dsums, dweights, drates, shape);
        else
            Backward<Lanes256, Vector256<float>>(weights, rates, dsums, dweights, drates, shape);
    }

    internal static void Forward<S, V>(float* weights, float* rates, float* sums, PowerSumsShape shape)
        where S : ILanes<V>
        where V : struct =>
        OpenMpTeam.RunChunks(
            (long)shape.Channels * shape.Features,
            1,
            (start, end) =>
            {
                for (var row = start; row < end; row++)
                {
                    var h = row % shape.Features;
                    ForwardRow<S, V>(weights + row * shape.State * 2, rates + h * shape.State * 2, sums + row * shape.Length, shape);
                }
            }
        );

    // Four exponentials at a time: each is one chain of products, four of them fill the units.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardRow<S, V>(float* w, float* rates, float* y, PowerSumsShape shape) where S : ILanes<V> where V : struct
    {
        new Span<float>(y, shape.Length).Clear();
        var lanes = stackalloc float[8 * S.Width];
        for (var n = 0; n < shape.State; n += 4)
        {
            Powers z0 = Rate(rates, n, shape.State),
                z1 = Rate(rates, n + 1, shape.State),
                z2 = Rate(rates, n + 2, shape.State),
                z3 = Rate(rates, n + 3, shape.State);
            var (z0r, z0i) = Step<S, V>(z0);
            var (z1r, z1i) = Step<S, V>(z1);
            var (z2r, z2i) = Step<S, V>(z2);
            var (z3r, z3i) = Step<S, V>(z3);
            for (var start = 0; start < shape.Length; start += Chunk)
            {
                Begin(z0, start, Weight(w, n, shape.State), lanes, S.Width);
                Begin(z1, start, Weight(w, n + 1, shape.State), lanes + 2 * S.Width, S.Width);
                Begin(z2, start, Weight(w, n + 2, shape.State), lanes + 4 * S.Width, S.Width);
                Begin(z3, start, Weight(w, n + 3, shape.State), lanes + 6 * S.Width, S.Width);
                V p0r = S.LoadFull(lanes), p0i = S.LoadFull(lanes + S.Width);
                V p1r = S.LoadFull(lanes + 2 * S.Width), p1i = S.LoadFull(lanes + 3 * S.Width);
                V p2r = S.LoadFull(lanes + 4 * S.Width), p2i = S.LoadFull(lanes + 5 * S.Width);
                V p3r = S.LoadFull(lanes + 6 * S.Width), p3i = S.LoadFull(lanes + 7 * S.Width);
                var end = Math.Min(start + Chunk, shape.Length);
                for (var l = start; l < end; l += S.Width)
                {
                    var sum = S.Add(S.Add(p0r, p1r), S.Add(p2r, p3r));
                    Lanes.Store<S, V, float>(y + l, end - l, S.Add(Lanes.Load<S, V, float>(y + l, end - l), sum));
                    (p0r, p0i) = Product<S, V>(p0r, p0i, z0r, z0i);
                    (p1r, p1i) = Product<S, V>(p1r, p1i, z1r, z1i);
                    (p2r, p2i) = Product<S, V>(p2r, p2i, z2r, z2i);
                    (p3r, p3i) = Product<S, V>(p3r, p3i, z3r, z3i);
                }
            }
        }
    }

    // With S0 = Σ g·zˡ and S1 = Σ l·g·zˡ: dw = 2·conj(S0), dλ = 2·conj(Σ over channels of w·S1).
    internal static void Backward<S, V>(float* weights, float* rates, float* dsums, float* dweights, float* drates, PowerSumsShape shape)
        where S : ILanes<V> where V : struct =>
        OpenMpTeam.RunChunks(shape.Features, 1, (start, end) =>
        {
            for (var h = start; h < end; h++) BackwardRow<S, V>(weights, rates, dsums, dweights, drates, shape, h);
        });

    private static void BackwardRow<S, V>(
        float* weights,
        float* rates,
        float* dsums,
        float* dweights,
        float* drates,
        PowerSumsShape shape,
        long h
    )
        where S : ILanes<V>
        where V : struct
    {
        float* rate = rates + h * shape.State * 2, drate = drates + h * shape.State * 2;
        new Span<float>(drate, 2 * shape.State).Clear();
        var sums = stackalloc double[8];
        for (long c = 0; c < shape.Channels; c++)
        {
            var row = c * shape.Features + h;
            float* w = weights + row * shape.State * 2, dw = dweights + row * shape.State * 2, g = dsums + row * shape.Length;
            for (var n = 0; n < shape.State; n += 2)
            {
                new Span<double>(sums, 8).Clear();
                Moments<S, V>(g, Rate(rate, n, shape.State), Rate(rate, n + 1, shape.State), shape.Length, sums);
                for (var k = n; k < Math.Min(n + 2, shape.State); k++)
                {
                    var s = sums + 4 * (k - n);
                    (dw[2 * k], dw[2 * k + 1]) = ((float)(2 * s[0]), (float)(-2 * s[1]));
                    drate[2 * k] += (float)(2 * (w[2 * k] * s[2] - w[2 * k + 1] * s[3]));
                    drate[2 * k + 1] -= (float)(2 * (w[2 * k] * s[3] + w[2 * k + 1] * s[2]));
                }
            }
        }
    }

    // Re S0, Im S0, Re S1, Im S1 of two exponentials. Within a chunk l counts from its start, so that fp32 sums stay small.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Moments<S, V>(float* g, Powers a, Powers b, int length, double* sums) where S : ILanes<V> where V : struct
    {
        var (ar, ai) = Step<S, V>(a);
        var (br, bi) = Step<S, V>(b);
        var lanes = stackalloc float[4 * S.Width];
        for (var start = 0; start < length; start += Chunk)
        {
            Begin(a, start, (1, 0), lanes, S.Width);
            Begin(b, start, (1, 0), lanes + 2 * S.Width, S.Width);
            V pr = S.LoadFull(lanes),
                pi = S.LoadFull(lanes + S.Width),
                qr = S.LoadFull(lanes + 2 * S.Width),
                qi = S.LoadFull(lanes + 3 * S.Width);
            V zero = S.Create(0),
                p0r = zero,
                p0i = zero,
                p1r = zero,
                p1i = zero,
                q0r = zero,
                q0i = zero,
                q1r = zero,
                q1i = zero;
            var (place, width) = (S.Indices, S.Create(S.Width));
            var end = Math.Min(start + Chunk, length);
            for (var l = start; l < end; l += S.Width)
            {
                var weight = Lanes.Load<S, V, float>(g + l, end - l);
                var placed = S.Multiply(weight, place);
                p0r = S.MultiplyAdd(weight, pr, p0r);
                p0i = S.MultiplyAdd(weight, pi, p0i);
                p1r = S.MultiplyAdd(placed, pr, p1r);
                p1i = S.MultiplyAdd(placed, pi, p1i);
                q0r = S.MultiplyAdd(weight, qr, q0r);
                q0i = S.MultiplyAdd(weight, qi, q0i);
                q1r = S.MultiplyAdd(placed, qr, q1r);
                q1i = S.MultiplyAdd(placed, qi, q1i);
                place = S.Add(place, width);
                (pr, pi) = Product<S, V>(pr, pi, ar, ai);
                (qr, qi) = Product<S, V>(qr, qi, br, bi);
            }
            Collect(sums, S.Sum(p0r), S.Sum(p0i), S.Sum(p1r), S.Sum(p1i), start);
            Collect(sums + 4, S.Sum(q0r), S.Sum(q0i), S.Sum(q1r), S.Sum(q1i), start);
        }
    }

    private static void Collect(double* sums, double s0r, double s0i, double s1r, double s1i, int start)
    {
        sums[0] += s0r;
        sums[1] += s0i;
        sums[2] += s1r + start * s0r;
        sums[3] += s1i + start * s0i;
    }

    private readonly record struct Powers(double LogModulus, double Angle)
    {
        public (double Re, double Im) At(int l)
        {
            var modulus = Math.Exp(LogModulus * l);
            var (sin, cos) = Math.SinCos(Math.IEEERemainder(Angle * l, 2 * Math.PI));
            return (modulus * cos, modulus * sin);
        }
    }

    // Beyond the state: an exponential that vanishes at once, with the weight 0.
    private static Powers Rate(float* rates, int n, int state) => n < state ? new(rates[2 * n], rates[2 * n + 1]) : new(-1, 0);

    private static (double Re, double Im) Weight(float* w, int n, int state) => n < state ? (2.0 * w[2 * n], 2.0 * w[2 * n + 1]) : (0, 0);

    private static (V Re, V Im) Step<S, V>(Powers z) where S : ILanes<V> where V : struct
    {
        var (re, im) = z.At(S.Width);
        return (S.Create((float)re), S.Create((float)im));
    }

    /// <summary>weight·z^(start + lane), real parts then imaginary parts.</summary>
    private static void Begin(Powers z, int start, (double Re, double Im) weight, float* lanes, int width)
    {
        var (zr, zi) = z.At(1);
        var (sr, si) = z.At(start);
        var (re, im) = (weight.Re * sr - weight.Im * si, weight.Re * si + weight.Im * sr);
        for (var lane = 0; lane < width; lane++)
        {
            (lanes[lane], lanes[width + lane]) = ((float)re, (float)im);
            (re, im) = (re * zr - im * zi, re * zi + im * zr);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (V Re, V Im) Product<S, V>(V ar, V ai, V br, V bi) where S : ILanes<V> where V : struct => (
        S.Subtract(S.Multiply(ar, br), S.Multiply(ai, bi)), S.MultiplyAdd(ar, bi, S.Multiply(ai, br)));
}
