using System.Runtime.InteropServices;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference.Mixers;

/// <summary>Sizes of one array of a recurrent state: (<paramref name="Groups"/>, <paramref name="Channels"/>,
/// <paramref name="Inner"/>).</summary>
internal readonly record struct StatePart(int Groups, int Channels, int Inner)
{
    public int Blocks => (Channels + RecurrentState.Lanes - 1) / RecurrentState.Lanes;

    public long Floats => (long)Groups * Blocks * Inner * RecurrentState.Lanes;
}

/// <summary>A state of fixed size, of one or more arrays. Sixteen channels lie side by side, so that a recurrence over Inner runs sixteen
/// channels at once: element (g, c, j) of a part is at ((g·Blocks + c/16)·Inner + j)·16 + c mod 16. What pads the last block is never
/// read.</summary>
internal sealed unsafe class RecurrentState : LayerState
{
    public const int Lanes = 16;

    private readonly StatePart[] _parts;
    private readonly NativeBuffer _buffer;
    private readonly StateMemory _memory;

    public RecurrentState(StateMemory memory, params StatePart[] parts)
    {
        (_memory, _parts) = (memory, parts);
        _buffer = NativeBuffer.OfFloats(parts.Sum(part => part.Floats));
        memory.Add(_buffer.Bytes);
    }

    public override long Bytes => _buffer.Bytes;

    public static RecurrentState Of(Piece piece, int layer) => (RecurrentState)piece.State.Layers[layer];

    /// <summary>Where a part begins; zero at the start of a sequence.</summary>
    public float* Part(int index)
    {
        var at = _buffer.Floats;
        for (var i = 0; i < index; i++) at += _parts[i].Floats;
        return at;
    }

    public override LayerState Fork()
    {
        var copy = new RecurrentState(_memory, _parts);
        Buffer.MemoryCopy(_buffer.Pointer, copy._buffer.Pointer, copy.Bytes, Bytes);
        return copy;
    }

    public override bool CanTruncate(int length) => false;

    public override void Truncate(int length)
    {
        if (length > 0) throw new NotSupportedException($"A recurrent layer cannot go back to {length} tokens, only to none.");
        NativeMemory.Clear(_buffer.Pointer, (nuint)Bytes);
    }

    public override void Save(Stream stream)
    {
        for (var i = 0; i < _parts.Length; i++)
        {
            var row = new float[_parts[i].Inner];
            foreach (var at in Rows(i))
            {
                for (var j = 0; j < row.Length; j++) row[j] = ((float*)at)[j * Lanes];
                FloatStream.Write(stream, row);
            }
        }
    }

    public override void Load(Stream stream, int length)
    {
        for (var i = 0; i < _parts.Length; i++)
        {
            var row = new float[_parts[i].Inner];
            foreach (var at in Rows(i))
            {
                FloatStream.Read(stream, row);
                for (var j = 0; j < row.Length; j++) ((float*)at)[j * Lanes] = row[j];
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing || _buffer.IsClosed) return;
        _memory.Add(-_buffer.Bytes);
        _buffer.Dispose();
    }

    /// <summary>The first element of each channel of a part, groups outermost.</summary>
    private IEnumerable<nint> Rows(int index)
    {
        var part = _parts[index];
        var start = Start(index);
        for (var g = 0; g < part.Groups; g++)
        {
            for (var c = 0; c < part.Channels; c++)
            {
                var element = ((long)g * part.Blocks + c / Lanes) * part.Inner * Lanes + c % Lanes;
                yield return start + (nint)(element * sizeof(float));
            }
        }
    }

    private nint Start(int index) => (nint)Part(index);
}
