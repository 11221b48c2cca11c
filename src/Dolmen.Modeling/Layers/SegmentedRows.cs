// B rows, T positions a row, N positions of a batch (= B·T), S segments of about one length, L the longest of them
using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>Operations that know nothing of segments, applied to each segment as to a row of its own.</summary>
internal static class SegmentedRows
{
    /// <summary>One call a segment, in order.</summary>
    /// <param name="run">Gets the inputs of one segment, time and all; returns (1, length, …).</param>
    /// <param name="timeDimension">The dimension of the inputs that is time; the first one is the batch.</param>
    /// <returns>(B, T, …).</returns>
    public static Tensor EachAlone(this Segments segments, int timeDimension, Func<Tensor?[], Tensor> run, params Tensor?[] inputs)
    {
        using var scope = NewDisposeScope();
        foreach (var input in inputs.OfType<Tensor>()) segments.Check(input, timeDimension);
        var rows = new List<Tensor>[segments.Rows];
        foreach (var segment in segments.All)
        {
            Tensor? Own(Tensor? input) => input?.narrow(0, segment.Row, 1).narrow(timeDimension, segment.Start, segment.Length);
            (rows[segment.Row] ??= []).Add(run([.. inputs.Select(Own)]));
        }
        return cat([.. rows.Select(row => cat(row, 1))], 0).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// One call for all segments of about one length (from a power of two to the next), which become rows padded with zeros at the end:
    /// for operations on whole rows that look back only.
    /// </summary>
    /// <param name="x">(B, T, F).</param>
    /// <param name="run">(S, L, F) → (S, L, G).</param>
    /// <returns>(B, T, G).</returns>
    public static Tensor Unpacked(this Segments segments, Tensor x, Func<Tensor, Tensor> run)
    {
        using var scope = NewDisposeScope();
        segments.Check(x, 1);
        var (n, width) = (x.shape[0] * x.shape[1], x.shape[2]);
        var rows = cat([x.reshape(n, width), zeros([1, width], x.dtype, x.device)], 0);                 // (N+1, F), zeros last
        var (parts, origins) = (new List<Tensor>(), new List<long>());
        foreach (var group in Enumerable.Range(0, segments.Count).GroupBy(i => BitOperations.Log2((uint)segments.All[i].Length)))
        {
            var longest = group.Max(i => segments.All[i].Length);
            var (from, used) = (new List<long>(), new List<long>());
            foreach (var i in group)
            {
                var (first, length) = (segments.FirstPosition(i), segments.All[i].Length);
                for (var t = 0; t < length; t++)
                {
                    used.Add(from.Count);
                    origins.Add(first + t);
                    from.Add(first + t);
                }
                for (var t = length; t < longest; t++) from.Add(n);
            }
            var y = run(rows.index_select(0, tensor(from, device: x.device)).view(-1, longest, width)); // (S, L, G)
            parts.Add(y.reshape(-1, y.shape[2]).index_select(0, tensor(used, device: x.device)));       // (positions, G)
        }
        var back = new long[n];
        for (var i = 0; i < origins.Count; i++) back[origins[i]] = i;
        return cat(parts, 0).index_select(0, tensor(back, device: x.device)).view(x.shape[0], x.shape[1], -1).MoveToOuterDisposeScope();
    }
}
