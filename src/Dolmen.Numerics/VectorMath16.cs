using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dolmen.Numerics;

/// <summary>Functions of sixteen channels at once, for the recurrences. Where 512-bit vectors are missing, the runtime does each as two
/// halves.</summary>
internal static unsafe class VectorMath16
{
    public const int Lanes = 16;

    /// <summary><see cref="Numerics.Lanes.Exp"/>, and exactly 0 below −87.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x) =>
        Vector512.ConditionalSelect(
            Vector512.LessThan(x, Vector512.Create(-87f)),
            Vector512<float>.Zero,
            Numerics.Lanes.Exp<Lanes512, Vector512<float>>(x));

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
