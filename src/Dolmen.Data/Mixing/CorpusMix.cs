using Dolmen.Artifacts;
using Dolmen.Tables;

namespace Dolmen.Data.Mixing;

/// <summary>Documents of several corpora to one: weighted, within limits, shuffled and in shards. The same inputs, recipe and seed give the
/// same files, whatever the order of the inputs and the number of threads.</summary>
public static class CorpusMix
{
    public const string ReportFile = "mixture.json";

    private const string Stage = "mix";
    private const string WorkFolder = ".mixing";
    // What a token of text and its other columns take on their way through the shuffle, roughly.
    private const double BytesPerToken = 6;

    /// <param name="inputs">Corpus folders, folders of Parquet files, or Parquet files.</param>
    /// <param name="outDirectory">A new or empty folder; nothing stays in it if mixing does not come to its end.</param>
    /// <exception cref="UserErrorException">An input is missing or unreadable, the recipe does not fit them, or its limits do not admit its
    /// budget.</exception>
    public static MixReport Run(
        IReadOnlyList<string> inputs,
        MixRecipe recipe,
        string outDirectory,
        ulong seed,
        int? threads,
        IProgress<StageProgress> progress,
        CancellationToken stop
    )
    {
        recipe.ThrowIfInvalid();
        // What a killed run left behind is nobody's work.
        if (Directory.Exists(Path.Combine(outDirectory, WorkFolder)))
            Directory.Delete(Path.Combine(outDirectory, WorkFolder), recursive: true);
        if (Directory.Exists(outDirectory) && Directory.EnumerateFileSystemEntries(outDirectory).Any())
            throw new UserErrorException(
                $"--out {outDirectory} already holds files: a mixture is written into a new or empty folder. Remove it or name another."
            );
        if (File.Exists(outDirectory))
            throw new UserErrorException($"--out {outDirectory} is a file: name a new or empty folder.");
        var leftOut = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var files = MixInputs.Find(inputs, leftOut);
        var (columns, notices) = MixInputs.Columns(files.Select(f => f.Path), recipe);
        foreach (var same in leftOut.GroupBy(item => item.Value, StringComparer.Ordinal))
            notices.Add($"{same.Count()} left out as {same.Key}, the first of them {ShownName.Of(Path.GetFileName(same.First().Key))}.");
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = threads ?? Environment.ProcessorCount, CancellationToken = stop };
        var rows = new MixtureRows(recipe, seed);
        var (plans, counted, estimated) = Measure(files, rows, parallel, progress);

        var keys = plans
            .Keys.OrderBy(k => k.Source, StringComparer.Ordinal)
            .ThenBy(k => k.Language, StringComparer.Ordinal)
            .ThenBy(k => k.Bucket)
            .ThenBy(k => k.Ai)
            .ToArray();
        var available = keys.Select(k => (double)plans[k].Tokens).ToArray();
        var shares = MixtureWeights.Shares(recipe, keys, available);
        var limits = MixtureWeights.Limits(recipe, keys, available, shares);
        var reachable = MixtureWeights.Reachable(recipe, keys, limits);
        // Without a budget: as much as there is, or as much of it as the limits admit.
        var budget = recipe.Tokens ?? (long)Math.Min(available.Sum(), reachable);
        var allocated = MixtureWeights.Allocate(recipe, keys, available, shares, budget);
        for (var c = 0; c < keys.Length; c++)
        {
            // Under a limit on AI text the others are rounded up and it is rounded down, so that the limit holds to the token.
            plans[keys[c]].Take(allocated[c], recipe.MaxAiShare is null ? 0 : keys[c].Ai ? -1 : 1);
        }

