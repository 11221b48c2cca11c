namespace Dolmen.Data.Deduplication;

internal enum TextUnit { Line, Paragraph }

/// <summary>Lines or paragraphs that stand in the corpus more than once: all but the one in the document that stays first are cut. Bounded memory; not
/// for several threads at once.</summary>
/// <param name="minChars">Shorter ones (headings, list items, "Yes.") are left alone.</param>
internal sealed class RepeatedLines(string scratchDirectory, long memoryBytes, TextUnit unit = TextUnit.Line, int minChars = 30) : IDisposable
{
    private readonly ExternalSort<Piece> _pieces = new(scratchDirectory, memoryBytes / 2);

    public void Add(long ordinal, PriorityKey priority, string text)
    {
        var separator = unit == TextUnit.Line ? "\n" : "\n\n";
        for (var start = 0; start < text.Length;)
        {
            var found = text.IndexOf(separator, start, StringComparison.Ordinal);
            var end = found < 0 ? text.Length : found + separator.Length;
            var piece = text.AsSpan(start, end - start).Trim();
            if (piece.Length >= minChars)
                _pieces.Add(new(new(HashMixing.HashOf(piece), HashMixing.HashOf(piece[(piece.Length / 2)..])), priority, new(ordinal, start, end)));
            start = end;
        }
    }

    /// <summary>What to cut, by ordinal and place.</summary>
    public IEnumerable<TextRange> Repeated()
    {
        using var cuts = new ExternalSort<TextRange>(scratchDirectory, memoryBytes / 2);
        TextDigest? last = null;
        foreach (var piece in _pieces.Sorted())
        {
            if (piece.Text == last) cuts.Add(piece.Range);
            last = piece.Text;
        }
        foreach (var cut in cuts.Sorted()) yield return cut;
    }

    public void Dispose() => _pieces.Dispose();
}
