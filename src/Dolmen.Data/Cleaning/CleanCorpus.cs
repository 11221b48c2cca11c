using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data.Decontamination;
using Dolmen.Data.Deduplication;
using Dolmen.Data.Documentation;
using Dolmen.Data.Quality.Perplexity;
using Dolmen.Data.Sources;

namespace Dolmen.Data.Cleaning;

/// <summary>How a corpus is built, apart from what is in it: none of this changes the result.</summary>
/// <param name="MemoryBytes">Bound of what sorting for duplicates holds.</param>
/// <param name="LoadModel">Opens a folder of a language model that a recipe names for perplexity; disposed after use if it can be.</param>
public sealed record CleaningRun(int Threads, long MemoryBytes, ShardRank Rank, Func<string, IPerplexity>? LoadModel = null)
{
    public static CleaningRun Default => new(Environment.ProcessorCount, 512L << 20, ShardRank.Alone);
}

/// <summary>Raw records to a corpus: every shard measured, duplicates found among all, then decided and written. A finished shard is never
/// done again.</summary>
internal sealed class CleanCorpus
{
    /// <summary>Beside what deduplication found: which documents of earlier crawls count.</summary>
    public const string EarlierFile = "earlier";

    private const string RequestFile = "request.json";
    private const int FingerprintBytes = 1 << 20;

    private readonly CleaningRecipe _recipe;
    private readonly MeasureSet _measures;
    private readonly ShardWork _work;
    private readonly IReadOnlyList<Shard> _shards;
    private readonly double _heldOut;
    private readonly DocumentationPart? _documentation;
    private readonly IndexedCrawl? _crawl;
    private readonly CorpusWork _build;
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    private CleanCorpus(
        CleaningRecipe recipe,
        IReadOnlyList<Shard> shards,
        DocumentationPart? documentation,
        double heldOut,
        IndexedCrawl? crawl,
        CorpusWork build
    )
    {
        (_recipe, _shards, _documentation, _heldOut, _crawl, _build) = (recipe, shards, documentation, heldOut, crawl, build);
        _measures = MeasureSet.Create(recipe);
        _work = new ShardWork(recipe, shards, At("stages"), build.Run, build.Progress, build.Stop);
    }

    /// <summary>Goes on where an earlier call with the same inputs and recipe stopped.</summary>
    /// <param name="files">All inputs.</param>
    /// <param name="documentation">What those of them gave that are documentation, in a shard of its own: its documents are neither judged
    /// nor held out, and only copies of them are dropped.</param>
    /// <param name="corpus">Names the share of the other documents kept that goes to <c>heldout.jsonl</c> instead of <c>documents/</c>, by
    /// stable hash of the id.</param>
    /// <returns>Null when shards of other ranks are still to be measured.</returns>
    /// <exception cref="UserErrorException">Recipe, inputs or folder are not what they should be.</exception>
    public static CleaningReport? Build(
        CleaningRecipe recipe,
        IReadOnlyList<InputFile> files,
        DocumentationPart? documentation,
        Funnel funnel,
        CorpusRecipe corpus,
        CorpusWork build
    )
    {
        recipe.ThrowIfInvalid();
        recipe.ThrowIfMissing();
        Directory.CreateDirectory(build.Directory);
        var request = new CleaningRequest(
            CleaningRecipeFile.ToJson(recipe),
            build.Seed,
            corpus.HeldOutFraction,
            [.. files.Select(Identify)],
            corpus.Tokenizer
        );
        var crawl = new IndexedCrawl(
            StableHash.Sha256(JsonSerializer.Serialize(request.Files, CleaningJson.Default.IReadOnlyListInputIdentity)),
            StableHash.Sha256(Claim(build.Directory, request)),
            0,
            0
        );
        var judged = Shard.Plan(
            [.. files.Except(documentation?.Files ?? [])],
            (long)recipe.ShardMegabytes << 20,
            first: documentation is null ? 0 : 1
        );
        return new CleanCorpus(
            recipe,
            documentation is null ? judged : [new Shard(0, [], documentation.Documents) { IsJudged = false }, .. judged],
            documentation,
            corpus.HeldOutFraction,
            crawl,
            build
        ).Execute(files.Count, funnel);
    }

    /// <summary>The same for documents that are in memory already, none of which is held out.</summary>
    public static CleaningReport Build(
        CleaningRecipe recipe,
        IReadOnlyList<SourceRecord> documents,
        int files,
        Funnel funnel,
        CorpusWork build
    )
    {
        Directory.CreateDirectory(build.Directory);
        var alone = build with { Run = build.Run with { Rank = ShardRank.Alone } };
        return new CleanCorpus(recipe, [new Shard(0, [], documents)], null, 0, null, alone).Execute(files, funnel)
            ?? throw new InvalidOperationException("A single rank leaves no shard to others.");
    }

    private string At(params ReadOnlySpan<string> parts) => Path.Combine([_build.Directory, .. parts]);

