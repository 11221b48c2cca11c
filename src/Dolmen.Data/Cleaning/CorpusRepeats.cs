using Dolmen.Artifacts;
using Dolmen.Data.Deduplication;

namespace Dolmen.Data.Cleaning;

/// <summary>Lines, paragraphs and passages that stand in several documents of the corpus. All documents with text take part, also those
/// that rules drop later, so that what is cut depends on no threshold and <c>what-if</c> stays exact; copies and near-copies count as one
/// document, or the first of them would empty the others before deduplication can name them.</summary>
internal static class CorpusRepeats
{
    /// <param name="shards">Extracted texts and their signatures, in order.</param>
    /// <param name="scratch">Holds pairs and runs of sorting.</param>
    /// <param name="cutsFile">What to cut, ascending; there when it is finished.</param>
    public static void Find(
        IReadOnlyList<(string Texts, string Signatures)> shards,
        DedupSettings dedup,
        string scratch,
        string cutsFile,
        CleaningRun run,
        IProgress<StageProgress> progress,
        CancellationToken stop
    )
    {
        var pairs = NearDuplicates.Find(
            [.. shards.Select(shard => shard.Signatures)],
            dedup.MinHash ?? new MinHashSettings(),
            Path.Combine(scratch, "copies"),
            scratch,
            run.MemoryBytes,
            run.Threads,
            null,
            stop
        );
        using var copies = Clusters.Of(pairs, _ => true);
        var memory = run.MemoryBytes / 4;
        using var lines = dedup.Lines is { } l
            ? new RepeatedLines(scratch, memory, TextUnit.Line, l.MinChars, l.MinDocuments, copies.SurvivorOf)
            : null;
        using var paragraphs = dedup.Paragraphs is { } p
            ? new RepeatedLines(scratch, memory, TextUnit.Paragraph, p.MinChars, p.MinDocuments, copies.SurvivorOf)
            : null;
        using var passages = dedup.ExactSubstrings is { } e ? new ExactSubstrings(scratch, memory, e.MinWords, copies.SurvivorOf) : null;
        long ordinal = 0;
        for (var i = 0; i < shards.Count; i++)
        {
            progress.Report(new StageProgress("repeats", i, shards.Count, "shards"));
            foreach (var text in ExtractedFiles.ReadTexts(shards[i].Texts))
            {
                if ((ordinal & 0xff) == 0) stop.ThrowIfCancellationRequested();
                var at = ordinal++;
                if (text.Length == 0) continue;
                var key = copies.KeyOf(at);
                lines?.Add(at, key, text);
                paragraphs?.Add(at, key, text);
                passages?.Add(at, key, text);
            }
        }
        using var cuts = new ExternalSort<CutRange>(scratch, memory);
        Take(lines?.Repeated(), CutKind.Line);
        Take(paragraphs?.Repeated(), CutKind.Paragraph);
        Take(passages?.Repeated(), CutKind.Passage);
        AtomicFile.Write(cutsFile, stream => ItemFile.Write(stream, cuts.Sorted()));

        void Take(IEnumerable<TextRange>? ranges, CutKind kind)
        {
            foreach (var range in ranges ?? []) cuts.Add(new(range.Ordinal, range.Start, range.End, kind));
        }
    }

    /// <summary>Documents of one shard, each with what to cut from it.</summary>
    /// <param name="first">Ordinal of the first of them.</param>
    public static IEnumerable<(ExtractedDocument Document, CutRange[] Cuts)> Join(
        IEnumerable<ExtractedDocument> documents,
        long first,
        string cutsFile
    )
    {
        using var cuts = ItemFile.ReadFrom<CutRange>(cutsFile, cut => cut.Ordinal >= first).GetEnumerator();
        var more = cuts.MoveNext();
        var own = new List<CutRange>();
        foreach (var document in documents)
        {
            own.Clear();
            for (; more && cuts.Current.Ordinal == first; more = cuts.MoveNext()) own.Add(cuts.Current);
            first++;
            yield return (document, [.. own]);
        }
    }
}
