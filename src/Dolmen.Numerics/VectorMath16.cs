using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dolmen.Numerics;

/// <summary>Functions of sixteen channels at once, for the recurrences. Where 512-bit vectors are missing, the runtime does each as two
/// halves.</summary>
internal static unsafe class VectorMath16
{
    public const int Lanes = 16;

    /// <summary>eˣ with a relative error below 2e-7; 0 below −87.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        // As VectorMath.Exp: Taylor to r⁷ about the nearest multiple of ln 2.
        var lowest = Vector512.Create(-87f);
        var clamped = Vector512.Min(Vector512.Max(x, lowest), Vector512.Create(88f));
        var magic = Vector512.Create(12582912f);
        var n = Vector512.FusedMultiplyAdd(clamped, Vector512.Create(1.44269504f), magic) - magic;
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693145752f), clamped);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-1.42860677e-6f), r);
        var p = Vector512.Create(1f / 5040);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1f / 720));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1f / 120));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1f / 24));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1f / 6));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.5f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<float>.One);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<float>.One);
        var scaled = (p.AsInt32() + (Vector512.ConvertToInt32(n) << 23)).AsSingle();
        return Vector512.ConditionalSelect(Vector512.LessThan(x, lowest), Vector512<float>.Zero, scaled);
    }

    /// <summary>ln(1 + eˣ), x itself above 20 where they are the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Softplus(Vector512<float> x)
    {
        // ln(1 + u) = ln(w)·u/(w − 1) with w = 1 + u rounded makes up for what rounding took (Kahan).
        var u = Exp(x);
        var w = Vector512<float>.One + u;
        var tiny = Vector512.Equals(w, Vector512<float>.One);
        var log = Vector512.Log(w) * u / (w - Vector512<float>.One);
        return Vector512.ConditionalSelect(Vector512.GreaterThan(x, Vector512.Create(20f)), x, Vector512.ConditionalSelect(tiny, u, log));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Silu(Vector512<float> x) => x / (Vector512<float>.One + Exp(-x));

    /// <summary>The first <paramref name="count"/> lanes, all where it is 16 or more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, float* to, int count)
    {
        if (count >= Lanes) value.Store(to);
        else for (var lane = 0; lane < count; lane++) to[lane] = value[lane];
    }
}
