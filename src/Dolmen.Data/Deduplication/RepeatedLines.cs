namespace Dolmen.Data.Deduplication;

internal enum TextUnit { Line, Paragraph }

/// <summary>Lines or paragraphs (runs of lines without an empty one) that stand in several documents: all but those of the document that
/// stays first are cut. What a document repeats within itself is left to the filters of repetition, and lines of code between fences are
/// left alone. Bounded memory; not for several threads at once.</summary>
/// <param name="minChars">Shorter ones (headings, list items, "Yes.") are left alone.</param>
/// <param name="minDocuments">In fewer documents a piece is not a repetition.</param>
/// <param name="documentOf">The document an ordinal stands for: copies and near-copies count as one. Itself when null.</param>
internal sealed class RepeatedLines(
    string scratchDirectory,
    long memoryBytes,
    TextUnit unit = TextUnit.Line,
    int minChars = 30,
    int minDocuments = 2,
    Func<long, long>? documentOf = null
) : IDisposable
{
    private const string Fence = "```";

    private readonly ExternalSort<Piece> _pieces = new(scratchDirectory, memoryBytes / 2);

    /// <param name="priority">Of the document that <paramref name="ordinal"/> stands for.</param>
    public void Add(long ordinal, PriorityKey priority, string text)
    {
        var inCode = false;
        for (var start = 0; start < text.Length;)
        {
            var (end, hasCode) = End(text, start, ref inCode);
            var piece = text.AsSpan(start, end - start).Trim();
            if (!hasCode && piece.Length >= minChars)
                _pieces.Add(
                    new(new(HashMixing.HashOf(piece), HashMixing.HashOf(piece[(piece.Length / 2)..])), priority, new(ordinal, start, end))
                );
            start = end;
        }
    }

    /// <summary>What to cut, by ordinal and place.</summary>
    public IEnumerable<TextRange> Repeated()
    {
        using var cuts = new ExternalSort<TextRange>(scratchDirectory, memoryBytes / 2);
        var waiting = new List<TextRange>();                             // until there are documents enough
        var others = new HashSet<long>();
        TextDigest? text = null;
        long first = -1;
        foreach (var piece in _pieces.Sorted())
        {
            var document = documentOf?.Invoke(piece.Range.Ordinal) ?? piece.Range.Ordinal;
            if (piece.Text != text)
            {
                (text, first) = (piece.Text, document);
                waiting.Clear();
                others.Clear();
                continue;
            }
            if (document == first) continue;
            waiting.Add(piece.Range);
            if (others.Count < minDocuments - 1) others.Add(document);
            if (others.Count < minDocuments - 1) continue;
            foreach (var range in waiting) cuts.Add(range);
            waiting.Clear();
        }
        foreach (var cut in cuts.Sorted()) yield return cut;
    }

    /// <summary>Where the line or paragraph ends that starts here, the break and empty lines after it included.</summary>
    private (int End, bool HasCode) End(string text, int start, ref bool inCode)
    {
        var hasCode = inCode;
        var (at, hasText) = (start, false);
        while (at < text.Length)
        {
            var found = text.IndexOf('\n', at);
            var end = found < 0 ? text.Length : found + 1;
            var line = text.AsSpan(at, end - at).Trim();
            if (unit == TextUnit.Paragraph && hasText && line.Length == 0)
            {
                // All empty lines go with the paragraph before them.
                while (at < text.Length && (found = text.IndexOf('\n', at)) >= 0 && text.AsSpan(at, found - at).IsWhiteSpace())
                    at = found + 1;
                return (at, hasCode);
            }
            if (line.StartsWith(Fence)) (inCode, hasCode) = (!inCode, true);
            hasText |= line.Length > 0;
            at = end;
            if (unit == TextUnit.Line) break;
        }
        return (at, hasCode);
    }

    public void Dispose() => _pieces.Dispose();
}