        Directory.CreateDirectory(outDirectory);
        var work = Path.Combine(outDirectory, WorkFolder);
        try
        {
            var codec = new RowCodec(columns);
            using var buckets = new ShuffleBuckets(Path.Combine(work, "buckets"), budget * BytesPerToken);
            Scatter(files, rows, codec, plans, buckets, parallel, progress);
            var total = plans.Values.Sum(p => p.TakenDocuments);
            var names = ShardFiles.Write(
                Path.Combine(work, CorpusFolder.Documents), codec, buckets.InOrder(), (long)recipe.ShardMegabytes << 20,
                done => progress.Report(new StageProgress(Stage, done, total, "documents", "writing")), stop);
            var report = Report(recipe, seed, budget, reachable, keys, shares, allocated, plans, counted, estimated, names, notices);
            Directory.Move(Path.Combine(work, CorpusFolder.Documents), Path.Combine(outDirectory, CorpusFolder.Documents));
            AtomicFile.WriteJson(Path.Combine(outDirectory, ReportFile), report, MixJson.Default.MixReport);
            return report;
        }
        finally
        {
            if (Directory.Exists(work)) Directory.Delete(work, recursive: true);
        }
    }

    private static (Dictionary<ComponentKey, ComponentPlan> Plans, long Counted, long Estimated) Measure(
        List<(string Path, string Input)> files,
        MixtureRows rows,
        ParallelOptions parallel,
        IProgress<StageProgress> progress
    )
    {
        var plans = new Dictionary<ComponentKey, ComponentPlan>();
        long counted = 0,
            estimated = 0;
        var done = 0;
        ParallelWork.ForEach(
            files,
            parallel,
            file =>
            {
                var here = new Dictionary<ComponentKey, ComponentPlan>();
                long guesses = 0,
                    all = 0;
                using var table = ParquetTable.Open(file.Path);
                for (var group = 0; group < table.Groups; group++)
                {
                    parallel.CancellationToken.ThrowIfCancellationRequested();
                    foreach (ref readonly var row in rows.Read(table, group, file.Input).AsSpan())
                    {
                        all++;
                        if (row.Estimated)
                            guesses++;
                        if (!here.TryGetValue(row.Component, out var plan))
                            here.Add(row.Component, plan = new ComponentPlan());
                        plan.Add(row);
                    }
                }
                lock (plans)
                {
                    foreach (var (key, plan) in here)
                        if (!plans.TryAdd(key, plan))
                            plans[key].Merge(plan);
                    (counted, estimated) = (counted + all - guesses, estimated + guesses);
                    progress.Report(new StageProgress(Stage, ++done, files.Count, "files", "counting"));
                }
            }
        );
        if (plans.Values.Sum(p => p.Tokens) == 0)
            throw new UserErrorException("the inputs hold no documents with text: nothing can be mixed. Name other corpora.");
        return (plans, counted, estimated);
    }

    private static void Scatter(
        List<(string Path, string Input)> files,
        MixtureRows rows,
        RowCodec codec,
        Dictionary<ComponentKey, ComponentPlan> plans,
        ShuffleBuckets buckets,
        ParallelOptions parallel,
        IProgress<StageProgress> progress
    )
    {
        var done = 0;
        ParallelWork.ForEach(
            files,
            parallel,
            file =>
            {
                using var table = ParquetTable.Open(file.Path);
                using var buffer = new MemoryStream();
                using var writer = RowCodec.Writer(buffer);
                var places = new List<ulong>();
                for (var group = 0; group < table.Groups; group++)
                {
                    parallel.CancellationToken.ThrowIfCancellationRequested();
                    var decided = rows.Read(table, group, file.Input);
                    var values = codec.Columns.Select(c => table.Find(c.Name) is { } column ? table.Values(group, column) : null).ToArray();
                    for (var i = 0; i < decided.Length; i++)
                    {
                        plans[decided[i].Component].Places(decided[i], places);
                        if (places.Count == 0)
                            continue;
                        buffer.SetLength(0);
                        codec.Write(writer, values, i);
                        writer.Flush();
                        foreach (var place in places)
                            buckets.Add(place, buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
                    }
                }
                lock (files)
                    progress.Report(new StageProgress(Stage, ++done, files.Count, "files", "shuffling"));
            }
        );
    }

    private static MixReport Report(
        MixRecipe recipe,
        ulong seed,
        long budget,
        double reachable,
        ComponentKey[] keys,
        double[] shares,
        double[] allocated,
        Dictionary<ComponentKey, ComponentPlan> plans,
        long counted,
        long estimated,
        List<string> names,
        List<string> notices
    )
    {
        var available = plans.Values.Sum(p => p.Tokens);
        var taken = plans.Values.Sum(p => p.Taken);
        var components = new List<MixComponent>();
        for (var c = 0; c < keys.Length; c++)
        {
            var (key, plan) = (keys[c], plans[keys[c]]);
            var share = taken > 0 ? (double)plan.Taken / taken : 0;
            var epochs = plan.Tokens > 0 ? (double)plan.Taken / plan.Tokens : 0;
            components.Add(
                new MixComponent(
                    key.Source,
                    key.Language,
                    BucketName(recipe, key.Bucket),
                    key.Ai,
                    plan.Documents,
                    plan.Tokens,
                    shares[c],
                    plan.Taken,
                    plan.TakenDocuments,
                    epochs,
                    share,
                    plan.Tokens > 0 ? share / ((double)plan.Tokens / available) : 0
                )
            );
            var name =
                $"{key.Source}, {key.Language}{(recipe.Edges.Count > 0 ? $", quality {BucketName(recipe, key.Bucket)}" : "")}"
                    + $"{(key.Ai ? ", AI-made" : "")}";
            if (epochs > MixRecipe.WorthwhileEpochs)
                notices.Add(
                    $"{name}: each document is repeated {epochs:0.##} times; beyond {MixRecipe.WorthwhileEpochs:0} repeats are worth much "
                        + $"less than fresh text."
                );
            if (allocated[c] < 0.995 * shares[c] * budget)
                notices.Add(
                    $"{name}: {shares[c]:P1} of the whole was asked for and {allocated[c] / budget:P1} is within its limit; the others "
                        + $"made up for it."
                );
        }
        if (estimated > 0)
            notices.Add(
                $"{estimated:N0} of {counted + estimated:N0} documents have no token_count: their tokens are estimated as UTF-8 bytes over "
                    + $"4."
            );
        return new MixReport(
            recipe,
            seed,
            budget,
            available,
            Math.Floor(reachable),
            taken,
            components.Sum(c => c.TakenDocuments),
            components.Sum(c => c.Documents),
            counted,
            estimated,
            components.Where(c => c.Ai).Sum(c => c.Share),
            Grouped(c => c.Language),
            Grouped(c => c.Source),
            components,
            [.. names.Select(n => $"{CorpusFolder.Documents}/{n}")],
            notices
        );

        SortedDictionary<string, double> Grouped(Func<MixComponent, string> by) =>
            new(
                components.GroupBy(by, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Sum(c => c.Share), StringComparer.Ordinal),
                StringComparer.Ordinal
            );
    }

    private static string BucketName(MixRecipe recipe, int bucket)
    {
        if (recipe.Edges.Count == 0)
            return "all";
        if (bucket < 0)
            return "none";
        if (bucket == 0)
            return $"<{MixtureWeights.Number(recipe.Edges[0])}";
        return bucket == recipe.Edges.Count
            ? $"≥{MixtureWeights.Number(recipe.Edges[^1])}"
            : $"{MixtureWeights.Number(recipe.Edges[bucket - 1])}–{MixtureWeights.Number(recipe.Edges[bucket])}";
    }
}
