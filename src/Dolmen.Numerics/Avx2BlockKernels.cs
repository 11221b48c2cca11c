using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dolmen.Numerics;

/// <summary>Eight outputs in one register: a panel is two halves.</summary>
internal sealed unsafe class Avx2BlockKernels : BlockKernels
{
    private const int ScaleBytes = 32, Int8Bytes = ScaleBytes + 512, Int4Bytes = ScaleBytes + 256;

    public override void Int8(byte* weights, byte* inputs, int blocks, int m, float* y, int stride)
    {
        for (var row = 0; row < m; row++)
        {
            Int8Row(weights, inputs + (long)row * blocks * InputBytes, blocks, y + (long)row * stride);
        }
    }

    public override void Int4(byte* weights, byte* inputs, int blocks, int m, float* y, int stride)
    {
        for (var row = 0; row < m; row++)
        {
            Int4Row(weights, inputs + (long)row * blocks * InputBytes, blocks, y + (long)row * stride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Int8Row(byte* w, byte* x, int blocks, float* y)
    {
        var (left, right) = (Vector256<float>.Zero, Vector256<float>.Zero);
        for (var block = 0; block < blocks; block++, w += Int8Bytes, x += InputBytes)
        {
            var (l, r) = (Vector256<int>.Zero, Vector256<int>.Zero);
            for (var pair = 0; pair < 16; pair++)
            {
                var input = Vector256.Create(((int*)x)[pair]).AsInt16();
                var weights = (sbyte*)(w + ScaleBytes + pair * 32);
                l += Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(Vector128.Load(weights)), input);
                r += Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(Vector128.Load(weights + 16)), input);
            }
            left = Add(left, l, Scales((ushort*)w), x);
            right = Add(right, r, Scales((ushort*)w + 8), x);
        }
        left.Store(y);
        right.Store(y + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Int4Row(byte* w, byte* x, int blocks, float* y)
    {
        var (left, right) = (Vector256<float>.Zero, Vector256<float>.Zero);
        var mask = Vector256.Create((byte)15);
        for (var block = 0; block < blocks; block++, w += Int4Bytes, x += InputBytes)
        {
            // Sums of 32 products of at most 15·127 in twos: at most 8 of 3,810 each, within int16.
            var (l, r) = (Vector256<short>.Zero, Vector256<short>.Zero);
            for (var both = 0; both < 4; both++)
            {
                var codes = w + ScaleBytes + both * 64;
                var (first, second) = (Vector256.Load(codes), Vector256.Load(codes + 32));
                var low = Vector256.Create(((int*)(x + BytesAt))[2 * both]).AsSByte();
                var high = Vector256.Create(((int*)(x + BytesAt))[2 * both + 1]).AsSByte();
                l += Avx2.MultiplyAddAdjacent(first & mask, low) + Avx2.MultiplyAddAdjacent((first.AsUInt16() >> 4).AsByte() & mask, high);
                r += Avx2.MultiplyAddAdjacent(second & mask, low)
                    + Avx2.MultiplyAddAdjacent((second.AsUInt16() >> 4).AsByte() & mask, high);
            }
            var (ones, eight) = (Vector256.Create((short)1), Vector256.Create(*(int*)(x + SumAt)));
            left = Add(left, Avx2.MultiplyAddAdjacent(l, ones) - eight, Scales((ushort*)w), x);
            right = Add(right, Avx2.MultiplyAddAdjacent(r, ones) - eight, Scales((ushort*)w + 8), x);
        }
        left.Store(y);
        right.Store(y + 8);
    }

    /// <summary>Eight float16 numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> Scales(ushort* halves)
    {
        var bits = Vector256.WidenLower(Vector128.Load(halves).ToVector256Unsafe());
        var shifted = ((bits & Vector256.Create(0x7FFFu)) << 13) | ((bits & Vector256.Create(0x8000u)) << 16);
        return shifted.AsSingle() * Vector256.Create(HalfBias);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Add(Vector256<float> total, Vector256<int> sum, Vector256<float> scales, byte* x) =>
        Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(sum), scales * Vector256.Create(*(float*)(x + ScaleAt)), total);
}
