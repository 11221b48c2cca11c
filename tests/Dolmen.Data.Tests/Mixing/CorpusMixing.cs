using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Mixing;
using Dolmen.Tables;
using Dolmen.Tests.Fakes;
using Parquet;
using Parquet.Schema;

namespace Dolmen.Tests.Data.Mixing;

public sealed class CorpusMixing : IDisposable
{
    private sealed record Row(string Id, string Dump, string Language, long? Tokens, double Quality, string Provenance, int Cluster);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Everything_once_is_what_comes_without_a_recipe()
    {
        Corpus("web", Rows("web", "en", 300), Rows("web", "ko", 100));
        var report = Mix(new MixRecipe());
        Assert.Equal((40_000, 40_000, 400), (report.Taken, report.Available, report.TakenDocuments));
        Assert.Equal(400, Read("out").Select(r => r["id"]).Distinct().Count());
        Assert.True(File.Exists(In("out/mixture.json")));
        Assert.False(Directory.Exists(In("out/.mixing")));
    }

    [Fact]
    public void Rare_languages_are_raised_as_far_as_epochs_allow()
    {
        Corpus("web", Rows("web", "en", 900), Rows("web", "ko", 100));
        var report = Mix(new MixRecipe(Tokens: 60_000, Alpha: 0, MaxEpochs: 2.5));
        var korean = report.Components.Single(c => c.Language == "ko");
        Assert.Equal((0.5, 25_000, 2.5), (korean.Asked, korean.Taken, korean.Epochs));
        Assert.Equal(35_000, report.Components.Single(c => c.Language == "en").Taken);
        Assert.Contains(report.Notices, n => n.StartsWith("web, ko: 50.0", StringComparison.Ordinal));
        var times = Read("out").Where(r => (string?)r["language"] == "ko").GroupBy(r => r["id"]).Select(g => g.Count()).ToList();
        Assert.Equal((100, 50, 50), (times.Count, times.Count(t => t == 2), times.Count(t => t == 3)));
    }

    [Fact]
    public void Order_of_inputs_threads_and_row_order_change_nothing()
    {
        Corpus("a", Rows("a", "en", 200), Rows("a", "ko", 50));
        Corpus("b", Rows("b", "en", 150), Rows("b", "sw", 30));
        var recipe = new MixRecipe(Tokens: 50_000, Alpha: 0.3);
        Mix(recipe, "one", ["a", "b"], threads: 1);
        Corpus("a", Rows("a", "ko", 50).AsEnumerable().Reverse(), Rows("a", "en", 200));
        Mix(recipe, "two", ["b", "a"], threads: 2);
        Assert.Equal(File.ReadAllBytes(In("one/documents/00000.parquet")), File.ReadAllBytes(In("two/documents/00000.parquet")));
        Assert.Equal(File.ReadAllText(In("one/mixture.json")), File.ReadAllText(In("two/mixture.json")));
        Mix(recipe, "three", ["a", "b"], seed: 8);
        Assert.NotEqual(File.ReadAllBytes(In("one/documents/00000.parquet")), File.ReadAllBytes(In("three/documents/00000.parquet")));
    }

    [Fact]
    public void The_shuffle_mixes_sources_and_epochs_evenly()
    {
        Corpus("web", Rows("a", "en", 500), Rows("b", "en", 500));
        Mix(new MixRecipe(Tokens: 150_000));
        var sources = Read("out").Select(r => (string?)r["dump"]).ToList();
        Assert.Equal(1500, sources.Count);
        foreach (var part in sources.Chunk(500)) Assert.InRange(part.Count(s => s == "a"), 200, 300);
        var seen = Read("out").Take(500).Select(r => r["id"]).Distinct().Count();
        Assert.InRange(seen, 350, 480);                                  // neither all of one epoch first, nor always the same
    }

    [Fact]
    public void AI_made_text_never_exceeds_its_share()
    {
        Corpus("web", Rows("a", "en", 300), Rows("b", "en", 700, provenance: "ai"));
        var report = Mix(new MixRecipe(Tokens: 50_050, MaxAiShare: 0.1));
        Assert.InRange(report.AiShare, 0.09, 0.1);
        Assert.InRange(report.Taken, 49_950, 50_250);
        Assert.Equal(0, Mix(new MixRecipe(Tokens: 20_000, MaxAiShare: 0), "none").AiShare);
        Assert.Equal(0.7, Mix(new MixRecipe(), "all").AiShare, 6);
    }

    [Fact]
    public void Quality_buckets_and_rehydration_read_their_columns()
    {
        Corpus(
            "web",
            Rows("a", "en", 100, quality: 0.1),
            Rows("b", "en", 100, quality: 0.5),
            Rows("c", "en", 100, quality: 0.9, cluster: 3)
        );
        var report = Mix(new MixRecipe(QualityEdges: [0.3, 0.5], QualityWeights: [0, 1, 1], Tokens: 20_000));
        Assert.Equal(["<0.3", "≥0.5", "≥0.5"], report.Components.Select(c => c.Quality));
        Assert.Equal([0, 10_000, 10_000], report.Components.Select(c => c.Taken));

        var watered = Mix(new MixRecipe(Rehydrate: true), "watered");
        Assert.Equal([10_000, 10_000, 30_000], watered.Components.Select(c => c.Available));
        Assert.Equal(500, watered.TakenDocuments);
    }

