using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dolmen.Inference.Kernels;

/// <summary>How a number of a key or a value is kept in memory.</summary>
internal unsafe interface IKvCode
{
    static abstract int Bytes { get; }

    /// <summary>Whether numbers are multiples of a scale that each key and each value of a head has.</summary>
    static abstract bool IsScaled { get; }

    /// <summary>Sixteen that follow each other, before they are scaled.</summary>
    static abstract Vector512<float> Load(byte* codes);

    static abstract void Store(byte* code, float value);
}

internal readonly unsafe struct KvFloat32 : IKvCode
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Bytes => 4;

    public static bool IsScaled => false;

    [MethodImpl(Inline)] public static Vector512<float> Load(byte* codes) => Vector512.Load((float*)codes);
    [MethodImpl(Inline)] public static void Store(byte* code, float value) => *(float*)code = value;
}

internal readonly unsafe struct KvInt16 : IKvCode
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public const int Largest = short.MaxValue;

    public static int Bytes => 2;

    public static bool IsScaled => true;

    [MethodImpl(Inline)]
    public static Vector512<float> Load(byte* codes)
    {
        var narrow = Vector256.Load((short*)codes);
        if (Avx512F.IsSupported) return Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(narrow));
        var (low, high) = Vector256.Widen(narrow);
        return Vector512.ConvertToSingle(Vector512.Create(low, high));
    }

    [MethodImpl(Inline)] public static void Store(byte* code, float value) => *(short*)code = (short)value;
}

internal readonly unsafe struct KvInt8 : IKvCode
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public const int Largest = sbyte.MaxValue;

    public static int Bytes => 1;

    public static bool IsScaled => true;

    [MethodImpl(Inline)]
    public static Vector512<float> Load(byte* codes)
    {
        var narrow = Vector128.Load((sbyte*)codes);
        if (Avx512F.IsSupported) return Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(narrow));
        var (low, high) = Vector128.Widen(narrow);
        var (a, b) = Vector128.Widen(low);
        var (c, d) = Vector128.Widen(high);
        return Vector512.ConvertToSingle(Vector512.Create(Vector256.Create(a, b), Vector256.Create(c, d)));
    }

    [MethodImpl(Inline)] public static void Store(byte* code, float value) => *(sbyte*)code = (sbyte)value;
}

internal static unsafe class KvCodes
{
    /// <summary>Bytes of a number.</summary>
    public static int Bytes(KvPrecision precision) => precision switch { KvPrecision.Float32 => 4, KvPrecision.Int16 => 2, _ => 1 };

    /// <summary>Keeps numbers: every <paramref name="step"/>-th place gets one.</summary>
    /// <returns>Their scale: 1 where they are kept as they are. It is not a number where one of them is not finite, so that damage stays to
    /// be seen.</returns>
    public static float Store(KvPrecision precision, float* values, int count, byte* to, int step) => precision switch
    {
        KvPrecision.Float32 => Store<KvFloat32>(values, count, 1, to, step),
        KvPrecision.Int16 => Store<KvInt16>(values, count, Scale(values, count, KvInt16.Largest), to, step),
        _ => Store<KvInt8>(values, count, Scale(values, count, KvInt8.Largest), to, step),
    };

    /// <summary>What the largest number is divided by to become <paramref name="largest"/>; 0 for zeros, and for numbers so small that the
    /// inverse would overflow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Scale(float* values, int count, int largest)
    {
        var size = 0f;
        for (var i = 0; i < count; i++)
        {
            var of = Math.Abs(values[i]);
            if (!(of <= float.MaxValue)) return float.NaN;
            size = Math.Max(size, of);
        }
        var scale = size / largest;
        return scale < SmallestNormal ? 0 : scale;
    }

    private const float SmallestNormal = 1.17549435e-38f;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Store<K>(float* values, int count, float scale, byte* to, int step) where K : IKvCode
    {
        if (!K.IsScaled)
        {
            for (var i = 0; i < count; i++, to += (long)step * K.Bytes) K.Store(to, values[i]);
            return scale;
        }
        var inverse = scale > 0 ? 1 / scale : 0;                         // also where the scale is not a number
        for (var i = 0; i < count; i++, to += (long)step * K.Bytes) K.Store(to, MathF.Round(values[i] * inverse));
        return scale;
    }
}
