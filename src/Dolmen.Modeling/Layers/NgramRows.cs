// B batch, T sequence, N rows (= B·T)
using Dolmen.Checkpoints;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>Which row of each n-gram table each position adds to its embedding.</summary>
internal static class NgramRows
{
    /// <summary>tokens (B, T) int64 → of each table, (N). No n-gram reaches over the beginning of a row or of a segment.</summary>
    public static IReadOnlyList<(string Table, long[] Rows)> Of(
        IReadOnlyList<NgramTableSpec> tables, Tensor tokens, Segments? segments)
    {
        using var scope = NewDisposeScope();
        var ids = Host(tokens);                                                 // (N)
        var length = tokens.shape[1];
        var positions = segments is null ? null : Host(segments.PositionTensor(CPU));       // (N)
        return [.. tables.Select(table => (table.Weight, Of(table, ids, i => positions is null ? i % length : positions[i])))];
    }

    private static long[] Of(NgramTableSpec table, long[] ids, Func<int, long> position)
    {
        var rows = new long[ids.Length];
        Span<int> ngram = stackalloc int[table.Order];
        for (var i = 0; i < rows.Length; i++)
        {
            var before = position(i);
            for (var back = 0; back < table.Order; back++)
                ngram[table.Order - 1 - back] = back <= before ? (int)ids[i - back] : NgramTableSpec.Nothing;
            rows[i] = table.RowOf(ngram);
        }
        return rows;
    }

    private static long[] Host(Tensor values) => values.cpu().contiguous().data<long>().ToArray();
}
