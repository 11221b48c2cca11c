// B batch, T sequence, N rows (= B·T), M tokens looked up, D model
using Dolmen.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>Adds what followed earlier occurrences: <see cref="ContinuationSpec"/>.</summary>
internal static class Continuations
{
    /// <param name="x">(N, D).</param>
    /// <param name="tokens">(B, T) int64.</param>
    /// <param name="embedding">The name of the table of tokens.</param>
    public static Tensor Add(
        Tensor x, IReadOnlyList<ContinuationSpec> specs, Tensor tokens, Segments? segments, ParameterStore parameters, string embedding)
    {
        using var scope = NewDisposeScope();
        var ids = Array.ConvertAll(Host(tokens), id => (int)id);                // (N)
        var row = (int)tokens.shape[1];
        var before = segments is null ? null : Host(segments.PositionTensor(CPU));          // (N)
        int[] starts = [.. Enumerable.Range(0, ids.Length).Select(i => i - (before is null ? i % row : (int)before[i]))];
        var matches = new TokenMatch[ids.Length];
        for (var i = 0; i < ids.Length; i++) matches[i] = TokenMatch.Find(ids.AsSpan(starts[i]..(i + 1)));
        foreach (var spec in specs)
        {
            var found = Find(spec, ids, matches, starts);
            if (found.Matched.Count == 0) continue;
            var weight = parameters[spec.Weight];
            var embedded = parameters[embedding].index_select(0, Index(found.Followed));                    // (M, D)
            var gains = weight.index_select(0, Index(found.GainRows));                                      // (M, D)
            x = x.index_add(0, Index(found.At), (embedded * gains).to(x.dtype), 1);                         // (N, D)
            x = x.index_add(0, Index(found.Matched), weight.index_select(0, Index(found.LengthRows)).to(x.dtype), 1);
        }
        return x.MoveToOuterDisposeScope();

        Tensor Index(List<long> rows) => tensor(rows.ToArray(), device: x.device);
    }

    /// <summary>Of all tokens looked up: where they are added, which they are, and the rows of their gains; of all matches: where they are
    /// and the row of their length. A match lies in its own row and segment.</summary>
    private static (List<long> At, List<long> Followed, List<long> GainRows, List<long> Matched, List<long> LengthRows) Find(
        ContinuationSpec spec, int[] ids, TokenMatch[] matches, int[] starts)
    {
        List<long> at = [], followed = [], gainRows = [], matched = [], lengthRows = [];
        for (var i = 0; i < ids.Length; i++)
        {
            var match = spec.Match(matches.AsSpan(starts[i]..(i + 1)));
            if (match.Length == 0) continue;
            matched.Add(i);
            lengthRows.Add(spec.LengthRow(match));
            var behind = spec.Followed(ids.AsSpan(starts[i]..(i + 1)), match);
            for (var k = 0; k < behind.Length; k++)
            {
                at.Add(i);
                followed.Add(behind[k]);
                gainRows.Add(spec.GainRow(k, match));
            }
        }
        return (at, followed, gainRows, matched, lengthRows);
    }

    private static long[] Host(Tensor values) => values.cpu().contiguous().data<long>().ToArray();
}
