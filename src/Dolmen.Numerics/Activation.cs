using System.Runtime.CompilerServices;

namespace Dolmen.Numerics;

/// <summary>Elementwise functions over one vector.</summary>
internal static class Activation
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    public const float Ln2 = 0.693147181f;
    public const float Log2E = 1.44269504f;

    /// <summary>1/(1 + e^(−x)), as u/(1 + u) for negative x and 1/(1 + u) otherwise with u = e^(−|x|), which cannot overflow.</summary>
    [MethodImpl(Inline)]
    public static V Sigmoid<S, V>(V x) where S : ILanes<V> where V : struct
    {
        var positive = S.Max(x, S.Create(0));
        var u = PowerOfTwo<S, V>(S.Multiply(S.Subtract(x, S.Add(positive, positive)), S.Create(Log2E)));
        return S.Divide(S.SelectLess(x, S.Create(0), u, S.Create(1)), S.Add(S.Create(1), u));
    }

    /// <summary>silu'(x) = σ(x)·(1 + x·(1 − σ(x))), given σ(x).</summary>
    [MethodImpl(Inline)]
    public static V SiluSlope<S, V>(V x, V sigmoid) where S : ILanes<V> where V : struct =>
        S.Multiply(sigmoid, S.MultiplyAdd(x, S.Subtract(S.Create(1), sigmoid), S.Create(1)));

    /// <summary>log(1 + eˣ) = max(x, 0) + log(1 + u), u = e^(−|x|); the logarithm as 2·artanh(s), s = u/(2 + u) ≤ 1/3, by its
    /// series.</summary>
    [MethodImpl(Inline)]
    public static V Softplus<S, V>(V x) where S : ILanes<V> where V : struct
    {
        var positive = S.Max(x, S.Create(0));
        var u = Lanes.Exp<S, V>(S.Subtract(x, S.Add(positive, positive)));
        var s = S.Divide(u, S.Add(u, S.Create(2)));
        var square = S.Multiply(s, s);
        var p = S.MultiplyAdd(square, S.Create(2f / 13), S.Create(2f / 11));
        p = S.MultiplyAdd(p, square, S.Create(2f / 9));
        p = S.MultiplyAdd(p, square, S.Create(2f / 7));
        p = S.MultiplyAdd(p, square, S.Create(2f / 5));
        p = S.MultiplyAdd(p, square, S.Create(2f / 3));
        p = S.MultiplyAdd(p, square, S.Create(2));
        return S.MultiplyAdd(s, p, positive);
    }

    /// <summary>2ˣ for x ≤ 0, to 1e-7 of itself; below 2⁻¹²⁶ it stays there. The polynomial is a minimax fit on [−½, ½].</summary>
    [MethodImpl(Inline)]
    public static V PowerOfTwo<S, V>(V x) where S : ILanes<V> where V : struct
    {
        x = S.Max(x, S.Create(-126));
        var n = S.Round(x);
        var r = S.Subtract(x, n);
        var p = S.MultiplyAdd(r, S.Create(1.3264725e-3f), S.Create(9.6715130e-3f));
        p = S.MultiplyAdd(p, r, S.Create(5.5507337e-2f));
        p = S.MultiplyAdd(p, r, S.Create(2.4022242e-1f));
        p = S.MultiplyAdd(p, r, S.Create(6.9314698e-1f));
        p = S.MultiplyAdd(p, r, S.Create(1));
        return S.Scale(p, n);
    }
}