    [Fact]
    public void Tokens_that_are_not_counted_are_estimated_and_said_to_be()
    {
        Corpus("web", Rows("a", "en", 100, tokens: null));
        var report = Mix(new MixRecipe());
        var bytes = Read("web").Sum(r => (System.Text.Encoding.UTF8.GetByteCount((string)r["text"]!) + 3) / 4);
        Assert.Equal((bytes, 0L, 100L), (report.Taken, report.Counted, report.Estimated));
        Assert.Contains(report.Notices, n => n.Contains("UTF-8 bytes over 4", StringComparison.Ordinal));
    }

    [Fact]
    public void Columns_are_kept_and_those_an_input_lacks_are_null_there()
    {
        Corpus("web", Rows("a", "en", 10));
        WriteParquet("plain.parquet", [new DataField<string>("text"), new DataField<int>("rank")], (g, f) =>
            f.Name == "text" ? g.WriteAsync(f, new[] { "one text", "another" }) : g.WriteAsync<int>(f, new[] { 7, 8 }));
        var report = Mix(new MixRecipe(), inputs: ["web", "plain.parquet"]);
        var rows = Read("out");
        Assert.Equal(
            ["text", "id", "dump", "language", "token_count", "cluster_size", "provenance", "quality_score", "rank"],
            rows[0].Keys
        );
        Assert.Equal([7, 8], rows.Where(r => r["id"] is null).Select(r => (int)r["rank"]!).Order());
        Assert.Equal(10, rows.Count(r => r["rank"] is null && (string?)r["provenance"] == "human" && (long?)r["token_count"] == 100));
        Assert.Equal(["a", "plain"], report.SourceShares.Keys);
    }

    [Fact]
    public void In_how_many_pieces_the_shuffle_is_sorted_changes_nothing()
    {
        Assert.Equal(Shuffled(expectedBytes: 0), Shuffled(expectedBytes: 1e9));
        Assert.Empty(Directory.GetDirectories(_folder.Path));

        List<byte> Shuffled(double expectedBytes)
        {
            using var buckets = new ShuffleBuckets(In("buckets"), expectedBytes);
            var random = new StableRandom(3);
            for (var i = 0; i < 5000; i++) buckets.Add(random.NextUInt64() & 0xFFF0_0000_0000_0000, [(byte)i, (byte)(i >> 8)]);
            return [.. buckets.InOrder().SelectMany(row => row.ToArray())];
        }
    }

    [Fact]
    public void What_a_killed_run_left_is_removed_and_what_is_someone_elses_is_not()
    {
        Corpus("web", Rows("a", "en", 10));
        Directory.CreateDirectory(In("out/.mixing/buckets"));
        File.WriteAllText(In("out/.mixing/buckets/00000"), "half a row");
        Assert.Equal(10, Mix(new MixRecipe()).TakenDocuments);
        Directory.CreateDirectory(In("notes"));
        File.WriteAllText(In("notes/mine.txt"), "keep");
        Assert.Throws<UserErrorException>(() => Mix(new MixRecipe(), "notes"));
        Assert.True(File.Exists(In("notes/mine.txt")));
    }

    [Fact]
    public void Shards_are_cut_by_their_text()
    {
        Corpus("web", Enumerable.Range(0, 400).Select(i => new Row($"big{i}", "a", "en", 2000, 0, "", 1)));
        var report = Mix(new MixRecipe(ShardMegabytes: 1));
        Assert.Equal(["documents/00000.parquet", "documents/00001.parquet", "documents/00002.parquet"], report.Files);
        Assert.Equal(400, Read("out").Select(r => r["id"]).Distinct().Count());
    }

    [Theory]
    [InlineData("missing", "does not exist")]
    [InlineData("broken.parquet", "is not a Parquet file that can be read")]
    [InlineData("other.parquet", "no column text")]
    public void What_is_no_corpus_is_refused_and_nothing_is_left(string input, string says)
    {
        File.WriteAllText(In("broken.parquet"), "PAR1 but not really");
        WriteParquet("other.parquet", [new DataField<int>("rank")], (g, f) => g.WriteAsync<int>(f, new[] { 7, 8 }));
        Assert.Contains(
            says,
            Assert.Throws<UserErrorException>(() => Mix(new MixRecipe(), inputs: [input])).Message,
            StringComparison.Ordinal
        );
        Assert.False(Directory.Exists(In("out")));
    }

