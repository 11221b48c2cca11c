using System.Diagnostics;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data.Sources;

namespace Dolmen.Data.Cleaning;

/// <summary>What is done shard by shard, by this process for the shards that are its own. A finished shard leaves a file that says so and
/// is never done again.
/// Where repetitions over the corpus are cut, texts are extracted first and measured once all of them are known.</summary>
internal sealed class ShardWork(
    CleaningRecipe recipe,
    IReadOnlyList<Shard> shards,
    string stages,
    CleaningRun run,
    IProgress<StageProgress> progress,
    CancellationToken stop
)
{
    private const string Stage = "corpus",
        Measured = ".json",
        Extracted = ".texts.json",
        Texts = ".texts.parquet",
        Copies = ".texts.signatures";
    private const long BatchBytes = 1 << 20;

    private string CutsFile => Path.Combine(stages, "cuts");

    public string PathOf(Shard shard, string extension) => Path.Combine(stages, shard.Name + extension);

    public ShardOutcome OutcomeOf(Shard shard) => Outcome(shard, Measured);

    /// <returns>False when shards of other ranks are still to be done.</returns>
    public bool MeasureAll()
    {
        if (recipe.Dedup is not { Cuts: true } dedup) return Each(Measured, "measured", Measure);
        if (!Each(Extracted, "extracted", Extract)) return false;
        if (!File.Exists(CutsFile))
        {
            var scratch = Path.Combine(stages, "scratch");
            Directory.CreateDirectory(scratch);
            CorpusRepeats.Find(
                [.. shards.Select(shard => (PathOf(shard, Texts), PathOf(shard, Copies)))],
                dedup,
                scratch,
                CutsFile,
                run,
                progress,
                stop
            );
        }
        var firsts = new long[shards.Count + 1];
        for (var i = 0; i < shards.Count; i++) firsts[i + 1] = firsts[i] + Outcome(shards[i], Extracted).Documents;
        return Each(Measured, "measured", (shard, measurer, span) => MeasureExtracted(shard, firsts[shard.Number], measurer, span));
    }

    private bool Each(string done, string verb, Action<Shard, Measurer, Span> work)
    {
        var open = shards.Where(shard => run.Rank.Owns(shard.Number) && !File.Exists(PathOf(shard, done))).ToList();
        if (open.Count > 0)
        {
            using var models = ScoringModels.Load(recipe, run);
            using var measurer = new Measurer(recipe, MeasureSet.Create(recipe, models), models.Identifier);
            long total = open.Sum(shard => shard.Bytes), before = 0;
            foreach (var shard in open)
            {
                work(shard, measurer, new Span(before, total));
                before += shard.Bytes;
            }
            var shown = $"{open.Count} {(open.Count == 1 ? "shard" : "shards")} {verb}";
            progress.Report(new StageProgress(Stage, total / 1e6, total / 1e6, "MB", shown));
        }
        return shards.All(shard => File.Exists(PathOf(shard, done)));
    }

    private void Measure(Shard shard, Measurer measurer, Span span)
    {
        var funnel = new Funnel();
        var clock = Stopwatch.StartNew();
        long bytes = 0;
        var measured = OrderedParallel.Select(
            Records(shard, funnel, span),
            record => shard.IsJudged ? measurer.Measure(record, funnel) : measurer.TakeAsItIs(record),
            Cost,
            BatchBytes,
            run.Threads,
            stop
        );
        var count = Write(
            shard,
            measurer,
            measured.Select(document =>
            {
                bytes += document.Bytes;
                return document;
            })
        );
        Finish(shard, Measured, new ShardOutcome(count, bytes, funnel.Dropped, funnel.Noted, funnel.Broken, clock.Elapsed.TotalSeconds));
    }

    private void Extract(Shard shard, Measurer measurer, Span span)
    {
        var funnel = new Funnel();
        var clock = Stopwatch.StartNew();
        long bytes = 0;
        var extracted = OrderedParallel.Select(
            Records(shard, funnel, span),
            record => measurer.ExtractSigned(record, funnel),
            Cost,
            BatchBytes,
            run.Threads,
            stop
        );
        var count = ExtractedFiles.Write(
            PathOf(shard, Texts), PathOf(shard, Copies), extracted.Select(document =>
            {
                bytes += document.Bytes;
                return document;
            }), MinHash);
        Finish(shard, Extracted, new ShardOutcome(count, bytes, funnel.Dropped, funnel.Noted, funnel.Broken, clock.Elapsed.TotalSeconds));
    }

    private void MeasureExtracted(Shard shard, long first, Measurer measurer, Span span)
    {
        var clock = Stopwatch.StartNew();
        var outcome = Outcome(shard, Extracted);
        var joined = CorpusRepeats.Join(ExtractedFiles.Read(PathOf(shard, Texts)), first, CutsFile);
        Write(
            shard,
            measurer,
            OrderedParallel.Select(
                joined,
                pair => measurer.Measure(pair.Document, pair.Cuts),
                pair => pair.Document.Text.Length * 2L,
                BatchBytes,
                run.Threads,
                stop
            )
        );
        Finish(shard, Measured, outcome with { Seconds = outcome.Seconds + clock.Elapsed.TotalSeconds });
        progress.Report(
            new StageProgress(Stage, span.Before / 1e6, span.Total / 1e6, "MB", $"shard {shard.Number + 1}/{shards.Count} measured")
        );
    }

    private long Write(Shard shard, Measurer measurer, IEnumerable<MeasuredDocument> documents) =>
        StageFiles.Write(PathOf(shard, ".parquet"), PathOf(shard, ".signatures"), documents, measurer.Names, MinHash);

    private void Finish(Shard shard, string done, ShardOutcome outcome) =>
        AtomicFile.WriteJson(PathOf(shard, done), outcome, CleaningJson.Default.ShardOutcome);

    private Deduplication.MinHashSettings MinHash => recipe.Dedup?.MinHash ?? new();

    private static long Cost(SourceRecord record) => record.Html?.Length ?? (record.Text?.Length ?? 0) * 2L;

    private ShardOutcome Outcome(Shard shard, string done)
    {
        using var stream = RegularFile.OpenRead(PathOf(shard, done));
        return JsonSerializer.Deserialize(stream, CleaningJson.Default.ShardOutcome)
            ?? throw new InvalidDataException($"{PathOf(shard, done)} holds nothing.");
    }

    private IEnumerable<SourceRecord> Records(Shard shard, Funnel funnel, Span span)
    {
        if (shard.Made is { } made)
        {
            foreach (var record in made) yield return record;
            yield break;
        }
        var stored = span.Before;
        foreach (var file in shard.Files)
        {
            var length = new FileInfo(file.Path).Length;
            foreach (var record in SourceReaders.Read(file, recipe.Read, funnel, stop))
            {
                // Offsets of crawls are bytes of the file; rows of others say nothing about how far it is.
                var at = file.Path.Contains(".warc", StringComparison.OrdinalIgnoreCase) ? Math.Min(record.Header.Offset, length) : 0;
                progress.Report(
                    new StageProgress(
                        Stage,
                        (stored + at) / 1e6,
                        span.Total / 1e6,
                        "MB",
                        $"shard {shard.Number + 1}/{shards.Count} {file.Name}"
                    )
                );
                yield return record;
            }
            stored += length;
        }
    }

    /// <summary>Bytes of input before a shard, and of all this process has to do.</summary>
    private readonly record struct Span(long Before, long Total);
}
