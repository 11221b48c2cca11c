using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dolmen.Numerics;

/// <summary>bfloat16: the upper half of a float. Storage only; arithmetic is done in fp32.</summary>
internal readonly struct Bf16
{
    private readonly ushort _bits;

    private Bf16(ushort bits) => _bits = bits;

    public ushort Bits => _bits;

    public static implicit operator float(Bf16 value) => BitConverter.UInt32BitsToSingle((uint)value._bits << 16);

    /// <summary>Rounds to nearest, ties to even; a NaN stays one.</summary>
    public static explicit operator Bf16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value)) return new Bf16((ushort)((bits >> 16) | 0x40));
        return new Bf16((ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16));
    }
}

/// <summary>
/// The vector operations the kernels are written in, once for every width: a kernel is one generic method, the JIT compiles it for
/// <see cref="Lanes512"/> or <see cref="Lanes256"/>. <typeparamref name="V"/> is the raw vector so that values stay in registers.
/// Loads and stores take the number of elements left, so that no size has to be a multiple of the width.
/// </summary>
internal unsafe interface ILanes<V> where V : struct
{
    static abstract int Width { get; }
    static abstract V Create(float value);

    /// <summary>0, 1, 2, … Width−1.</summary>
    static abstract V Indices { get; }
    static abstract V LoadFull(float* source);
    static abstract V LoadFull(Bf16* source);
    static abstract void StoreFull(float* target, V value);
    static abstract void StoreFull(Bf16* target, V value);
    static abstract V Add(V a, V b);
    static abstract V Subtract(V a, V b);
    static abstract V Multiply(V a, V b);
    static abstract V Divide(V a, V b);

    /// <summary>a·b + c, rounded once where the processor can.</summary>
    static abstract V MultiplyAdd(V a, V b, V c);
    static abstract V Max(V a, V b);
    static abstract V Sqrt(V a);
    static abstract V Round(V a);

    /// <summary>Elementwise a &lt; b ? x : y.</summary>
    static abstract V SelectLess(V a, V b, V x, V y);

    /// <summary>a·2ⁿ for whole n in [−126, 127].</summary>
    static abstract V Scale(V a, V n);
    static abstract float Sum(V a);
    static abstract float MaxOf(V a);
}

