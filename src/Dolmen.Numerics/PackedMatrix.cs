using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NarrowFloats = Dolmen.Numerics.FloatPanel<Dolmen.Numerics.Lanes256, System.Runtime.Intrinsics.Vector256<float>>;
using WideFloats = Dolmen.Numerics.FloatPanel<Dolmen.Numerics.Lanes512, System.Runtime.Intrinsics.Vector512<float>>;

namespace Dolmen.Numerics;

// N outputs, K inputs, M rows (tokens)

/// <summary>A weight (N, K), laid out for y = x·Wᵀ: panels of 32 (AVX-512) or 16 outputs, within a panel k by k, so that both a row times
/// the matrix and a block of rows times the matrix read it front to back. N is padded with zeros to whole panels: outputs have
/// <see cref="WeightMatrix.PaddedOutputs"/> floats a row. bf16 weights stay bf16 in memory and are widened on the way, which loses
/// nothing.</summary>
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

    public PackedMatrix(int outputs, int inputs, bool bfloat16) : this(outputs, inputs, bfloat16, DefaultColumns) { }

    /// <summary>For tests, which check both panel widths on any machine.</summary>
    internal PackedMatrix(int outputs, int inputs, bool bfloat16, int columns)
        : base(outputs, inputs, (outputs + columns - 1) / columns * columns)
    {
        (_columns, _bfloat16) = (columns, bfloat16);
        _panels = WeightMemory.Take((long)PaddedOutputs * inputs * ElementBytes);
    }

    public override long Bytes => _panels.Bytes;

    private int Panels => PaddedOutputs / _columns;

    private int ElementBytes => _bfloat16 ? 2 : 4;

    /// <summary>Weights that one panel has.</summary>
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

    /// <inheritdoc/>
    public override void Multiply(float* x, int m, float* y, long stride, ref NativeBuffer scratch, int threads)
    {
        var shared = (long)m * PaddedOutputs * Inputs < 2 * MinSharedWork ? 1 : threads;
        if (m == 1)
        {
            // Two chunks a thread: little to share out, yet enough to even out a late start.
            var groups = (Panels + PanelsAtOnce - 1) / PanelsAtOnce;
            var parts = Math.Min(groups, 2 * shared);
            if (shared == 1) MultiplyRow(x, y, 0, Panels);
            else ThreadTeam.Shared.Run(parts, shared, part =>
                MultiplyRow(x, y, groups * part / parts * PanelsAtOnce, Math.Min(Panels, groups * (part + 1) / parts * PanelsAtOnce)));
            return;
        }
        var panelChunks = Math.Min(Panels, 4 * shared);
        // Rows are divided too where there are too few panels.
        var rowChunks = shared == 1 ? 1 : Math.Clamp(4 * shared / panelChunks, 1, (m + Tiles.WideRows - 1) / Tiles.WideRows);
        if (panelChunks * rowChunks == 1)
        {
            MultiplyRows(x, m, y, stride, 0, Panels);
            return;
        }
        ThreadTeam.Shared.Run(panelChunks * rowChunks, shared, chunk =>
        {
            var (part, rows) = Math.DivRem(chunk, rowChunks);
            var tiles = (m + Tiles.WideRows - 1) / Tiles.WideRows;
            var (first, last) = (tiles * rows / rowChunks * Tiles.WideRows, Math.Min(m, tiles * (rows + 1) / rowChunks * Tiles.WideRows));
            MultiplyRows(x + (long)first * Inputs, last - first, y + first * stride, stride,
                (int)((long)Panels * part / panelChunks), (int)((long)Panels * (part + 1) / panelChunks));
        });
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _panels.Dispose();
    }

    /// <summary>Columns j and j + columns/2 are neighbours, the low and the high half of a 32-bit word: two shifts part a vector of
    /// pairs.</summary>
    private int PairedColumn(int column) => column < _columns / 2 ? 2 * column : 2 * (column - _columns / 2) + 1;

    /// <summary>Rows past panels: what is read of the rows stays in the cache while the panels pass, and a panel's part while the rows
    /// do.</summary>
    private void MultiplyRows(float* x, int m, float* y, long stride, int firstPanel, int endPanel)
    {
        for (var k0 = 0; k0 < Inputs; k0 += KBlock)
        {
            var k = Math.Min(KBlock, Inputs - k0);
            for (var panel = firstPanel; panel < endPanel; panel++)
            {
                var weights = _panels.Pointer + (panel * PanelElements + (long)k0 * _columns) * ElementBytes;
                MultiplyRows(x + k0, m, weights, y + (long)panel * _columns, stride, k, k0 > 0);
            }
        }
    }

    private void MultiplyRows(float* x, int m, byte* weights, float* y, long stride, int k, bool accumulate)
    {
        if (_columns == Tiles.WideColumns)
        {
            if (_bfloat16)
            {
                PanelTiles<Lanes512, Vector512<float>, WideBf16Panel>.Rows(x, Inputs, m, weights, y, stride, k, accumulate);
            }
            else PanelTiles<Lanes512, Vector512<float>, WideFloats>.Rows(x, Inputs, m, weights, y, stride, k, accumulate);
        }
        else if (_bfloat16)
        {
            PanelTiles<Lanes256, Vector256<float>, NarrowBf16Panel>.Rows(x, Inputs, m, weights, y, stride, k, accumulate);
        }
        else PanelTiles<Lanes256, Vector256<float>, NarrowFloats>.Rows(x, Inputs, m, weights, y, stride, k, accumulate);
    }

    private void MultiplyRow(float* x, float* y, int firstPanel, int endPanel)
    {
        var bytes = PanelElements * ElementBytes;
        for (var panel = firstPanel; panel < endPanel; panel += PanelsAtOnce)
        {
            var weights = _panels.Pointer + panel * bytes;
            var to = y + (long)panel * _columns;
            var count = Math.Min(PanelsAtOnce, endPanel - panel);
            if (_columns == Tiles.WideColumns)
            {
                if (_bfloat16) PanelTiles<Lanes512, Vector512<float>, WideBf16Panel>.Row(x, weights, bytes, count, to, Inputs);
                else PanelTiles<Lanes512, Vector512<float>, WideFloats>.Row(x, weights, bytes, count, to, Inputs);
            }
            else if (_bfloat16) PanelTiles<Lanes256, Vector256<float>, NarrowBf16Panel>.Row(x, weights, bytes, count, to, Inputs);
            else PanelTiles<Lanes256, Vector256<float>, NarrowFloats>.Row(x, weights, bytes, count, to, Inputs);
        }
    }
}
