// T positions, E head dim
using Dolmen.Checkpoints;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>Cosines and sines of every position, (T, 2, E/2) fp32: angle(t, i) = t·frequency(i) (Su et al. 2021). Where the scaling looks
/// at the sequence's length, longer sequences have a table of their own, made when first asked for; the last one is kept.</summary>
public sealed class RotaryTable : IDisposable
{
    private readonly RotaryPosition _position;
    private readonly int _headDim;
    private readonly Tensor _short;
    private readonly Lock _making = new();
    private Tensor? _long;
    private int _longTable;

    public RotaryTable(int contextLength, int headDim, double theta) : this(contextLength, headDim, new RotaryPosition(theta)) { }

    public RotaryTable(int contextLength, int headDim, RotaryPosition position)
    {
        (_position, _headDim, ContextLength) = (position, headDim, contextLength);
        var shortest = contextLength;
        while (shortest > 1 && position.TableOf(shortest) != 0) shortest--;
        _short = Angles(shortest, 0);
    }

    public int ContextLength { get; }

    /// <summary>Angles of a sequence of <paramref name="length"/> positions: at least so many rows.</summary>
    public Tensor For(int length)
    {
        var table = _position.TableOf(length);
        if (table == 0) return _short;
        lock (_making)
        {
            if (_long is null || _longTable != table || _long.shape[0] < length)
            {
                // Not disposed: another part of the batch may still read the one before.
                (_long, _longTable) = (Angles(length, length), table);
            }
            return _long;
        }
    }

    public void Dispose()
    {
        _short.Dispose();
        _long?.Dispose();
    }

    /// <summary>(rows, 2, E/2), turned as in a sequence of <paramref name="length"/>.</summary>
    private Tensor Angles(int rows, int length)
    {
        var values = new float[checked(rows * _headDim)];
        RotaryAngles.Fill(_position.Frequencies(_headDim, length), _position.Magnitude, 0, values);
        return tensor(values, [rows, 2, _headDim / 2]).DetachFromDisposeScope();
    }
}
