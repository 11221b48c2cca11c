using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dolmen.Numerics;

// N outputs, K inputs, M rows (tokens)

/// <summary>A weight (N, K), laid out for y = x·Wᵀ: panels of 32 (AVX-512) or 16 outputs, within a panel k by k, so that both a row times
/// the matrix and a block of rows times the matrix read it front to back. N is padded with zeros to whole panels: outputs have
/// <see cref="PaddedOutputs"/> floats a row. bf16 weights stay bf16 in memory and are widened on the way, which loses nothing.</summary>
internal sealed unsafe class PackedMatrix : WeightMatrix
{
    /// <summary>Inputs of one pass: a panel's slice of this many stays in the second-level cache while rows pass over it.</summary>
    private const int KBlock = 512;

    private const int PanelsAtOnce = 4;

    /// <summary>Multiply-adds below which a second thread costs more than it brings.</summary>
    private const long MinSharedWork = 1 << 15;

    private static readonly int DefaultColumns = Vector512.IsHardwareAccelerated ? Tiles.WideColumns : Tiles.NarrowColumns;

    private readonly NativeBuffer _panels;
    private readonly bool _bfloat16;
    private readonly int _columns;
    private readonly int _rows;

    public PackedMatrix(int outputs, int inputs, bool bfloat16) : this(outputs, inputs, bfloat16, DefaultColumns) { }

    /// <summary>For tests, which check both panel widths on any machine.</summary>
    internal PackedMatrix(int outputs, int inputs, bool bfloat16, int columns)
        : base(outputs, inputs, (outputs + columns - 1) / columns * columns)
    {
        (_columns, _bfloat16) = (columns, bfloat16);
        _rows = columns == Tiles.WideColumns ? Tiles.WideRows : Tiles.NarrowRows;
        _panels = new NativeBuffer((long)PaddedOutputs * inputs * (_bfloat16 ? 2 : 4));
    }

    public override long Bytes => _panels.Bytes;

    private int Panels => PaddedOutputs / _columns;

