using System.Runtime.CompilerServices;

namespace Dolmen.Numerics;

// N outputs, K inputs, M rows (tokens), B blocks of 32 inputs

/// <summary>A weight (N, K) in blocks of 32 inputs with one scale each, as ggml's Q8_0 and Q4_0. The inputs of a product are rounded to
/// eight bits by blocks too (as llama.cpp does), products and their sums within a block are exact integers, and blocks are added up in
/// order: every kernel gives the same bits. K is filled up with zeros to whole blocks. <para>Panels of 16 outputs; of each block first
/// the 16 scales (float16), then the weights in the order in which <see cref="BlockKernels"/> reads them.</para></summary>
internal sealed unsafe class BlockMatrix : CodedMatrix
{
    private const int ScaleBytes = Columns * 2;

    private readonly BlockFormat _format;
    private readonly NativeBuffer _panels;
    private readonly int _blocks;
    private readonly int _blockBytes;
    private readonly BlockKernels _kernels;

    public BlockMatrix(int outputs, int inputs, BlockFormat format) : this(outputs, inputs, format, BlockKernels.Best) { }

    /// <summary>For tests, which compare all kernels on any machine.</summary>
    internal BlockMatrix(int outputs, int inputs, BlockFormat format, BlockKernels kernels)
        : base(outputs, inputs)
    {
        (_format, _kernels) = (format, kernels);
        _blocks = (inputs + Block - 1) / Block;
        _blockBytes = ScaleBytes + Columns * Block / (format == BlockFormat.Int8 ? 1 : 2);
        _panels = WeightMemory.Take((long)PaddedOutputs / Columns * _blocks * _blockBytes);
    }

    public override long Bytes => _panels.Bytes;

    public override void SetRows(int firstOutput, ReadOnlySpan<float> rows)
    {
        Span<float> values = stackalloc float[Block];
        Span<int> codes = stackalloc int[Block];
        for (var r = 0; r < rows.Length / Inputs; r++)
        {
            var row = rows.Slice(r * Inputs, Inputs);
            for (var block = 0; block < _blocks; block++)
            {
                var part = row.Slice(block * Block, Math.Min(Block, Inputs - block * Block));
                values.Clear();
                part.CopyTo(values);
                var scale = _format == BlockFormat.Int8 ? BlockCodes.Int8(values, codes) : BlockCodes.Int4(values, codes);
                var to = BlockOf(firstOutput + r, block);
                var column = (firstOutput + r) % Columns;
                ((Half*)to)[column] = scale;
                for (var k = 0; k < Block; k++) Set(to + ScaleBytes, column, k, codes[k]);
            }
        }
    }

    /// <summary>Takes over rows of blocks as a GGUF file stores them, with exactly their codes and scales: Q8_0, or Q4_0, whose codes fit
    /// eight bits as well.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void SetBlocks(int firstOutput, ReadOnlySpan<byte> rows, BlockFormat stored)
    {
        if (Inputs % Block != 0 || (stored == BlockFormat.Int8 && _format == BlockFormat.Int4))
            throw new ArgumentException($"Blocks of {stored} do not fit a matrix of {Inputs} inputs in {_format}.", nameof(stored));
        var bytes = stored == BlockFormat.Int8 ? BlockCodes.Int8Bytes : BlockCodes.Int4Bytes;
        fixed (byte* first = rows)
        {
            var from = first;
            for (var r = 0; r < rows.Length / bytes / _blocks; r++)
            {
                var column = (firstOutput + r) % Columns;
                for (var block = 0; block < _blocks; block++, from += bytes)
                {
                    var to = BlockOf(firstOutput + r, block);
                    ((ushort*)to)[column] = *(ushort*)from;
                    to += ScaleBytes;
                    if (stored == BlockFormat.Int8) CopyPairs((ushort*)(from + 2), (ushort*)to + column);
                    else if (_format == BlockFormat.Int4) CopyGroups((uint*)(from + 2), (uint*)to + column);
                    else for (var k = 0; k < Block; k++) Set(to, column, k, (from[2 + k % 16] >> k / 16 * 4 & 15) - 8);
                }
            }
        }
    }

    public override void CopyRow(int output, float* destination)
    {
        for (var block = 0; block < _blocks; block++)
        {
            var from = BlockOf(output, block);
            var column = output % Columns;
            var scale = (float)((Half*)from)[column];
            var count = Math.Min(Block, Inputs - block * Block);
            for (var k = 0; k < count; k++) destination[block * Block + k] = scale * Get(from + ScaleBytes, column, k);
        }
    }

    private protected override void MultiplyPanel(int panel, byte* rounded, int m, float* y, long stride)
    {
        var weights = _panels.Pointer + (long)panel * _blocks * _blockBytes;
        if (_format == BlockFormat.Int8) _kernels.Int8(weights, rounded, _blocks, m, y, (int)stride);
        else _kernels.Int4(weights, rounded, _blocks, m, y, (int)stride);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _panels.Dispose();
    }

    private byte* BlockOf(int output, int block) => _panels.Pointer + ((long)(output / Columns) * _blocks + block) * _blockBytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyPairs(ushort* from, ushort* to)
    {
        for (var pair = 0; pair < Block / 2; pair++) to[pair * Columns] = from[pair];
    }

    /// <summary>A file's byte holds inputs j and j + 16, ours k and k + 4: four bytes of eight inputs that follow each other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyGroups(uint* from, uint* to)
    {
        const uint low = 0x0F0F0F0F;
        for (var eight = 0; eight < 2; eight++)
        {
            var (first, second) = (from[2 * eight], from[2 * eight + 1]);
            to[eight * Columns] = first & low | (second & low) << 4;
            to[(eight + 2) * Columns] = first >> 4 & low | second & ~low;
        }
    }

    /// <summary>Int8: pairs of inputs, a pair of each output in turn. Int4: groups of four inputs, four of each output in turn; two groups
    /// that follow each other share their bytes, the first in the lower halves.</summary>
    private void Set(byte* codes, int column, int k, int code)
    {
        if (_format == BlockFormat.Int8)
        {
            ((sbyte*)codes)[(k / 2 * Columns + column) * 2 + k % 2] = (sbyte)code;
            return;
        }
        ref var pair = ref codes[(k / 8 * Columns + column) * 4 + k % 4];
        var shift = k / 4 % 2 * 4;
        pair = (byte)(pair & ~(15 << shift) | (code + 8) << shift);
    }

    private int Get(byte* codes, int column, int k) => _format == BlockFormat.Int8
        ? ((sbyte*)codes)[(k / 2 * Columns + column) * 2 + k % 2]
        : (codes[(k / 8 * Columns + column) * 4 + k % 4] >> (k / 4 % 2 * 4) & 15) - 8;
}
