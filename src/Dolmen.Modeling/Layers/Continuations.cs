// B batch, T sequence, N rows (= B·T), M rows of them that match, D model
using Dolmen.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>Adds what followed an earlier occurrence of the last tokens: <see cref="ContinuationSpec"/>.</summary>
internal static class Continuations
{
    /// <param name="x">(N, D).</param>
    /// <param name="tokens">(B, T) int64.</param>
    /// <param name="embedding">The name of the table of tokens.</param>
    public static Tensor Add(
        Tensor x, ContinuationSpec spec, Tensor tokens, Segments? segments, ParameterStore parameters, string embedding)
    {
        var (at, followed, lengths) = Find(spec, tokens, segments);
        if (at.Length == 0) return x;
        using var scope = NewDisposeScope();
        var device = x.device;
        var embedded = parameters[embedding].index_select(0, tensor(followed, device: device));                 // (M, D)
        var gains = parameters[spec.Gains].index_select(0, tensor(lengths, device: device));                     // (M, D)
        var added = (embedded * gains).to(x.dtype);                                                              // (M, D)
        return x.index_add(0, tensor(at, device: device), added, 1).MoveToOuterDisposeScope();                   // (N, D)
    }

    /// <summary>Of the rows that match: where, the token that followed, and the row of the gains. A match lies in its own row and
    /// segment.</summary>
    private static (long[] At, long[] Followed, long[] Lengths) Find(ContinuationSpec spec, Tensor tokens, Segments? segments)
    {
        using var scope = NewDisposeScope();
        var ids = Array.ConvertAll(Host(tokens), id => (int)id);                // (N)
        var row = (int)tokens.shape[1];
        var positions = segments is null ? null : Host(segments.PositionTensor(CPU));       // (N)
        List<long> at = [], followed = [], lengths = [];
        for (var i = 0; i < ids.Length; i++)
        {
            var before = positions is null ? i % row : (int)positions[i];
            var (token, length) = spec.Find(ids.AsSpan(i - before, before + 1));
            if (length == 0) continue;
            at.Add(i);
            followed.Add(token);
            lengths.Add(length - 1);
        }
        return ([.. at], [.. followed], [.. lengths]);
    }

    private static long[] Host(Tensor values) => values.cpu().contiguous().data<long>().ToArray();
}
