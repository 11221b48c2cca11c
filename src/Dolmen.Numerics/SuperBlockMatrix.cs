using System.Runtime.CompilerServices;

namespace Dolmen.Numerics;

// N outputs, K inputs, M rows (tokens), S super-blocks of 256 inputs

/// <summary>A weight (N, K) as ggml's Q4_K has it: four bits a weight; a scale and a minimum of six bits for each 32, which two float16
/// numbers for each 256 multiply. A weight is scale · code − minimum. Inputs are rounded as <see cref="BlockMatrix"/>'s are, sums within 32
/// products are exact, and their results are added up in order: every kernel gives the same bits. <para>Panels of 16 outputs; of each
/// super-block first the 16 factors of the scales and the 16 of the minima (float16), then eight times 16 scales, 16 minima (bytes) and the
/// codes in the order of <see cref="BlockFormat.Int4"/>.</para></summary>
internal sealed unsafe class SuperBlockMatrix : CodedMatrix
{
    public const int SuperBlock = 256, FileBytes = 144;

    public const int Blocks = SuperBlock / Block;

    /// <summary>Bytes of a panel's super-block: its factors, then its blocks.</summary>
    public const int FactorBytes = 2 * 2 * Columns, BlockBytes = 2 * Columns + Columns * Block / 2;

    public const int PanelBytes = FactorBytes + Blocks * BlockBytes;

    private readonly NativeBuffer _panels;
    private readonly int _superBlocks;
    private readonly SuperBlockKernels _kernels;

    public SuperBlockMatrix(int outputs, int inputs) : this(outputs, inputs, SuperBlockKernels.Best) { }

    /// <summary>For tests, which compare all kernels on any machine.</summary>
    internal SuperBlockMatrix(int outputs, int inputs, SuperBlockKernels kernels)
        : base(outputs, inputs)
    {
        if (inputs % SuperBlock != 0) throw new ArgumentException($"{inputs} inputs are not whole blocks of {SuperBlock}.", nameof(inputs));
        (_superBlocks, _kernels) = (inputs / SuperBlock, kernels);
        _panels = WeightMemory.Take((long)PaddedOutputs / Columns * _superBlocks * PanelBytes);
    }

    public override long Bytes => _panels.Bytes;

    public override void SetRows(int firstOutput, ReadOnlySpan<float> rows) =>
        throw new NotSupportedException("A matrix of Q4_K takes the blocks of a file.");

    /// <summary>Takes over rows of blocks as a GGUF file stores them, with exactly their codes, scales and minima.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void SetBlocks(int firstOutput, ReadOnlySpan<byte> rows)
    {
        fixed (byte* first = rows)
        {
            var from = first;
            for (var r = 0; r < rows.Length / FileBytes / _superBlocks; r++)
            {
                var output = firstOutput + r;
                for (var s = 0; s < _superBlocks; s++, from += FileBytes) SetBlock(SuperBlockOf(output, s), output % Columns, from);
            }
        }
    }

    public override void CopyRow(int output, float* destination)
    {
        var column = output % Columns;
        for (var s = 0; s < _superBlocks; s++)
        {
            var from = SuperBlockOf(output, s);
            var (factor, minimumFactor) = ((float)((Half*)from)[column], (float)((Half*)from)[Columns + column]);
            for (var block = 0; block < Blocks; block++)
            {
                var at = from + FactorBytes + block * BlockBytes;
                var (scale, minimum) = (factor * at[column], minimumFactor * at[Columns + column]);
                for (var k = 0; k < Block; k++) *destination++ = scale * Code(at + 2 * Columns, column, k) - minimum;
            }
        }
    }

    private protected override void MultiplyPanel(int panel, byte* rounded, int m, float* y, long stride) =>
        _kernels.Multiply(_panels.Pointer + (long)panel * _superBlocks * PanelBytes, rounded, _superBlocks, m, y, stride);

    /// <summary>The code of an input of a block, from 0 to 15.</summary>
    public static int Code(byte* codes, int column, int k) => codes[(k / 8 * Columns + column) * 4 + k % 4] >> (k / 4 % 2 * 4) & 15;

    protected override void Dispose(bool disposing)
    {
        if (disposing) _panels.Dispose();
    }

    private static void SetBlock(byte* to, int column, byte* from)
    {
        const uint low = 0x0F0F0F0F;
        ((ushort*)to)[column] = *(ushort*)from;
        ((ushort*)to)[Columns + column] = *(ushort*)(from + 2);
        var packed = from + 4;
        for (var block = 0; block < Blocks; block++)
        {
            var at = to + FactorBytes + block * BlockBytes;
            // The upper two bits of the last four scales and minima lie above the first four.
            at[column] = (byte)(block < 4 ? packed[block] & 63 : packed[block + 4] & 15 | packed[block - 4] >> 6 << 4);
            at[Columns + column] = (byte)(block < 4 ? packed[block + 4] & 63 : packed[block + 4] >> 4 | packed[block] >> 6 << 4);
            // A file's 32 bytes hold two blocks, one in the lower halves: four bytes of eight inputs that follow each other.
            var codes = (uint*)(from + 16 + block / 2 * Block);
            var eights = (uint*)(at + 2 * Columns) + column;
            for (var eight = 0; eight < 4; eight++)
            {
                var (first, second) = (codes[2 * eight], codes[2 * eight + 1]);
                eights[eight * Columns] = block % 2 == 0 ? first & low | (second & low) << 4 : first >> 4 & low | second & ~low;
            }
        }
    }

    private byte* SuperBlockOf(int output, int superBlock) =>
        _panels.Pointer + ((long)(output / Columns) * _superBlocks + superBlock) * PanelBytes;
}
