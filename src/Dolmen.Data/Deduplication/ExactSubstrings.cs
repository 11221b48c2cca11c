namespace Dolmen.Data.Deduplication;

/// <summary>Passages of at least <paramref name="minWords"/> words that stand in the corpus more than once (Lee et al. 2022 take 50
/// tokens). A passage that long repeats exactly if all its windows of that many words do: windows next to each other in a suffix array with
/// so long a common prefix are those of equal hash. So the windows'
/// 128-bit hashes are sorted, out of core, 56 bytes a word on disk, which finds what a suffix array over words finds without holding one.
/// The first occurrence stays; of others,
/// what does not overlap a first occurrence is cut. Not for several threads at once.</summary>
/// <param name="documentOf">The document an ordinal stands for: copies and near-copies count as one, and what the first of them holds stays
/// in all of them. Itself when null.</param>
internal sealed class ExactSubstrings(string scratchDirectory, long memoryBytes, int minWords = 50, Func<long, long>? documentOf = null)
    : IDisposable
{
    private const ulong FactorHigh = 0x9e3779b97f4a7c15UL;
    private const ulong FactorLow = 0xc2b2ae3d27d4eb4fUL;

    private readonly ExternalSort<Piece> _windows = new(scratchDirectory, memoryBytes / 2);
    private readonly WordBuffer _words = new();

    public void Add(long ordinal, PriorityKey priority, string text)
    {
        NormalisedWords.Hash(text, _words, keepDigits: true);
        Add(ordinal, priority, _words);
    }

    internal void Add(long ordinal, PriorityKey priority, WordBuffer buffer)
    {
        var words = buffer.Hashes;
        if (words.Length < minWords) return;
        ulong high = 0, low = 0, leavingHigh = 1, leavingLow = 1;
        for (var i = 0; i < minWords; i++)
        {
            leavingHigh *= FactorHigh;
            leavingLow *= FactorLow;
        }
        for (var i = 0; i < words.Length; i++)
        {
            high = (high * FactorHigh) + words[i];
            low = (low * FactorLow) + HashMixing.Mix(words[i]);
            if (i >= minWords)
            {
                high -= words[i - minWords] * leavingHigh;
                low -= HashMixing.Mix(words[i - minWords]) * leavingLow;
            }
            if (i >= minWords - 1)
                _windows.Add(
                    new(
                        new(HashMixing.Mix(high), HashMixing.Mix(low)),
                        priority,
                        new(ordinal, buffer.Starts[i - minWords + 1], buffer.Ends[i])
                    )
                );
        }
    }

    /// <summary>What to cut, by ordinal and place; ranges of a document do not touch.</summary>
    public IEnumerable<TextRange> Repeated()
    {
        using var cuts = new ExternalSort<TextRange>(scratchDirectory, memoryBytes / 4);
        using var stays = new ExternalSort<TextRange>(scratchDirectory, memoryBytes / 4);
        Piece first = default;
        long document = -1, last = -1;
        var size = 0;
        foreach (var window in _windows.Sorted())
        {
            if (size > 0 && window.Text == first.Text)
            {
                if (size++ == 1) stays.Add(first.Range);
                // Each copy of the first document keeps its own first occurrence.
                if (window.Range.Ordinal != last && DocumentOf(window) == document) stays.Add(window.Range);
                else cuts.Add(window.Range);
            }
            else
            {
                (first, document, size) = (window, DocumentOf(window), 1);
            }
            last = window.Range.Ordinal;
        }
        using var kept = Joined(stays.Sorted()).GetEnumerator();
        var more = kept.MoveNext();
        foreach (var cut in Joined(cuts.Sorted()))
        {
            var left = cut;
            while (
                more && (kept.Current.Ordinal < left.Ordinal || (kept.Current.Ordinal == left.Ordinal && kept.Current.End <= left.Start))
            )
                more = kept.MoveNext();
            while (more && kept.Current.Ordinal == left.Ordinal && kept.Current.Start < left.End)
            {
                if (kept.Current.Start > left.Start) yield return left with { End = kept.Current.Start };
                left = left with { Start = Math.Min(left.End, kept.Current.End) };
                if (kept.Current.End > left.End || left.Start == left.End) break;
                more = kept.MoveNext();
            }
            if (left.Start < left.End) yield return left;
        }
    }

    private long DocumentOf(in Piece window) => documentOf?.Invoke(window.Range.Ordinal) ?? window.Range.Ordinal;

    private static IEnumerable<TextRange> Joined(IEnumerable<TextRange> ranges)
    {
        TextRange? open = null;
        foreach (var range in ranges)
        {
            if (open is { } o && o.Ordinal == range.Ordinal && range.Start <= o.End) open = o with { End = Math.Max(o.End, range.End) };
            else
            {
                if (open is { } done) yield return done;
                open = range;
            }
        }
        if (open is { } last) yield return last;
    }

    public void Dispose() => _windows.Dispose();
}
