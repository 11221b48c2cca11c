using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dolmen.Numerics;

/// <summary>Eight outputs in one register: a panel is two halves.</summary>
internal sealed unsafe class Avx2SuperBlockKernels : SuperBlockKernels
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public override void Multiply(byte* weights, byte* inputs, int superBlocks, int m, float* y, long stride)
    {
        var rowBytes = (long)superBlocks * SuperBlockMatrix.Blocks * BlockKernels.InputBytes;
        for (var row = 0; row < m; row++)
        {
            Half(weights, inputs + row * rowBytes, superBlocks, 0, y + row * stride);
            Half(weights, inputs + row * rowBytes, superBlocks, 8, y + row * stride + 8);
        }
    }

    /// <param name="column">The first of eight.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Half(byte* w, byte* x, int superBlocks, int column, float* y)
    {
        const int columns = SuperBlockMatrix.Columns;
        var total = Vector256<float>.Zero;
        var (mask, ones) = (Vector256.Create((byte)15), Vector256.Create((short)1));
        for (var super = 0; super < superBlocks; super++)
        {
            var factors = Avx2BlockKernels.Scales((ushort*)w + column);
            var minimumFactors = Avx2BlockKernels.Scales((ushort*)w + columns + column);
            w += SuperBlockMatrix.FactorBytes;
            for (var block = 0; block < SuperBlockMatrix.Blocks; block++, w += SuperBlockMatrix.BlockBytes, x += BlockKernels.InputBytes)
            {
                // Sums of 16 products of at most 15·127 each stay within int16.
                var pairs = Vector256<short>.Zero;
                for (var group = 0; group < 8; group += 2)
                {
                    var codes = Vector256.Load(w + 2 * columns + group * 32 + column * 4);
                    pairs += Groups(codes & mask, group, x) + Groups((codes.AsUInt16() >> 4).AsByte() & mask, group + 1, x);
                }
                var sums = Vector256.ConvertToSingle(Avx2.MultiplyAddAdjacent(pairs, ones));
                var scales = factors * Bytes(w + column) * Vector256.Create(*(float*)(x + BlockKernels.ScaleAt));
                total = Vector256.FusedMultiplyAdd(sums, scales, total);
                total = Vector256.FusedMultiplyAdd(minimumFactors * Bytes(w + columns + column), Vector256.Create(MinusSum(x)), total);
            }
        }
        total.Store(y);
    }

    [MethodImpl(Inline)]
    private static Vector256<short> Groups(Vector256<byte> codes, int group, byte* x) =>
        Avx2.MultiplyAddAdjacent(codes, Vector256.Create(((int*)(x + BlockKernels.BytesAt))[group]).AsSByte());

    /// <summary>Eight bytes as floats.</summary>
    [MethodImpl(Inline)]
    private static Vector256<float> Bytes(byte* from) =>
        Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(Vector128.CreateScalar(*(ulong*)from).AsByte()));
}