internal static unsafe class Lanes
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    [MethodImpl(Inline)]
    public static V Load<S, V, E>(E* source, long left, float fill = 0) where S : ILanes<V> where V : struct where E : unmanaged =>
        left >= S.Width
            ? typeof(E) == typeof(float) ? S.LoadFull((float*)source) : S.LoadFull((Bf16*)source)
            : LoadPart<S, V, E>(source, left, fill);

    [MethodImpl(Inline)]
    public static void Store<S, V, E>(E* target, long left, V value) where S : ILanes<V> where V : struct where E : unmanaged
    {
        if (left < S.Width) StorePart<S, V, E>(target, left, value);
        else if (typeof(E) == typeof(float)) S.StoreFull((float*)target, value);
        else S.StoreFull((Bf16*)target, value);
    }

    /// <summary>A whole vector. In a loop it is far cheaper than <see cref="Load"/>: no call can happen, so that what the loop carries
    /// stays in registers.</summary>
    [MethodImpl(Inline)]
    public static V Whole<S, V, E>(E* source) where S : ILanes<V> where V : struct where E : unmanaged =>
        typeof(E) == typeof(float) ? S.LoadFull((float*)source) : S.LoadFull((Bf16*)source);

    /// <inheritdoc cref="Whole"/>
    [MethodImpl(Inline)]
    public static void StoreWhole<S, V, E>(E* target, V value) where S : ILanes<V> where V : struct where E : unmanaged
    {
        if (typeof(E) == typeof(float)) S.StoreFull((float*)target, value);
        else S.StoreFull((Bf16*)target, value);
    }

    /// <summary>eˣ to about 2 units in the last place: Cody and Waite's reduction by ln 2 in two parts, then a polynomial of degree 6
    /// (coefficients of Cephes' expf).</summary>
    [MethodImpl(Inline)]
    public static V Exp<S, V>(V x) where S : ILanes<V> where V : struct
    {
        x = S.SelectLess(x, S.Create(-87f), S.Create(-87f), S.SelectLess(x, S.Create(88f), x, S.Create(88f)));
        var n = S.Round(S.Multiply(x, S.Create(1.44269504f)));
        return ExpOfParts<S, V>(x, n);
    }

    [MethodImpl(Inline)]
    private static V ExpOfParts<S, V>(V x, V n) where S : ILanes<V> where V : struct
    {
        var r = S.MultiplyAdd(n, S.Create(-0.693359375f), x);
        r = S.MultiplyAdd(n, S.Create(2.12194440e-4f), r);
        var p = S.Create(1.9875691500e-4f);
        p = S.MultiplyAdd(p, r, S.Create(1.3981999507e-3f));
        p = S.MultiplyAdd(p, r, S.Create(8.3334519073e-3f));
        p = S.MultiplyAdd(p, r, S.Create(4.1665795894e-2f));
        p = S.MultiplyAdd(p, r, S.Create(1.6666665459e-1f));
        p = S.MultiplyAdd(p, r, S.Create(5.0000001201e-1f));
        p = S.Add(S.MultiplyAdd(p, S.Multiply(r, r), r), S.Create(1f));
        return S.Scale(p, n);
    }

    /// <summary><see cref="Exp"/> of what is not above 0: the same bits, without the upper bound.</summary>
    [MethodImpl(Inline)]
    public static V ExpOfNegative<S, V>(V x) where S : ILanes<V> where V : struct
    {
        x = S.Max(S.Create(-87f), x);
        var n = S.Round(S.Multiply(x, S.Create(1.44269504f)));
        return ExpOfParts<S, V>(x, n);
    }

    public static float ToSingle<E>(E value) where E : unmanaged =>
        typeof(E) == typeof(float) ? Unsafe.BitCast<E, float>(value) : Unsafe.BitCast<E, Bf16>(value);

    private static V LoadPart<S, V, E>(E* source, long left, float fill) where S : ILanes<V> where V : struct where E : unmanaged
    {
        var lanes = stackalloc float[S.Width];
        for (var i = 0; i < S.Width; i++) lanes[i] = i < left ? ToSingle(source[i]) : fill;
        return S.LoadFull(lanes);
    }

    private static void StorePart<S, V, E>(E* target, long left, V value) where S : ILanes<V> where V : struct where E : unmanaged
    {
        var lanes = stackalloc float[S.Width];
        S.StoreFull(lanes, value);
        for (var i = 0; i < left; i++)
        {
            if (typeof(E) == typeof(float)) ((float*)target)[i] = lanes[i];
            else ((Bf16*)target)[i] = (Bf16)lanes[i];
        }
    }
}

internal readonly unsafe struct Lanes512 : ILanes<Vector512<float>>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Width => 16;
    [MethodImpl(Inline)] public static Vector512<float> Create(float value) => Vector512.Create(value);
    public static Vector512<float> Indices => Vector512<float>.Indices;
    [MethodImpl(Inline)] public static Vector512<float> LoadFull(float* source) => Vector512.Load(source);

    [MethodImpl(Inline)]
    public static Vector512<float> LoadFull(Bf16* source) =>
        (Vector512.WidenLower(Vector256.Load((ushort*)source).ToVector512Unsafe()) << 16).AsSingle();

    [MethodImpl(Inline)] public static void StoreFull(float* target, Vector512<float> value) => value.Store(target);

    [MethodImpl(Inline)]
    public static void StoreFull(Bf16* target, Vector512<float> value)
    {
        var bits = value.AsUInt32();
        bits = (bits + Vector512.Create(0x7FFFu) + ((bits >>> 16) & Vector512<uint>.One)) >>> 16;
        var halves = Avx512F.IsSupported ? Avx512F.ConvertToVector256UInt16(bits) : Vector512.Narrow(bits, bits).GetLower();
        halves.Store((ushort*)target);
    }

    [MethodImpl(Inline)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    [MethodImpl(Inline)]
    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => a - b;

    [MethodImpl(Inline)]
    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    [MethodImpl(Inline)]
    public static Vector512<float> Divide(Vector512<float> a, Vector512<float> b) => a / b;

    [MethodImpl(Inline)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(Inline)]
    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Vector512.MaxNative(a, b);

    [MethodImpl(Inline)]
    public static Vector512<float> Sqrt(Vector512<float> a) => Vector512.Sqrt(a);

    [MethodImpl(Inline)]
    public static Vector512<float> Round(Vector512<float> a) => Vector512.Round(a);

    [MethodImpl(Inline)]
    public static Vector512<float> SelectLess(Vector512<float> a, Vector512<float> b, Vector512<float> x, Vector512<float> y) =>
        Vector512.ConditionalSelect(Vector512.LessThan(a, b), x, y);

    [MethodImpl(Inline)]
    public static Vector512<float> Scale(Vector512<float> a, Vector512<float> n) =>
        Avx512F.IsSupported ? Avx512F.Scale(a, n) : a * ((Vector512.ConvertToInt32Native(n) + Vector512.Create(127)) << 23).AsSingle();

    [MethodImpl(Inline)] public static float Sum(Vector512<float> a) => Lanes256.Sum(a.GetLower() + a.GetUpper());
    [MethodImpl(Inline)] public static float MaxOf(Vector512<float> a) => Lanes256.MaxOf(Vector256.MaxNative(a.GetLower(), a.GetUpper()));
}

