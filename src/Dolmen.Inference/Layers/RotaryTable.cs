using System.Numerics;
using System.Runtime.CompilerServices;
using Dolmen.Checkpoints;

namespace Dolmen.Inference.Layers;

/// <summary>Cosines and sines of rotary positions in single precision as Hugging Face computes them: pair j of a head is
/// (x[j], x[j + E/2]) and turns by position · frequency j.</summary>
internal sealed class RotaryTable
{
    private readonly int _half;
    private readonly float[] _frequencies;
    private readonly float _magnitude;
    private float[] _cos = [];
    private float[] _sin = [];

    public RotaryTable(RotaryPosition position, int headDim)
    {
        _half = headDim / 2;
        _frequencies = [.. position.Frequencies(headDim).Select(frequency => (float)frequency)];
        _magnitude = (float)position.Magnitude;
    }

    /// <summary>Makes room for positions below <paramref name="positions"/>. Not to be called while others read.</summary>
    public void Grow(int positions)
    {
        var known = _cos.Length / _half;
        if (positions <= known) return;
        positions = Math.Max(positions, 2 * known);
        var (cos, sin) = (new float[positions * _half], new float[positions * _half]);
        _cos.CopyTo(cos, 0);
        _sin.CopyTo(sin, 0);
        for (var position = known; position < positions; position++)
        {
            for (var j = 0; j < _half; j++)
            {
                var (s, c) = MathF.SinCos(position * _frequencies[j]);
                (sin[position * _half + j], cos[position * _half + j]) = (s * _magnitude, c * _magnitude);
            }
        }
        (_cos, _sin) = (cos, sin);
    }

    /// <summary>Turns a head in place, then multiplies it by <paramref name="scale"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void Apply(float* head, int position, float scale)
    {
        var width = Vector<float>.Count;
        fixed (float* cos = &_cos[position * _half], sin = &_sin[position * _half])
        {
            var j = 0;
            var scales = new Vector<float>(scale);
            for (; j + width <= _half; j += width)
            {
                var (x, y) = (Vector.Load(head + j), Vector.Load(head + j + _half));
                var (c, s) = (Vector.Load(cos + j), Vector.Load(sin + j));
                ((x * c - y * s) * scales).Store(head + j);
                ((y * c + x * s) * scales).Store(head + j + _half);
            }
            for (; j < _half; j++)
            {
                var (x, y) = (head[j], head[j + _half]);
                head[j] = (x * cos[j] - y * sin[j]) * scale;
                head[j + _half] = (y * cos[j] + x * sin[j]) * scale;
            }
        }
    }
}
