using System.Text;
using Dolmen.Artifacts;
using Dolmen.Data.Deduplication;
using Dolmen.Data.Filters;
using Dolmen.Data.Sources;
using Dolmen.Tables;

namespace Dolmen.Data.Cleaning;

/// <summary>Writes what was decided: <c>documents/</c>, <c>exclusions/</c> and <c>measurements/</c>, one Parquet file each for a
/// shard.</summary>
internal sealed class CorpusFiles(CorpusWork build, MeasureSet measures, Verdicts verdicts, bool clustered)
{
    // FineWeb's columns first, then ours: the language that was found stands among those of the header.
    private const int LanguageAt = 6;
    private static readonly string[] Texts =
    [
        "text",
        .. DocumentHeader.Names.Take(LanguageAt - 1),
        "language",
        .. DocumentHeader.Names.Skip(LanguageAt - 1),
        "text_before",
    ];
    private static readonly string[] Keys = ["id", "url", "file_path", "language", "reason", "cluster_id"];

    private string[] Longs => clustered ? ["token_count", "offset", "cluster_size", "rehydration_weight"] : ["token_count", "offset"];

    /// <summary>All shards, several at once. A report of the counts alone.</summary>
    /// <param name="stages">Each with the share of its documents that is held out.</param>
    /// <param name="heldOut">What was held out already, of documents that are in no stage.</param>
    public CleaningReport Write(IReadOnlyList<(string Path, double HeldOut)> stages, IReadOnlyList<HeldOutText> heldOut)
    {
        foreach (var folder in (string[])[CorpusFolder.Documents, CorpusFolder.Exclusions, CorpusFolder.Measurements])
            Directory.CreateDirectory(Path.Combine(build.Directory, folder));
        var firsts = new long[stages.Count];
        for (var i = 1; i < stages.Count; i++) firsts[i] = firsts[i - 1] + Rows(stages[i - 1].Path);
        var counts = new ShardCounts[stages.Count];
        var done = 0;
        ParallelWork.For(
            stages.Count,
            new ParallelOptions { MaxDegreeOfParallelism = build.Run.Threads, CancellationToken = build.Stop },
            i =>
            {
                counts[i] = WriteShard(stages[i].Path, stages[i].HeldOut, firsts[i]);
                build.Progress.Report(new StageProgress("write", Interlocked.Increment(ref done), stages.Count, "shards"));
            }
        );
        var others = Path.Combine(Path.GetDirectoryName(stages[0].Path) ?? "", "documentation.heldout");
        HeldOutTexts.Join(
            [
                .. counts.Select(count => count.HeldOut ?? throw new InvalidOperationException("A shard was not written.")),
                HeldOutTexts.Write(others, heldOut),
            ],
            Path.Combine(build.Directory, CorpusFolder.HeldOut)
        );
        var all = new ShardCounts();
        foreach (var count in counts) all.Add(count);
        return all.Report() with { Tokens = build.Counter is null ? null : all.Tokens };
    }

    private static long Rows(string stage)
    {
        using var table = ParquetTable.Open(stage);
        long rows = 0;
        for (var group = 0; group < table.Groups; group++) rows += table.Rows(group);
        return rows;
    }

