// B batch, T sequence, N rows (= B·T), M tokens looked up, D model
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
        var (at, followed, gainRows) = Find(spec, tokens, segments);
        if (at.Length == 0) return x;
        using var scope = NewDisposeScope();
        var device = x.device;
        var embedded = parameters[embedding].index_select(0, tensor(followed, device: device));                 // (M, D)
        var gains = parameters[spec.Gains].index_select(0, tensor(gainRows, device: device));                     // (M, D)
        var added = (embedded * gains).to(x.dtype);                                                              // (M, D)
        return x.index_add(0, tensor(at, device: device), added, 1).MoveToOuterDisposeScope();                   // (N, D)
    }

    /// <summary>Of all tokens looked up: where they are added, the token, and its gains. A match lies in its own row and segment.</summary>
    private static (long[] At, long[] Followed, long[] GainRows) Find(ContinuationSpec spec, Tensor tokens, Segments? segments)
    {
        using var scope = NewDisposeScope();
        var ids = Array.ConvertAll(Host(tokens), id => (int)id);                // (N)
        var row = (int)tokens.shape[1];
        var positions = segments is null ? null : Host(segments.PositionTensor(CPU));       // (N)
        List<long> at = [], followed = [], rows = [];
        for (var i = 0; i < ids.Length; i++)
        {
            var before = positions is null ? i % row : (int)positions[i];
            var text = ids.AsSpan(i - before, before + 1);
            var (end, length) = ContinuationSpec.Find(text);
            if (length == 0) continue;
            var behind = spec.Followed(text, end);
            for (var k = 0; k < behind.Length; k++)
            {
                at.Add(i);
                followed.Add(behind[k]);
                rows.Add(spec.GainRow(k, length));
            }
        }
        return ([.. at], [.. followed], [.. rows]);
    }

    private static long[] Host(Tensor values) => values.cpu().contiguous().data<long>().ToArray();
}
