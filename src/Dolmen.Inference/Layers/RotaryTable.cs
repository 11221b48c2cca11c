using System.Numerics;
using System.Runtime.CompilerServices;
using Dolmen.Checkpoints;

namespace Dolmen.Inference.Layers;

/// <summary>Cosines and sines of rotary positions: pair j of a head is (x[j], x[j + E/2]) and turns by position · frequency j. Where the
/// scaling looks at the sequence's length there are several tables.</summary>
internal sealed class RotaryTable(RotaryPosition position, int headDim)
{
    private readonly Rows _short = new(position.Frequencies(headDim), position.Magnitude, 0);
    private Rows? _long;
    private int _longTable;

    /// <summary>The angles of a sequence of <paramref name="length"/> tokens, with room for <paramref name="count"/> positions from
    /// <paramref name="first"/> on. Not to be called while others read.</summary>
    public Rows Prepare(int first, int count, int length)
    {
        var table = position.TableOf(length);
        if (table == 0) return _short.Extend(first + count);
        if (_long is null || _longTable != table || first < _long.First)
        {
            // A table that serves one length only begins where it is needed.
            var start = position.TableOf(length + 1) == table ? 0 : first;
            (_long, _longTable) = (new Rows(position.Frequencies(headDim, length), position.Magnitude, start), table);
        }
        return _long.Extend(first + count);
    }

    /// <summary>Positions from <paramref name="first"/> on.</summary>
    public sealed class Rows(double[] frequencies, double magnitude, int first)
    {
        private float[] _angles = [];                                    // (positions, 2, E/2)

        public int First => first;

        /// <summary>Makes room for positions below <paramref name="end"/>.</summary>
        public Rows Extend(int end)
        {
            var width = 2 * frequencies.Length;
            var (known, wanted) = (_angles.Length / width, end - first);
            if (wanted <= known) return this;
            if (known > 0) wanted = Math.Max(wanted, 2 * known);
            var angles = new float[wanted * width];
            _angles.CopyTo(angles, 0);
            RotaryAngles.Fill(frequencies, magnitude, first + known, angles.AsSpan(known * width));
            _angles = angles;
            return this;
        }

        /// <summary>Turns a head in place, then multiplies it by <paramref name="scale"/>.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public unsafe void Apply(float* head, int position, float scale)
        {
            var half = frequencies.Length;
            var width = Vector<float>.Count;
            fixed (float* cos = &_angles[(position - first) * 2 * half])
            {
                var sin = cos + half;
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
