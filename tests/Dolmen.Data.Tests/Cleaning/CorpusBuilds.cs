using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Inputs;
using Dolmen.Tables;

namespace Dolmen.Tests.Data.Cleaning;

public sealed class CorpusBuilds : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("dolmen-clean-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Documents_are_kept_or_dropped_with_reason_value_and_threshold()
    {
        Rows("a.jsonl", Prose(1), "Too short to keep.", Prose(2));
        var report = Build("out", "a.jsonl");
        Assert.Equal((3, 2), (report.Read, report.Kept));
        Assert.Equal(1, report.Dropped["gopherQuality.minWords"]);
        var (reasons, values, thresholds) = (
            Texts("out/exclusions", "reason"),
            Numbers("out/exclusions", "value"),
            Numbers("out/exclusions", "threshold")
        );
        Assert.Equal(["gopherQuality.minWords"], reasons);
        Assert.Equal([(4.0, 50.0)], values.Zip(thresholds));
        Assert.Equal(3, Texts("out/measurements", "id").Count);
    }

    [Fact]
    public void A_record_that_breaks_nothing_once_a_threshold_is_lower_is_kept()
    {
        Rows("a.jsonl", Prose(1), string.Join(' ', Prose(2).Split(' ').Take(40)) + ".");
        Assert.Equal(1, Build("strict", "a.jsonl").Kept);
        Assert.Equal(2, Build("loose", "a.jsonl", set: ["filters.gopherQuality.minWords=30", "filters.c4.minSentences=1"]).Kept);
    }

    [Fact]
    public void Threads_order_of_inputs_and_interruption_change_no_byte()
    {
        for (var file = 0; file < 4; file++) Rows($"{file}.jsonl", [.. Enumerable.Range(0, 60).Select(i => Prose((file * 50) + i))]);
        string[] names = ["0.jsonl", "1.jsonl", "2.jsonl", "3.jsonl"];
        Build("one", names, threads: 1);
        Build("two", names, threads: 2);
        Build("shuffled", [names[2], names[0], names[3], names[1]], threads: 2);
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            Build("killed", names, threads: 2, progress: new StopAt(stop, "write"), stop: stop.Token)
        );
        Build("killed", names, threads: 2);
        var expected = Hashes("one");
        Assert.True(expected.Count >= 6);
        foreach (var other in new[] { "two", "shuffled", "killed" }) Assert.Equal(expected, Hashes(other));
    }

    [Fact]
    public void Ranks_that_share_the_shards_give_what_one_process_gives()
    {
        for (var file = 0; file < 3; file++) Big($"{file}.jsonl", file);
        string[] names = ["0.jsonl", "1.jsonl", "2.jsonl"];
        Assert.Equal(3, Build("alone", names).Shards);
        Assert.Null(BuildRank("shared", names, new ShardRank(0, 2)));
        Assert.NotNull(BuildRank("shared", names, new ShardRank(1, 2)));
        Assert.Equal(Hashes("alone"), Hashes("shared"));
    }

    [Fact]
    public void Of_duplicates_one_stays_and_says_how_many_there_were()
    {
        var near = Prose(7).Replace("river", "stream", StringComparison.Ordinal);
        Rows("a.jsonl", Prose(7), Prose(8), Prose(7), near);
        var report = Build("out", "a.jsonl");
        Assert.Equal(2, report.Kept);
        Assert.Equal(1, report.Dropped["dedup.exact"]);
        Assert.Equal(1, report.Dropped["dedup.minHash"]);
        Assert.Equal([1.0, 3.0], Numbers("out/documents", "cluster_size").Order());
        Assert.Equal([1.0, 3.0], Numbers("out/documents", "rehydration_weight").Order());
    }

    [Fact]
    public void Personal_data_is_masked_in_what_is_kept_and_in_what_is_not()
    {
        Rows("a.jsonl", $"{Prose(1)} Write to jane.roe@firm.org.", "Mail jane.roe@firm.org now.");
        Build("out", "a.jsonl");
        var all = Texts("out/documents", "text").Concat(Texts("out/exclusions", "text")).ToList();
        Assert.Equal(2, all.Count);
        Assert.All(all, text => Assert.DoesNotContain("jane.roe@firm.org", text, StringComparison.Ordinal));
        Assert.All(all, text => Assert.Contains("@example.", text, StringComparison.Ordinal));
    }

    [Fact]
    public void A_document_that_holds_an_item_of_an_evaluation_set_is_dropped_and_names_it()
    {
        var item = Prose(5).Split(". ")[2];
        File.WriteAllText(
            Path.Combine(_root, "items.jsonl"),
            JsonSerializer.Serialize(new Dictionary<string, string> { ["id"] = "q7", ["question"] = item }) + "\n"
        );
        Rows("a.jsonl", Prose(4), Prose(5), Prose(6));
        var items = JsonSerializer.Serialize(new[] { Path.Combine(_root, "items.jsonl") });
        var report = Build("out", "a.jsonl", set: [$"decontaminate={{\"items\":{items}}}"]);
        Assert.Equal(1, report.Dropped["decontaminate.maxShare"]);
        Assert.Contains("q7", Assert.Single(Texts("out/exclusions", "contaminated_by")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_another_corpus_is_refused()
    {
        Rows("a.jsonl", Prose(1));
        Build("out", "a.jsonl");
        Rows("a.jsonl", Prose(2));
        var error = Assert.Throws<UserErrorException>(() => Build("out", "a.jsonl"));
        Assert.Contains("--out", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_built_in_recipe_is_valid_and_a_wrong_key_names_the_nearest()
    {
        Assert.NotNull(CleaningRecipes.Load(CleaningRecipes.Crawl, []).Filters.GopherQuality);
        var error = Assert.Throws<UserErrorException>(() =>
            CleaningRecipes.Load(CleaningRecipes.Crawl, ["filters.gopherQuality.minWord=3"])
        );
        Assert.Contains("minWords", error.Message, StringComparison.Ordinal);
        Assert.Throws<UserErrorException>(() => CleaningRecipes.Load("no-such-recipe", []));
    }

    private static readonly string[] Nouns =
    [
        "river",
        "harbor",
        "orchard",
        "lantern",
        "quarry",
        "meadow",
        "bridge",
        "market",
        "valley",
        "village",
        "garden",
        "window",
        "forest",
        "island",
        "castle",
    ];
    private static readonly string[] Verbs =
    [
        "crosses",
        "follows",
        "shelters",
        "watches",
        "remembers",
        "feeds",
        "divides",
        "joins",
        "mirrors",
        "surrounds",
        "warms",
        "guards",
    ];
    private static readonly string[] Kinds =
    [
        "old",
        "quiet",
        "narrow",
        "bright",
        "distant",
        "green",
        "wide",
        "stony",
        "early",
        "patient",
        "hidden",
        "wooden",
        "northern",
    ];

    /// <summary>English enough for every filter, different for every seed.</summary>
    internal static string Prose(int seed)
    {
        var random = new StableRandom((ulong)seed + 1);
        string Pick(string[] words) => words[(int)(random.NextDouble() * words.Length)];
        var text = new StringBuilder();
        for (var paragraph = 0; paragraph < 3; paragraph++)
        {
            for (var sentence = 0; sentence < 6; sentence++)
                text.Append(
                    $"The {Pick(Kinds)} {Pick(Nouns)} {Pick(Verbs)} the {Pick(Kinds)} {Pick(Nouns)} with {Pick(Nouns)}s that have to be "
                        + $"{Pick(Kinds)} and {Pick(Kinds)} near a {Pick(Kinds)} {Pick(Nouns)}. "
                );
            text.Append('\n');
        }
        return text.ToString().Trim();
    }

    private void Rows(string name, params string[] texts) =>
        File.WriteAllLines(
            Path.Combine(_root, name),
            texts.Select((text, i) => JsonSerializer.Serialize(new Dictionary<string, string> { ["id"] = $"{name}-{i}", ["text"] = text }))
        );

    // More than half a shard, most of it texts without words.
    private void Big(string name, int seed) =>
        Rows(
            name,
            [.. Enumerable.Range(0, 5).Select(i => Prose((seed * 5) + i)), .. Enumerable.Range(0, 6).Select(_ => new string('x', 100_000))]
        );

    private CleaningReport Build(string output, string input, string[]? set = null) => Build(output, [input], set: set);

    private CleaningReport Build(
        string output,
        string[] inputs,
        int threads = 2,
        string[]? set = null,
        IProgress<StageProgress>? progress = null,
        CancellationToken stop = default
    ) => BuildRank(output, inputs, ShardRank.Alone, threads, set, progress, stop) ?? throw new InvalidOperationException("Not finished.");

    private CleaningReport? BuildRank(
        string output,
        string[] inputs,
        ShardRank rank,
        int threads = 2,
        string[]? set = null,
        IProgress<StageProgress>? progress = null,
        CancellationToken stop = default
    )
    {
        var funnel = new Funnel();
        var files = InputFiles.Find([.. inputs.Select(name => Path.Combine(_root, name))], funnel);
        return CleanCorpus.Build(
            CleaningRecipes.Load(
                CleaningRecipes.Crawl,
                ["filters.gopherRepetition=null", "shardMegabytes=1", "language.minScore=0", .. set ?? []]
            ),
            files,
            funnel,
            Path.Combine(_root, output),
            0,
            0,
            new CleaningRun(threads, 64 << 20, rank),
            progress ?? CorpusFixture.NoProgress,
            stop
        );
    }

    private SortedDictionary<string, string> Hashes(string output)
    {
        var folder = Path.Combine(_root, output);
        return new(
            Directory
                .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                .ToDictionary(path => Path.GetRelativePath(folder, path), StableHash.Sha256OfFile),
            StringComparer.Ordinal
        );
    }

    private List<string> Texts(string folder, string column) =>
        Each(folder, (table, group) => table.Strings(group, table.Find(column)).Select(text => text ?? "")).ToList();

    private List<double> Numbers(string folder, string column) =>
        Each(folder, (table, group) => table.Numbers(group, table.Find(column))).ToList();

    private IEnumerable<T> Each<T>(string folder, Func<ParquetTable, int, IEnumerable<T>> values)
    {
        foreach (var file in Directory.GetFiles(Path.Combine(_root, folder), "*.parquet").Order(StringComparer.Ordinal))
        {
            using var table = ParquetTable.Open(file);
            for (var group = 0; group < table.Groups; group++)
                foreach (var value in values(table, group)) yield return value;
        }
    }

    private sealed class StopAt(CancellationTokenSource stop, string stage) : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
            if (value.Stage == stage) stop.Cancel();
        }
    }
}
