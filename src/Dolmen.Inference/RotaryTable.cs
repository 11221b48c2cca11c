using System.Numerics;
using System.Runtime.CompilerServices;

namespace Dolmen.Inference;

/// <summary>Cosines and sines of rotary positions (Su et al. 2021) in single precision as Hugging Face computes them: pair j of a head is
/// (x[j], x[j + E/2]) and turns by position · θ^(−2j/E).</summary>
internal sealed class RotaryTable(int headDim, double theta)
{
    private readonly int _half = headDim / 2;
    private float[] _cos = [];
    private float[] _sin = [];

    public void Grow(int positions)
    {
        var known = _cos.Length / _half;
        if (positions <= known) return;
        positions = Math.Max(positions, 2 * known);
        var (cos, sin) = (new float[positions * _half], new float[positions * _half]);
        _cos.CopyTo(cos, 0);
        _sin.CopyTo(sin, 0);
        for (var j = 0; j < _half; j++)
        {
            var frequency = 1f / MathF.Pow((float)theta, 2f * j / headDim);
            for (var position = known; position < positions; position++)
            {
                (sin[position * _half + j], cos[position * _half + j]) = MathF.SinCos(position * frequency);
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