    [Fact]
    public void A_budget_out_of_reach_and_columns_that_are_missing_are_refused()
    {
        Corpus("web", Rows("a", "en", 100));
        Assert.Contains("no more than 40,000", Refusal(new MixRecipe(Tokens: 40_001)), StringComparison.Ordinal);
        Assert.Contains(
            "no input has a column edu_score",
            Refusal(new MixRecipe(QualityColumn: "edu_score", QualityEdges: [0.5])),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "named twice",
            Assert.Throws<UserErrorException>(() => Mix(new MixRecipe(), inputs: ["web", "web"])).Message,
            StringComparison.Ordinal
        );
        WriteParquet("plain.parquet", [new DataField<string>("text")], (g, f) => g.WriteAsync(f, new[] { "one", "two" }));
        Assert.Contains(
            "rehydrate",
            Assert.Throws<UserErrorException>(() => Mix(new MixRecipe(Rehydrate: true), inputs: ["plain.parquet"])).Message,
            StringComparison.Ordinal
        );
        Assert.False(Directory.Exists(In("out")));
        Assert.Contains(
            Mix(new MixRecipe(Tokens: 60_000, MaxEpochs: 6)).Notices,
            n => n.Contains("repeated 6 times", StringComparison.Ordinal)
        );
        Assert.Contains("already holds files", Refusal(new MixRecipe()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_column_in_one_input_and_a_number_in_another_are_refused()
    {
        Corpus("web", Rows("a", "en", 10));
        WriteParquet(
            "odd.parquet",
            [new DataField<string>("text"), new DataField<int>("language")],
            (g, f) => f.Name == "text" ? g.WriteAsync(f, new[] { "one", "two" }) : g.WriteAsync<int>(f, new[] { 7, 8 })
        );
        Assert.Contains(
            "column language is",
            Assert.Throws<UserErrorException>(() => Mix(new MixRecipe(), inputs: ["web", "odd.parquet"])).Message,
            StringComparison.Ordinal
        );
    }

    private string Refusal(MixRecipe recipe) => Assert.Throws<UserErrorException>(() => Mix(recipe)).Message;

    private MixReport Mix(MixRecipe recipe, string output = "out", string[]? inputs = null, ulong seed = 7, int? threads = null) =>
        CorpusMix.Run([.. (inputs ?? ["web"]).Select(In)], recipe, In(output), seed, threads, CorpusFixture.NoProgress, default);

    private static Row[] Rows(
        string dump,
        string language,
        int count,
        long? tokens = 100,
        double quality = 0.5,
        string provenance = "human",
        int cluster = 1
    ) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new Row($"{dump}-{language}-{i}", dump, language, tokens, quality, provenance, cluster)),
        ];

    private void Corpus(string name, params IEnumerable<Row>[] parts)
    {
        var rows = parts.SelectMany(p => p).ToArray();
        Directory.CreateDirectory(In(name));
        WriteParquet(
            Path.Combine(name, "documents.parquet"),
            [
                new DataField<string>("text"),
                new DataField<string>("id"),
                new DataField<string>("dump"),
                new DataField<string>("language"),
                new DataField<long?>("token_count"),
                new DataField<double>("quality_score"),
                new DataField<string>("provenance"),
                new DataField<int>("cluster_size"),
            ],
            (group, field) =>
                field.Name switch
                {
                    "text" => group.WriteAsync(
                        field,
                        rows.Select(r => string.Join(' ', Enumerable.Repeat(r.Id, (int)(r.Tokens ?? 60) / 2))).ToArray()
                    ),
                    "id" => group.WriteAsync(field, rows.Select(r => r.Id).ToArray()),
                    "dump" => group.WriteAsync(field, rows.Select(r => r.Dump).ToArray()),
                    "language" => group.WriteAsync(field, rows.Select(r => r.Language).ToArray()),
                    "token_count" => group.WriteAsync<long>(field, rows.Select(r => r.Tokens).ToArray()),
                    "quality_score" => group.WriteAsync<double>(field, rows.Select(r => r.Quality).ToArray()),
                    "provenance" => group.WriteAsync(field, rows.Select(r => r.Provenance).ToArray()),
                    _ => group.WriteAsync<int>(field, rows.Select(r => r.Cluster).ToArray()),
                }
        );
    }

    private void WriteParquet(string name, DataField[] fields, Func<ParquetRowGroupWriter, DataField, Task> write)
    {
        WriteAsync().GetAwaiter().GetResult();

        async Task WriteAsync()
        {
            await using var stream = File.Create(In(name));
            await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), stream);
            using var group = writer.CreateRowGroup();
            foreach (var field in fields) await write(group, field);
        }
    }

    private List<Dictionary<string, object?>> Read(string corpus)
    {
        var rows = new List<Dictionary<string, object?>>();
        foreach (var file in CorpusTables.FilesOf(In(corpus)))
        {
            using var table = ParquetTable.Open(file);
            for (var group = 0; group < table.Groups; group++)
            {
                var values = table.Columns.Select(c => (c.Name, Values: table.Values(group, c))).ToList();
                for (var i = 0; i < table.Rows(group); i++) rows.Add(values.ToDictionary(v => v.Name, v => v.Values.GetValue(i)));
            }
        }
        return rows;
    }

    private string In(string name) => Path.Combine(_folder.Path, name);
}
