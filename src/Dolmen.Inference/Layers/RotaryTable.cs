using System.Numerics;
using System.Runtime.CompilerServices;
using Dolmen.Checkpoints;

namespace Dolmen.Inference.Layers;

/// <summary>Cosines and sines of rotary positions in single precision as Hugging Face computes them: pair j of a head is
/// (x[j], x[j + E/2]) and turns by position · frequency j. Where the scaling looks at the sequence's length there are several
/// tables.</summary>
internal sealed class RotaryTable(RotaryPosition position, int headDim)
{
    private readonly int _half = headDim / 2;
    private readonly float _magnitude = (float)position.Magnitude;
    private readonly Rows _short = new(Singles(position.Frequencies(headDim)));
    private Rows? _long;
    private int _longTable;

    /// <summary>The angles of a sequence of <paramref name="length"/> tokens, with room for <paramref name="count"/> positions from
    /// <paramref name="first"/> on. Not to be called while others read.</summary>
    public Rows Prepare(int first, int count, int length)
    {
        var table = position.TableOf(length);
        if (table == 0) return Extend(_short, first + count);
        if (_long is null || _longTable != table || first < _long.First)
        {
            // A table that serves one length only begins where it is needed.
            _long = new Rows(Singles(position.Frequencies(headDim, length))) { First = position.TableOf(length + 1) == table ? 0 : first };
            _longTable = table;
        }
        return Extend(_long, first + count);
    }

    private static float[] Singles(double[] values) => [.. values.Select(value => (float)value)];

    private Rows Extend(Rows rows, int positions)
    {
        var known = rows.Cos.Length / _half;
        var wanted = positions - rows.First;
        if (wanted <= known) return rows;
        if (known > 0) wanted = Math.Max(wanted, 2 * known);
        var (cos, sin) = (new float[wanted * _half], new float[wanted * _half]);
        rows.Cos.CopyTo(cos, 0);
        rows.Sin.CopyTo(sin, 0);
        for (var row = known; row < wanted; row++)
        {
            for (var j = 0; j < _half; j++)
            {
                var (s, c) = MathF.SinCos((rows.First + row) * rows.Frequencies[j]);
                (sin[row * _half + j], cos[row * _half + j]) = (s * _magnitude, c * _magnitude);
            }
        }
        (rows.Cos, rows.Sin) = (cos, sin);
        return rows;
    }

    /// <summary>Positions from <see cref="First"/> on, (positions, E/2) each.</summary>
    public sealed class Rows(float[] frequencies)
    {
        public float[] Frequencies => frequencies;

        public int First { get; init; }

        public float[] Cos { get; set; } = [];

        public float[] Sin { get; set; } = [];

        /// <summary>Turns a head in place, then multiplies it by <paramref name="scale"/>.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public unsafe void Apply(float* head, int position, float scale)
        {
            var half = Frequencies.Length;
            var width = Vector<float>.Count;
            var at = (position - First) * half;
            fixed (float* cos = &Cos[at], sin = &Sin[at])
            {
                var j = 0;
                var scales = new Vector<float>(scale);
                for (; j + width <= half; j += width)
                {
                    var (x, y) = (Vector.Load(head + j), Vector.Load(head + j + half));
                    var (c, s) = (Vector.Load(cos + j), Vector.Load(sin + j));
                    ((x * c - y * s) * scales).Store(head + j);
                    ((y * c + x * s) * scales).Store(head + j + half);
                }
                for (; j < half; j++)
                {
                    var (x, y) = (head[j], head[j + half]);
                    head[j] = (x * cos[j] - y * sin[j]) * scale;
                    head[j + half] = (y * cos[j] + x * sin[j]) * scale;
                }
            }
        }
    }
}
