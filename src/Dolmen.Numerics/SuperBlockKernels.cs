using System.Runtime.Intrinsics.X86;

namespace Dolmen.Numerics;

/// <summary>Products of <see cref="SuperBlockMatrix"/>: a panel of 16 outputs times M rows of inputs rounded by
/// <see cref="BlockKernels.Round"/>. Of a block, with the inputs' scale a: total + code sums · (scale · a) + minimum · (−a · Σ inputs), two
/// fused multiply-adds in this order.</summary>
internal abstract unsafe class SuperBlockKernels
{
    public static SuperBlockKernels Plain { get; } = new PlainSuperBlockKernels();

    public static SuperBlockKernels Best { get; } = Avx512BW.IsSupported ? new Avx512SuperBlockKernels()
        : Avx2.IsSupported ? new Avx2SuperBlockKernels() : Plain;

    /// <param name="inputs">(M, blocks of <see cref="BlockKernels.InputBytes"/>).</param>
    /// <param name="y">(M, 16), rows <paramref name="stride"/> apart.</param>
    public abstract void Multiply(byte* weights, byte* inputs, int superBlocks, int m, float* y, long stride);

    /// <summary>What a minimum is multiplied by: minus the sum of the inputs that a block of codes stands for.</summary>
    protected static float MinusSum(byte* x) => -(*(float*)(x + BlockKernels.ScaleAt) * (*(int*)(x + BlockKernels.SumAt) * 0.125f));
}

/// <summary>Without vector instructions: the reference of the others.</summary>
internal sealed unsafe class PlainSuperBlockKernels : SuperBlockKernels
{
    public override void Multiply(byte* weights, byte* inputs, int superBlocks, int m, float* y, long stride)
    {
        const int columns = SuperBlockMatrix.Columns, blocks = SuperBlockMatrix.Blocks;
        for (var row = 0; row < m; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                var total = 0f;
                for (var block = 0; block < superBlocks * blocks; block++)
                {
                    var factors = (Half*)(weights + (long)(block / blocks) * SuperBlockMatrix.PanelBytes);
                    var at = (byte*)factors + SuperBlockMatrix.FactorBytes + block % blocks * SuperBlockMatrix.BlockBytes;
                    var x = inputs + ((long)row * superBlocks * blocks + block) * BlockKernels.InputBytes;
                    var (scale, minimum) = ((float)factors[column] * at[column], (float)factors[columns + column] * at[columns + column]);
                    var sum = 0;
                    for (var k = 0; k < SuperBlockMatrix.Block; k++)
                        sum += SuperBlockMatrix.Code(at + 2 * columns, column, k) * ((short*)x)[k];
                    total = MathF.FusedMultiplyAdd(sum, scale * *(float*)(x + BlockKernels.ScaleAt), total);
                    total = MathF.FusedMultiplyAdd(minimum, MinusSum(x), total);
                }
                y[row * stride + column] = total;
            }
        }
    }
}
