using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dolmen.Numerics;

/// <summary>Sixteen outputs in one register, four rows at once.</summary>
internal sealed unsafe class Avx512SuperBlockKernels : SuperBlockKernels
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public override void Multiply(byte* weights, byte* inputs, int superBlocks, int m, float* y, long stride)
    {
        var rowBytes = (long)superBlocks * SuperBlockMatrix.Blocks * BlockKernels.InputBytes;
        var row = 0;
        for (; row + 4 <= m; row += 4) Rows(weights, inputs + row * rowBytes, rowBytes, superBlocks, y + row * stride, stride);
        for (; row < m; row++) Row(weights, inputs + row * rowBytes, superBlocks, y + row * stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row(byte* w, byte* x, int superBlocks, float* y)
    {
        var total = Vector512<float>.Zero;
        var mask = Vector512.Create((byte)15);
        for (var super = 0; super < superBlocks; super++)
        {
            var (factors, minimumFactors) = (Avx512BlockKernels.Widened(w), Avx512BlockKernels.Widened(w + 2 * SuperBlockMatrix.Columns));
            w += SuperBlockMatrix.FactorBytes;
            for (var block = 0; block < SuperBlockMatrix.Blocks; block++, w += SuperBlockMatrix.BlockBytes, x += BlockKernels.InputBytes)
            {
                // Sums of 16 products of at most 15·127 each stay within int16; two chains, so that no addition waits for the one before.
                var (even, odd) = (Vector512<short>.Zero, Vector512<short>.Zero);
                for (var group = 0; group < 8; group += 2)
                {
                    var codes = Codes(w, group);
                    even += Groups(codes & mask, group, x);
                    odd += Groups((codes.AsUInt16() >> 4).AsByte() & mask, group + 1, x);
                }
                total = Add(total, even + odd, factors * Bytes(w), minimumFactors * Bytes(w + SuperBlockMatrix.Columns), x);
            }
        }
        total.Store(y);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows(byte* w, byte* x0, long rowBytes, int superBlocks, float* y, long stride)
    {
        var (t0, t1, t2, t3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        var mask = Vector512.Create((byte)15);
        byte* x1 = x0 + rowBytes, x2 = x1 + rowBytes, x3 = x2 + rowBytes;
        for (var super = 0; super < superBlocks; super++)
        {
            var (factors, minimumFactors) = (Avx512BlockKernels.Widened(w), Avx512BlockKernels.Widened(w + 2 * SuperBlockMatrix.Columns));
            w += SuperBlockMatrix.FactorBytes;
            for (var block = 0; block < SuperBlockMatrix.Blocks; block++, w += SuperBlockMatrix.BlockBytes)
            {
                var (s0, s1, s2, s3) = (Vector512<short>.Zero, Vector512<short>.Zero, Vector512<short>.Zero, Vector512<short>.Zero);
                for (var group = 0; group < 8; group += 2)
                {
                    var codes = Codes(w, group);
                    var (first, second) = (codes & mask, (codes.AsUInt16() >> 4).AsByte() & mask);
                    s0 += Groups(first, group, x0) + Groups(second, group + 1, x0);
                    s1 += Groups(first, group, x1) + Groups(second, group + 1, x1);
                    s2 += Groups(first, group, x2) + Groups(second, group + 1, x2);
                    s3 += Groups(first, group, x3) + Groups(second, group + 1, x3);
                }
                var (scales, minima) = (factors * Bytes(w), minimumFactors * Bytes(w + SuperBlockMatrix.Columns));
                t0 = Add(t0, s0, scales, minima, x0);
                t1 = Add(t1, s1, scales, minima, x1);
                t2 = Add(t2, s2, scales, minima, x2);
                t3 = Add(t3, s3, scales, minima, x3);
                x0 += BlockKernels.InputBytes;
                x1 += BlockKernels.InputBytes;
                x2 += BlockKernels.InputBytes;
                x3 += BlockKernels.InputBytes;
            }
        }
        t0.Store(y);
        t1.Store(y + stride);
        t2.Store(y + 2 * stride);
        t3.Store(y + 3 * stride);
    }

    /// <summary>Two groups of four inputs of each output, the first in the lower halves.</summary>
    [MethodImpl(Inline)]
    private static Vector512<byte> Codes(byte* w, int group) => Vector512.Load(w + 2 * SuperBlockMatrix.Columns + group * 32);

    /// <summary>Four products of each output, added up in twos.</summary>
    [MethodImpl(Inline)]
    private static Vector512<short> Groups(Vector512<byte> codes, int group, byte* x) =>
        Avx512BW.MultiplyAddAdjacent(codes, Vector512.Create(((int*)(x + BlockKernels.BytesAt))[group]).AsSByte());

    /// <summary>Sixteen bytes as floats.</summary>
    [MethodImpl(Inline)]
    private static Vector512<float> Bytes(byte* from) =>
        Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(from)));

    [MethodImpl(Inline)]
    private static Vector512<float> Add(
        Vector512<float> total, Vector512<short> pairs, Vector512<float> scales, Vector512<float> minima, byte* x)
    {
        var sums = Vector512.ConvertToSingle(Avx512BW.MultiplyAddAdjacent(pairs, Vector512.Create((short)1)));
        total = Vector512.FusedMultiplyAdd(sums, scales * Vector512.Create(*(float*)(x + BlockKernels.ScaleAt)), total);
        return Vector512.FusedMultiplyAdd(minima, Vector512.Create(MinusSum(x)), total);
    }
}
