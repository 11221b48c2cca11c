namespace Dolmen.Numerics;

/// <summary>Without vector instructions: the reference of the others.</summary>
internal sealed unsafe class PlainBlockKernels : BlockKernels
{
    public override void Int8(byte* weights, byte* inputs, int blocks, int m, float* y, int stride) =>
        Run(weights, inputs, blocks, m, y, stride, 32 + 512, static (codes, column, k) =>
            ((sbyte*)codes)[(k / 2 * BlockMatrix.Columns + column) * 2 + k % 2]);

    public override void Int4(byte* weights, byte* inputs, int blocks, int m, float* y, int stride) =>
        Run(weights, inputs, blocks, m, y, stride, 32 + 256, static (codes, column, k) =>
            (((byte*)codes)[(k / 8 * BlockMatrix.Columns + column) * 4 + k % 4] >> (k / 4 % 2 * 4) & 15) - 8);

    private static void Run(byte* weights, byte* inputs, int blocks, int m, float* y, int stride, int blockBytes,
        Func<nint, int, int, int> code)
    {
        for (var row = 0; row < m; row++)
        {
            for (var column = 0; column < BlockMatrix.Columns; column++)
            {
                var total = 0f;
                for (var block = 0; block < blocks; block++)
                {
                    var w = weights + (long)block * blockBytes;
                    var x = inputs + ((long)row * blocks + block) * InputBytes;
                    var sum = 0;
                    for (var k = 0; k < BlockMatrix.Block; k++) sum += code((nint)(w + 32), column, k) * ((short*)x)[k];
                    var scale = (float)((Half*)w)[column] * *(float*)(x + ScaleAt);
                    total = MathF.FusedMultiplyAdd(sum, scale, total);
                }
                y[(long)row * stride + column] = total;
            }
        }
    }
}
