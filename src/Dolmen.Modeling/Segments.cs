// B rows, T positions a row, N positions of a batch (= B·T)
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>Neighbouring positions of one row that are a text of their own, or the padding behind the last text.</summary>
public readonly record struct Segment(int Row, int Start, int Length, bool Padding = false);

/// <summary>
/// Where the texts of packed rows begin and end. No position of a text depends on a position of another one: attention stays inside a
/// segment, positions count from its start, convolutions see zeros before it, and recurrent states begin there empty.
/// </summary>
public sealed class Segments
{
    private readonly Segment[] _all;
    private readonly int[] _starts, _positions, _firstChunks;

    /// <param name="rows">B.</param>
    /// <param name="length">T.</param>
    /// <param name="segments">Row after row; together they are every position once, in order.</param>
    public Segments(int rows, int length, IEnumerable<Segment> segments)
    {
        (Rows, Length, _all) = (rows, length, [.. segments]);
        (_starts, _positions, _firstChunks) = (new int[rows * length], new int[rows * length], new int[_all.Length + 1]);
        var at = 0;
        for (var i = 0; i < _all.Length; i++)
        {
            var segment = _all[i];
            if (segment.Length < 1 || segment.Row * length + segment.Start != at || segment.Start + segment.Length > length)
            {
                throw new ArgumentException(
                    $"Segment {i} is {segment}, but the segments before it end at row {at / Math.Max(1, length)}, " +
                    $"position {at % Math.Max(1, length)} of rows of {length}: " +
                    "segments must follow each other without a gap and stay inside a row.", nameof(segments));
            }
            for (var t = 0; t < segment.Length; t++) (_starts[at + t], _positions[at + t]) = (segment.Start, t);
            at += segment.Length;
            _firstChunks[i + 1] = _firstChunks[i] + (segment.Length + Kernels.ScanShape.Chunk - 1) / Kernels.ScanShape.Chunk;
        }
        if (at != rows * length)
            throw new ArgumentException($"The segments cover {at} of {rows * length} positions: they must cover all.", nameof(segments));
    }

    public int Rows { get; }

    public int Length { get; }

    public int Count => _all.Length;

    public IReadOnlyList<Segment> All => _all;

    /// <summary>Positions of the longest text.</summary>
    public int Longest => _all.Max(segment => segment.Length);

    /// <summary>Where the segment of every position begins in its row, (N).</summary>
    internal int[] Starts => _starts;

    /// <summary>The distance of every position from the start of its segment, (N).</summary>
    internal int[] Positions => _positions;

    /// <summary>How many chunks (<see cref="Kernels.ScanShape.Chunk"/>) the segments before each one take, and last all of them.</summary>
    internal int[] FirstChunks => _firstChunks;

    /// <summary>A segment's first position, counted through all rows.</summary>
    internal int FirstPosition(int segment) => _all[segment].Row * Length + _all[segment].Start;

    /// <summary><see cref="Positions"/> as (N) int64.</summary>
    internal Tensor PositionTensor(Device device) => tensor(_positions, ScalarType.Int64, device);

    /// <summary>The positions that are not padding, int64; null when none is.</summary>
    internal Tensor? UnpaddedPositions(Device device)
    {
        if (!Array.Exists(_all, segment => segment.Padding)) return null;
        long[] unpadded =
        [
            .. Enumerable.Range(0, _all.Length).Where(i => !_all[i].Padding)
                .SelectMany(i => Enumerable.Range(FirstPosition(i), _all[i].Length)).Select(position => (long)position),
        ];
        return tensor(unpadded, device: device);
    }

    /// <summary>Those of neighbouring rows.</summary>
    internal Segments OfRows(long first, long count) =>
        new((int)count, Length, _all.Where(segment => segment.Row >= first && segment.Row < first + count)
            .Select(segment => segment with { Row = segment.Row - (int)first }));

    internal void Check(Tensor x, int timeDimension)
    {
        if (x.shape[0] != Rows || x.shape[timeDimension] != Length)
        {
            throw new ArgumentException(
                $"The segments are of {Rows} rows of {Length} positions, but the tensor has {x.shape[0]} rows of {x.shape[timeDimension]}.",
                nameof(x));
        }
    }
}