    private CleaningReport? Execute(int inputs, Funnel funnel)
    {
        Directory.CreateDirectory(At("stages"));
        if (!_work.MeasureAll()) return null;

        using var index = OpenIndex();
        using var clusters = FindDuplicates(index, out var pairs);
        var verdicts = new Verdicts(_measures, clusters, pairs is null ? null : Verdicts.ExactCopies(pairs), index?.Documents ?? 0);
        var files = new CorpusFiles(_build, _measures, verdicts, _recipe.Dedup is not null);
        var report = files.Write(
            [.. _shards.Select(shard => (_work.PathOf(shard, ".parquet"), shard.IsJudged ? _heldOut : 0))],
            _documentation?.HeldOutTexts(_build.Seed) ?? []
        );
        foreach (var shard in _shards)
        {
            var outcome = _work.OutcomeOf(shard);
            foreach (var (reason, count) in outcome.Unread) funnel.Drop(reason, count);
            foreach (var (what, count) in outcome.Noted) funnel.Note(what, count);
            foreach (var record in outcome.Broken) funnel.Recall(record);
            report = report with { Bytes = report.Bytes + outcome.Bytes };
        }
        if (_recipe.Decontaminate is { } decontaminate) EvaluationItems.Count(decontaminate.Items, decontaminate.NgramWords, funnel);
        report = report with
        {
            Files = inputs, Shards = _shards.Count, Unread = funnel.Dropped, Noted = funnel.Noted, Broken = funnel.Broken,
            Seconds = _clock.Elapsed.TotalSeconds,
        };
        if (index is not null && pairs is not null && clusters is not null)
        {
            var scratch = At("stages", "scratch");
            index.Add(_crawl!, Signatures, pairs, place => clusters.SurvivorOf(place) >= 0, scratch, _build.Run.MemoryBytes);
        }
        AtomicFile.WriteText(At(CleaningRecipeFile.Resolved), CleaningRecipeFile.ToJson(_recipe) + "\n");
        AtomicFile.WriteJson(At(CleaningReport.FileName), report, CleaningJson.Default.CleaningReport);
        Directory.Delete(At("stages"), recursive: true);
        return report;
    }

    private Clusters? FindDuplicates(DuplicateIndex? index, out DuplicatePairs? pairs)
    {
        pairs = null;
        if (_recipe.Dedup is not { } dedup) return null;
        var scratch = At("stages", "scratch");
        Directory.CreateDirectory(scratch);
        var (settings, output, steps) = (dedup.MinHash ?? new MinHashSettings(), At("duplicates"), new Steps(_build.Progress));
        var kept = Kept().GetEnumerator();
        if (index is null)
        {
            var (memory, threads) = (_build.Run.MemoryBytes, _build.Run.Threads);
            pairs = NearDuplicates.Find(Signatures, settings, output, scratch, memory, threads, steps, _build.Stop);
            return Clusters.Of(pairs, _ => kept.MoveNext() && kept.Current);
        }
        pairs = index.Find(Signatures, output, scratch, _build.Run.MemoryBytes, _build.Run.Threads, steps, _build.Stop);
        var flags = index.KeptFlags.ToArray();
        AtomicFile.Write(Path.Combine(output, EarlierFile), stream => stream.Write(flags));
        return Clusters.Of(pairs, place => place < flags.Length ? flags[place] != 0 : kept.MoveNext() && kept.Current, dedup.LeastJaccard);
    }

    private string[] Signatures => [.. _shards.Select(shard => _work.PathOf(shard, ".signatures"))];

    private DuplicateIndex? OpenIndex()
    {
        if (_recipe.Dedup is not { Index: { } directory } dedup || _crawl is null) return null;
        var index = DuplicateIndex.Open(directory, dedup.MinHash ?? new MinHashSettings(), _crawl.Inputs);
        try
        {
            index.ThrowIfSettled(_crawl.Request);
            return index;
        }
        catch
        {
            index.Dispose();
            throw;
        }
    }

    private IEnumerable<bool> Kept()
    {
        foreach (var shard in _shards)
            foreach (var document in StageFiles.Read(_work.PathOf(shard, ".parquet"), _measures.Names, withText: false))
                yield return Verdicts.Rules(_measures, document) is null;
    }

    /// <returns>The request as it is written.</returns>
    private static string Claim(string directory, CleaningRequest request)
    {
        var path = Path.Combine(directory, RequestFile);
        var json = JsonSerializer.Serialize(request, CleaningJson.Default.CleaningRequest);
        if (File.Exists(path))
        {
            if (RegularFile.ReadAllText(path) == json)
                return json;
            throw new UserErrorException(
                $"{directory} holds a corpus of other inputs or of another recipe: name another --out, or remove it."
            );
        }
        AtomicFile.WriteText(path, json);
        return json;
    }

    private static InputIdentity Identify(InputFile file) => BoundedText.Guard(file, () =>
    {
        using var stream = BoundedText.OpenFile(file);
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        digest.AppendData(Encoding.UTF8.GetBytes($"{stream.Length}\n"));
        var buffer = new byte[FingerprintBytes];
        digest.AppendData(buffer, 0, stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false));
        stream.Position = Math.Max(0, stream.Length - buffer.Length);
        digest.AppendData(buffer, 0, stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false));
        return new InputIdentity(file.Name, stream.Length, Convert.ToHexStringLower(digest.GetHashAndReset()));
    });

    private sealed class Steps(IProgress<StageProgress> progress) : IProgress<DuplicateProgress>
    {
        public void Report(DuplicateProgress value) =>
            progress.Report(new StageProgress("duplicates", value.Done, value.Total, value.Stage));
    }
}
