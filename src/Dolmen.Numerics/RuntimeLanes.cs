using System.Numerics;
using System.Runtime.CompilerServices;

namespace Dolmen.Numerics;

/// <summary>Vectors as wide as the runtime likes them on this processor.</summary>
internal readonly unsafe struct RuntimeLanes : ILanes<Vector<float>>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Width => Vector<float>.Count;
    [MethodImpl(Inline)] public static Vector<float> Create(float value) => new(value);
    public static Vector<float> Indices => Vector<float>.Indices;
    [MethodImpl(Inline)] public static Vector<float> LoadFull(float* source) => Vector.Load(source);

    [MethodImpl(Inline)]
    public static Vector<float> LoadFull(Bf16* source)
    {
        var values = stackalloc float[Width];
        for (var lane = 0; lane < Width; lane++) values[lane] = source[lane];
        return Vector.Load(values);
    }

    [MethodImpl(Inline)] public static void StoreFull(float* target, Vector<float> value) => value.Store(target);

    [MethodImpl(Inline)]
    public static void StoreFull(Bf16* target, Vector<float> value)
    {
        for (var lane = 0; lane < Width; lane++) target[lane] = (Bf16)value[lane];
    }

    [MethodImpl(Inline)] public static Vector<float> Add(Vector<float> a, Vector<float> b) => a + b;
    [MethodImpl(Inline)] public static Vector<float> Subtract(Vector<float> a, Vector<float> b) => a - b;
    [MethodImpl(Inline)] public static Vector<float> Multiply(Vector<float> a, Vector<float> b) => a * b;
    [MethodImpl(Inline)] public static Vector<float> Divide(Vector<float> a, Vector<float> b) => a / b;

    [MethodImpl(Inline)]
    public static Vector<float> MultiplyAdd(Vector<float> a, Vector<float> b, Vector<float> c) => Vector.FusedMultiplyAdd(a, b, c);

    [MethodImpl(Inline)] public static Vector<float> Max(Vector<float> a, Vector<float> b) => Vector.MaxNative(a, b);
    [MethodImpl(Inline)] public static Vector<float> Sqrt(Vector<float> a) => Vector.SquareRoot(a);
    [MethodImpl(Inline)] public static Vector<float> Round(Vector<float> a) => Vector.Round(a);

    [MethodImpl(Inline)]
    public static Vector<float> SelectLess(Vector<float> a, Vector<float> b, Vector<float> x, Vector<float> y) =>
        Vector.ConditionalSelect(Vector.LessThan(a, b), x, y);

    [MethodImpl(Inline)]
    public static Vector<float> Scale(Vector<float> a, Vector<float> n) =>
        a * Vector.AsVectorSingle(Vector.ShiftLeft(Vector.ConvertToInt32Native(n) + new Vector<int>(127), 23));

    [MethodImpl(Inline)] public static float Sum(Vector<float> a) => Vector.Sum(a);

    [MethodImpl(Inline)]
    public static float MaxOf(Vector<float> a)
    {
        var max = a[0];
        for (var lane = 1; lane < Width; lane++) max = Math.Max(max, a[lane]);
        return max;
    }
}
