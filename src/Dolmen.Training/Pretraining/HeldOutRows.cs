namespace Dolmen.Training.Pretraining;

/// <param name="Tokens">Which tokens the row holds.</param>
/// <param name="Starts">Where each text begins, counted from the row's start, and last where the texts end.</param>
internal readonly record struct HeldOutRow(Range Tokens, int[] Starts);

/// <summary>Lays documents into rows without mixing them: as many whole ones as a row takes. A document that is longer than a row is cut
/// into pieces that share one token, so that every token but its first is predicted once.</summary>
internal static class HeldOutRows
{
    /// <param name="starts">Where each document begins, and last the number of tokens.</param>
    /// <param name="rowLength">Tokens of a row, the last one of which is only predicted.</param>
    public static List<HeldOutRow> Of(ReadOnlySpan<int> tokens, ReadOnlySpan<int> starts, int rowLength)
    {
        var rows = new List<HeldOutRow>();
        var (first, inRow) = (0, new List<int>());
        for (var i = 0; i + 1 < starts.Length; i++)
        {
            var (start, end) = (starts[i], starts[i + 1]);
            if (inRow.Count > 0 && end - first > rowLength) Finish(start);
            for (; end - start > rowLength; start += rowLength - 1) rows.Add(new HeldOutRow(start..(start + rowLength), [0, rowLength]));
            if (inRow.Count == 0) first = start;
            inRow.Add(start - first);
        }
        if (inRow.Count > 0) Finish(tokens.Length);
        return rows;

        void Finish(int end)
        {
            rows.Add(new HeldOutRow(first..end, [.. inRow, end - first]));
            inRow.Clear();
        }
    }
}