    /// <summary>Floats one panel has.</summary>
    private long PanelElements => (long)_columns * Inputs;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void SetRows(int firstOutput, ReadOnlySpan<float> rows)
    {
        for (var r = 0; r < rows.Length / Inputs; r++)
        {
            var (panel, column) = Math.DivRem(firstOutput + r, _columns);
            var row = rows.Slice(r * Inputs, Inputs);
            if (_bfloat16)
            {
                var at = (ushort*)_panels.Pointer + panel * PanelElements + PairedColumn(column);
                for (var k = 0; k < row.Length; k++) at[(long)k * _columns] = ((Bf16)row[k]).Bits;
            }
            else
            {
                var at = _panels.Floats + panel * PanelElements + column;
                for (var k = 0; k < row.Length; k++) at[(long)k * _columns] = row[k];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void CopyRow(int output, float* destination)
    {
        var (panel, column) = Math.DivRem(output, _columns);
        if (_bfloat16)
        {
            var at = (ushort*)_panels.Pointer + panel * PanelElements + PairedColumn(column);
            for (var k = 0; k < Inputs; k++) destination[k] = BitConverter.UInt32BitsToSingle((uint)at[(long)k * _columns] << 16);
        }
        else
        {
            var at = _panels.Floats + panel * PanelElements + column;
            for (var k = 0; k < Inputs; k++) destination[k] = at[(long)k * _columns];
        }
    }

    /// <summary>y = W·x.</summary>
    /// <param name="x">(K)</param>
    /// <param name="y">(PaddedOutputs)</param>
    public void MultiplyRow(float* x, float* y, int threads) => MultiplyRows(x, 1, y, threads);

    /// <summary>Row by row, over a few panels at a time that stay in the second-level cache meanwhile.</summary>
    private void MultiplyRows(float* x, int m, float* y, int threads)
    {
        var groups = (Panels + PanelsAtOnce - 1) / PanelsAtOnce;
        if (threads == 1 || (long)m * PaddedOutputs * Inputs < 2 * MinSharedWork)
        {
            MultiplyPanels(x, m, y, 0, Panels);
            return;
        }
        // Two chunks a thread: little to share out, yet enough to even out a late start.
        var chunks = Math.Min(groups, 2 * threads);
        ThreadTeam.Shared.Run(chunks, threads, chunk =>
        {
            var first = (int)((long)groups * chunk / chunks) * PanelsAtOnce;
            MultiplyPanels(x, m, y, first, Math.Min(Panels, (int)((long)groups * (chunk + 1) / chunks) * PanelsAtOnce));
        });
    }

    /// <inheritdoc/>
    public override void Multiply(float* x, int m, float* y, ref NativeBuffer scratch, int threads)
    {
        // A tile computes all of its rows even where some are missing, and bf16 weights are widened for it first.
        if (m < (_bfloat16 ? 2 * _rows : _rows * 2 / 3))
        {
            MultiplyRows(x, m, y, threads);
            return;
        }
        var blocks = (m + _rows - 1) / _rows;
        var packed = (float*)Grow(ref scratch, (long)blocks * _rows * Inputs * sizeof(float));
        var shared = (long)m * PaddedOutputs * Inputs < 2 * MinSharedWork ? 1 : threads;
        ThreadTeam.Shared.Run(blocks, shared, block => PackBlock(x, m, block, packed));
        var chunks = Math.Min(Panels, 4 * shared);
        ThreadTeam.Shared.Run(chunks, shared, chunk =>
        {
            var last = (int)((long)Panels * (chunk + 1) / chunks);
            for (var panel = (int)((long)Panels * chunk / chunks); panel < last; panel++) MultiplyPanel(packed, m, panel, y);
        });
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _panels.Dispose();
    }

    /// <summary>Columns j and j + columns/2 are neighbours, the low and the high half of a 32-bit word: two shifts part a vector of
    /// pairs.</summary>
    private int PairedColumn(int column) => column < _columns / 2 ? 2 * column : 2 * (column - _columns / 2) + 1;

    private void MultiplyPanels(float* x, int m, float* y, int first, int last)
    {
        for (var panel = first; panel < last; panel += PanelsAtOnce)
        {
            var count = Math.Min(PanelsAtOnce, last - panel);
            for (var row = 0; row < m; row++)
                MultiplyPanels(x + (long)row * Inputs, panel, count, y + (long)row * PaddedOutputs + (long)panel * _columns);
        }
    }

    private void MultiplyPanels(float* x, int panel, int count, float* outputs)
    {
        if (_bfloat16)
        {
            var pairs = (uint*)_panels.Pointer + panel * PanelElements / 2;
            if (_columns == Tiles.WideColumns) Tiles.WideRow(x, pairs, PanelElements / 2, count, outputs, Inputs);
            else Tiles.NarrowRow(x, pairs, PanelElements / 2, count, outputs, Inputs);
        }
        else
        {
            var weights = _panels.Floats + panel * PanelElements;
            if (_columns == Tiles.WideColumns) Tiles.WideRow(x, weights, PanelElements, count, outputs, Inputs);
            else Tiles.NarrowRow(x, weights, PanelElements, count, outputs, Inputs);
        }
    }

    /// <summary>Rows of X, interleaved k by k; rows past the end are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackBlock(float* x, int m, int block, float* packed)
    {
        var to = packed + (long)block * _rows * Inputs;
        for (var r = 0; r < _rows; r++)
        {
            var row = block * _rows + r;
            var from = x + (long)row * Inputs;
            if (row < m) for (var k = 0; k < Inputs; k++) to[(long)k * _rows + r] = from[k];
            else for (var k = 0; k < Inputs; k++) to[(long)k * _rows + r] = 0;
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MultiplyPanel(float* packed, int m, int panel, float* y)
    {
        var tail = stackalloc float[Tiles.WideRows * Tiles.WideColumns];
        var widened = stackalloc float[_bfloat16 ? KBlock * _columns : 1];
        var whole = m / _rows;
        var c = y + (long)panel * _columns;
        for (var k0 = 0; k0 < Inputs; k0 += KBlock)
        {
            var k = Math.Min(KBlock, Inputs - k0);
            var b = _bfloat16 ? Widen(panel, k0, k, widened) : _panels.Floats + panel * PanelElements + (long)k0 * _columns;
            for (var block = 0; block < whole; block++)
            {
                Tile(packed + ((long)block * Inputs + k0) * _rows, b, c + (long)block * _rows * PaddedOutputs, PaddedOutputs, k, k0 > 0);
            }
            if (whole * _rows == m) continue;
            Tile(packed + ((long)whole * Inputs + k0) * _rows, b, tail, _columns, k, k0 > 0);
        }
        for (var row = whole * _rows; row < m; row++)
        {
            new ReadOnlySpan<float>(tail + (row - whole * _rows) * _columns, _columns)
                .CopyTo(new Span<float>(c + (long)row * PaddedOutputs, _columns));
        }
    }

    private void Tile(float* a, float* b, float* c, long stride, int k, bool accumulate)
    {
        if (_columns == Tiles.WideColumns) Tiles.Wide(a, b, c, stride, k, accumulate);
        else Tiles.Narrow(a, b, c, stride, k, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float* Widen(int panel, int k0, int k, float* widened)
    {
        var from = (uint*)(_panels.Pointer + (panel * PanelElements + (long)k0 * _columns) * 2);
        var half = _columns / 2;
        var high = Vector256.Create(0xFFFF0000u);
        for (var i = 0; i < k; i++, from += half)
        {
            for (var j = 0; j < half; j += 8)
            {
                var pairs = Vector256.Load(from + j);
                (pairs << 16).AsSingle().Store(widened + i * _columns + j);
                (pairs & high).AsSingle().Store(widened + i * _columns + half + j);
            }
        }
        return widened;
    }
}