    private ShardCounts WriteShard(string stage, double heldOut, long ordinal)
    {
        var counts = new ShardCounts();
        var name = Path.GetFileName(stage);
        using var held = new HeldOutTexts.Writer(Path.ChangeExtension(stage, ".heldout"));
        string[] cluster = clustered ? ["cluster_id"] : [];
        AtomicFile.Write(
            At(CorpusFolder.Measurements, name),
            measured =>
                AtomicFile.Write(
                    At(CorpusFolder.Exclusions, name),
                    excluded =>
                        AtomicFile.Write(
                            At(CorpusFolder.Documents, name),
                            kept =>
                            {
                                using var documents = new TableWriter(kept, [.. Texts, .. cluster], Longs, measures.Names);
                                using var exclusions = new TableWriter(
                                    excluded,
                                    [.. Texts, .. cluster, "reason", "contaminated_by"],
                                    Longs,
                                    [.. measures.Names, "value", "threshold"]
                                );
                                using var measurements = new TableWriter(
                                    measured,
                                    Keys,
                                    ["bytes", "text_bytes"],
                                    [.. measures.Names, "value", "threshold"]
                                );
                                foreach (var d in StageFiles.Read(stage, measures.Names, withText: true))
                                {
                                    build.Stop.ThrowIfCancellationRequested();
                                    var why = verdicts.Of(d, ordinal);
                                    var bytes = Encoding.UTF8.GetByteCount(d.Text);
                                    var (size, id) = (verdicts.ClusterSize(ordinal), verdicts.ClusterId(ordinal));
                                    string[] texts =
                                    [
                                        d.Text,
                                        .. d.Header.Values.Take(LanguageAt - 1),
                                        d.Language,
                                        .. d.Header.Values.Skip(LanguageAt - 1),
                                        d.Before ?? "",
                                    ];
                                    if (clustered)
                                        texts = [.. texts, id];
                                    long?[] longs = clustered
                                        ? [null, d.Header.Offset, size, size > 0 ? Rehydration.Weight(size) : null]
                                        : [null, d.Header.Offset];
                                    var (value, threshold) = (why?.Value ?? double.NaN, why?.Threshold ?? double.NaN);
                                    measurements.Add(
                                        [d.Header.Id, d.Header.Url, d.Header.FilePath, d.Language, why?.Reason ?? "", id],
                                        [d.Bytes, bytes],
                                        [.. d.Measures, value, threshold]
                                    );
                                    if (why is { } exclusion)
                                        exclusions.Add(
                                            [.. texts, exclusion.Reason, d.Contamination],
                                            longs,
                                            [.. d.Measures, value, threshold]
                                        );
                                    else if (StableHash.Fraction(d.Header.Id) < heldOut)
                                        held.Add(d.Header.Id, d.Text);
                                    else
                                    {
                                        longs[0] = build.Counter?.Count(d.Text);
                                        counts.Tokens += longs[0] ?? 0;
                                        documents.Add(texts, longs, d.Measures);
                                    }
                                    counts.Count(d, why, bytes);
                                    if (measures.CutAt >= 0)
                                        counts.CountCuts(d.Measures.AsSpan(measures.CutAt));
                                    ordinal++;
                                }
                                documents.Complete();
                                exclusions.Complete();
                                measurements.Complete();
                            }
                        )
                )
        );
        counts.HeldOut = held.Complete();
        return counts;
    }

    private string At(string folder, string file) => Path.Combine(build.Directory, folder, file);

    private sealed class ShardCounts
    {
        private readonly SortedDictionary<string, long> _dropped = new(StringComparer.Ordinal);
        private readonly SortedDictionary<string, TextAmount> _read = new(StringComparer.Ordinal), _kept = new(StringComparer.Ordinal);
        private static readonly string[] Kinds = ["lines", "paragraphs", "passages"];
        private readonly SortedDictionary<string, long> _cut = new(StringComparer.Ordinal);
        private long _documents;

        public HeldOutTexts.Written? HeldOut { get; set; }

        /// <summary>Tokens of the documents to train on.</summary>
        public long Tokens { get; set; }

        public void Count(MeasuredDocument document, Exclusion? why, long bytes)
        {
            _documents++;
            var amount = new TextAmount(1, bytes);
            if (document.Text.Length > 0) Add(_read, document.Language, amount);
            if (why is { } exclusion) _dropped[exclusion.Reason] = _dropped.GetValueOrDefault(exclusion.Reason) + 1;
            else Add(_kept, document.Language, amount);
        }

        public void CountCuts(ReadOnlySpan<double> cuts)
        {
            for (var kind = 0; kind < Kinds.Length; kind++)
                _cut[Kinds[kind]] = _cut.GetValueOrDefault(Kinds[kind]) + (double.IsNaN(cuts[kind]) ? 0 : (long)cuts[kind]);
            _cut["documents"] = _cut.GetValueOrDefault("documents") + (double.IsNaN(cuts[MeasureSet.CutNames.Count - 1]) ? 0 : 1);
        }

        public void Add(ShardCounts other)
        {
            foreach (var (kind, count) in other._cut) _cut[kind] = _cut.GetValueOrDefault(kind) + count;
            _documents += other._documents;
            Tokens += other.Tokens;
            foreach (var (reason, count) in other._dropped) _dropped[reason] = _dropped.GetValueOrDefault(reason) + count;
            foreach (var (language, amount) in other._read) Add(_read, language, amount);
            foreach (var (language, amount) in other._kept) Add(_kept, language, amount);
        }

        public CleaningReport Report() =>
            new(
                0,
                _documents,
                _kept.Values.Sum(a => a.Documents),
                0,
                _kept.Values.Sum(a => a.Bytes),
                _dropped,
                new Dictionary<string, long>(),
                new Dictionary<string, long>(),
                _read,
                _kept,
                [],
                0,
                _cut.Count > 0 ? _cut : null
            );

        private static void Add(SortedDictionary<string, TextAmount> into, string key, TextAmount amount) =>
            into[key] = into.TryGetValue(key, out var was) ? was + amount : amount;
    }
}
