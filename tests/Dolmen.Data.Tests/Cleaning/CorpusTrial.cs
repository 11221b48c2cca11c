using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Inputs;
using Dolmen.Data.Quality.Perplexity;
using Dolmen.Data.Reports;
using Dolmen.Tables;

namespace Dolmen.Tests.Data.Cleaning;

/// <summary>A temporary folder of rows and of the corpora built of them, by the recipe for crawls with some settings on top.</summary>
internal sealed class CorpusTrial : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("dolmen-trial-").FullName;

    public string At(string name) => Path.Combine(Root, name);

    public CorpusTrial Rows(string name, params string[] texts)
    {
        File.WriteAllLines(
            At(name),
            texts.Select((text, i) => JsonSerializer.Serialize(new Dictionary<string, string> { ["id"] = $"{name}-{i}", ["text"] = text }))
        );
        return this;
    }

    public CleaningReport Build(string output, string[] inputs, params string[] set) =>
        Try(output, inputs, set) ?? throw new InvalidOperationException("Not finished.");

    public CleaningReport? Try(
        string output,
        string[] inputs,
        string[] set,
        int threads = 2,
        ShardRank? rank = null,
        Func<string, IPerplexity>? loadModel = null,
        IProgress<StageProgress>? progress = null,
        CleaningRecipe? recipe = null,
        CancellationToken stop = default
    )
    {
        var funnel = new Funnel();
        var files = InputFiles.Find([.. inputs.Select(At)], funnel);
        recipe ??= CleaningRecipes.Load(
            CleaningRecipes.Crawl,
            ["filters.gopherRepetition=null", "shardMegabytes=1", "language.minScore=0", .. set]
        );
        return CleanCorpus.Build(
            recipe,
            files,
            null,
            funnel,
            new CorpusRecipe(HeldOutFraction: 0),
            new CorpusWork(
                At(output),
                0,
                new CleaningRun(threads, 64 << 20, rank ?? ShardRank.Alone, loadModel),
                null,
                progress ?? CorpusFixture.NoProgress,
                stop
            )
        );
    }

    public WhatIfReport Ask(string output, params string[] set) => WhatIf.Ask(At(output), set, 5, 2, CancellationToken.None);

    public SortedDictionary<string, string> Hashes(string output, params string[] except) =>
        new(
            Directory
                .EnumerateFiles(At(output), "*", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(At(output), path))
                .Except(except)
                .ToDictionary(name => name, name => StableHash.Sha256OfFile(Path.Combine(At(output), name))),
            StringComparer.Ordinal
        );

    public Dictionary<string, string> Texts(string folder, string column = "text") =>
        Each(folder, (table, group) => table.Strings(group, table.Find(column)).Select(text => text ?? ""));

    public Dictionary<string, double> Numbers(string folder, string column) =>
        Each(folder, (table, group) => table.Numbers(group, table.Find(column)));

    private Dictionary<string, T> Each<T>(string folder, Func<ParquetTable, int, IEnumerable<T>> values)
    {
        var found = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var file in Directory.GetFiles(At(folder), "*.parquet").Order(StringComparer.Ordinal))
        {
            using var table = ParquetTable.Open(file);
            for (var group = 0; group < table.Groups; group++)
                foreach (var (id, value) in table.Strings(group, table.Find("id")).Zip(values(table, group))) found.Add(id ?? "", value);
        }
        return found;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    /// <summary>Stops a build at a stage.</summary>
    public sealed class StopAt(CancellationTokenSource stop, string stage, string detail = "") : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
            if (value.Stage == stage && value.Detail.Contains(detail, StringComparison.Ordinal)) stop.Cancel();
        }
    }
}