internal readonly unsafe struct Lanes256 : ILanes<Vector256<float>>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Width => 8;
    [MethodImpl(Inline)] public static Vector256<float> Create(float value) => Vector256.Create(value);
    public static Vector256<float> Indices => Vector256<float>.Indices;
    [MethodImpl(Inline)] public static Vector256<float> LoadFull(float* source) => Vector256.Load(source);

    [MethodImpl(Inline)]
    public static Vector256<float> LoadFull(Bf16* source) =>
        (Vector256.WidenLower(Vector128.Load((ushort*)source).ToVector256Unsafe()) << 16).AsSingle();

    [MethodImpl(Inline)] public static void StoreFull(float* target, Vector256<float> value) => value.Store(target);

    [MethodImpl(Inline)]
    public static void StoreFull(Bf16* target, Vector256<float> value)
    {
        var bits = value.AsUInt32();
        bits = (bits + Vector256.Create(0x7FFFu) + ((bits >>> 16) & Vector256<uint>.One)) >>> 16;
        Vector256.Narrow(bits, bits).GetLower().Store((ushort*)target);
    }

    [MethodImpl(Inline)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    [MethodImpl(Inline)]
    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => a - b;

    [MethodImpl(Inline)]
    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(Inline)]
    public static Vector256<float> Divide(Vector256<float> a, Vector256<float> b) => a / b;

    [MethodImpl(Inline)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Vector256.FusedMultiplyAdd(a, b, c);

    [MethodImpl(Inline)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Vector256.MaxNative(a, b);

    [MethodImpl(Inline)]
    public static Vector256<float> Sqrt(Vector256<float> a) => Vector256.Sqrt(a);

    [MethodImpl(Inline)]
    public static Vector256<float> Round(Vector256<float> a) => Vector256.Round(a);

    [MethodImpl(Inline)]
    public static Vector256<float> SelectLess(Vector256<float> a, Vector256<float> b, Vector256<float> x, Vector256<float> y) =>
        Vector256.ConditionalSelect(Vector256.LessThan(a, b), x, y);

    [MethodImpl(Inline)]
    public static Vector256<float> Scale(Vector256<float> a, Vector256<float> n) =>
        a * ((Vector256.ConvertToInt32Native(n) + Vector256.Create(127)) << 23).AsSingle();

    /// <summary>Halves added pairwise: the same tree on every machine, so the same bits.</summary>
    [MethodImpl(Inline)]
    public static float Sum(Vector256<float> a)
    {
        var four = a.GetLower() + a.GetUpper();
        var two = four + Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1));
        return two.GetElement(0) + two.GetElement(1);
    }

    [MethodImpl(Inline)]
    public static float MaxOf(Vector256<float> a)
    {
        var four = Vector128.MaxNative(a.GetLower(), a.GetUpper());
        var two = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Math.Max(two.GetElement(0), two.GetElement(1));
    }
}
