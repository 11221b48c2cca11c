using Dolmen.Artifacts;
using Dolmen.Data.Deduplication;

namespace Dolmen.Tests.Data.Deduplication;

public class NearDuplicateSearch
{
    [Theory]
    [InlineData(90, 0.99, 1.0)]
    [InlineData(50, 0.0, 0.1)]
    public void Injected_near_duplicates_are_found_by_how_alike_they_are(int percent, double least, double most)
    {
        var random = new Random(percent);
        var couples = Enumerable.Range(0, 1000).Select(_ => SignatureShards.Couple(random, percent)).ToArray();
        using var shards = new SignatureShards();
        shards.Add(couples.Select((c, i) => new Made($"a{i}", c.A))).Add(couples.Select((c, i) => new Made($"b{i}", c.B)));
        var clusters = shards.Clustered();
        var found = Enumerable.Range(0, 1000).Count(i => clusters[$"a{i}"].Cluster == clusters[$"b{i}"].Cluster);
        Assert.InRange(found / 1000.0, least, most);
    }

    [Fact]
    public void Clusters_are_the_same_whatever_the_order_the_shards_the_threads_and_the_memory()
    {
        var documents = Families(new Random(1), 60);
        using var one = new SignatureShards();
        var expected = one.Add(documents).Clustered();
        Assert.Contains(expected.Values, v => v.Size > 3);
        for (var seed = 0; seed < 4; seed++)
        {
            var shuffled = documents.ToArray();
            new Random(seed).Shuffle(shuffled);
            using var many = new SignatureShards();
            foreach (var part in shuffled.Chunk(17 + (seed * 30))) many.Add(part);
            many.Add([]);
            Assert.Equal(expected, many.Clustered(memory: seed == 0 ? 1 << 12 : 1 << 24, threads: 1 + seed));
            Assert.Empty(
                Directory.GetFiles(many.Scratch.Replace("scratch", "", StringComparison.Ordinal), "*.run", SearchOption.AllDirectories)
            );
        }
    }

    [Fact]
    public void The_oldest_survives_and_only_kept_documents_count()
    {
        var set = Enumerable.Range(1, 100).Select(i => (uint)i * 2654435761).ToArray();
        using var shards = new SignatureShards();
        shards.Add([new("young", set, Day: 9), new("old", set, Day: 2), new("copy", set, Day: 5, Text: "old"), new("other", [7, 8, 9])]);
        var all = shards.Clustered();
        Assert.Equal(("old", 3), (all["young"].Survivor, all["young"].Size));
        Assert.Equal(("other", 1), (all["other"].Survivor, all["other"].Size));
        // The copy takes part through the one that stood for its text, even when a filter (on the URL, say) drops that one.
        var less = shards.Clustered(id => id != "old");
        Assert.Equal(("copy", 2), (less["young"].Survivor, less["young"].Size));
        Assert.False(less.ContainsKey("old"));
        // What a dropped document alone joined falls apart.
        Assert.Equal(1, shards.Clustered(id => id is "young" or "other")["young"].Size);
    }

    [Fact]
    public void A_giant_bucket_costs_a_few_comparisons_a_document()
    {
        var set = Enumerable.Range(1, 50).Select(i => (uint)i * 2654435761).ToArray();
        using var shards = new SignatureShards();
        shards.Add(Enumerable.Range(0, 2000).Select(i => new Made($"d{i}", set)));
        var pairs = shards.Find();
        Assert.InRange(pairs.Candidates, 1999, 2000 * 8);
        Assert.All(shards.Clustered().Values, v => Assert.Equal(2000, v.Size));
    }

    [Fact]
    public void Forty_thousand_copies_of_one_text_are_one_cluster()
    {
        using var shards = new SignatureShards();
        var copy = new Made("same", [1, 2, 3]);
        shards.Add(Enumerable.Repeat(copy, 40_000)).Add([new("empty", []), new("word", [5])]);
        var pairs = shards.Find(memory: 1 << 20);
        Assert.Equal(39_999, pairs.ExactCopies);
        Assert.Equal(0, pairs.Candidates);
        using var clusters = Clusters.Of(pairs, _ => true);
        Assert.Equal(40_000, clusters.SizeOf(77));
        Assert.Equal(1, clusters.SizeOf(40_000));
    }

    [Fact]
    public void Without_a_threshold_every_pair_that_shares_a_bucket_is_a_duplicate()
    {
        var random = new Random(4);
        using var shards = new SignatureShards(new(MinJaccard: null));
        for (var i = 0; i < 300; i++)
        {
            var (a, b) = SignatureShards.Couple(random, 60);
            shards.Add([new($"a{i}", a), new($"b{i}", b)]);
        }
        Assert.InRange(shards.Find().NearPairs, 300 * 0.12, 300 * 0.32);
    }

    [Fact]
    public void Signatures_of_another_shape_are_refused()
    {
        using var shards = new SignatureShards();
        shards.Add([new("a", [1])]);
        var file = Path.Combine(shards.Folder, "0.signatures");
        var error = Assert.Throws<UserErrorException>(() => new SignatureReader(file, new MinHashSettings(20, 13)));
        Assert.Contains("another MinHash shape", error.Message, StringComparison.Ordinal);
        File.WriteAllBytes(file, new byte[100]);
        Assert.Throws<UserErrorException>(() => new SignatureReader(file, new MinHashSettings()));
    }

    [Fact]
    public void A_signature_file_that_was_not_completed_leaves_nothing()
    {
        using var shards = new SignatureShards();
        using (new SignatureWriter(Path.Combine(shards.Folder, "x"), new())) { }
        Assert.Empty(Directory.GetFiles(shards.Folder));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    [InlineData(4, 3)]
    [InlineData(5, 5)]
    [InlineData(99, 5)]
    [InlineData(100, 8)]
    [InlineData(999, 8)]
    [InlineData(1000, 1)]
    [InlineData(double.NaN, 1)]
    public void Rehydration_follows_FineWeb_2(double size, int weight) => Assert.Equal(weight, Rehydration.Weight(size));

    /// <summary>Chains of variants, each 90 % like the one before, some of them copies.</summary>
    internal static List<Made> Families(Random random, int count)
    {
        var documents = new List<Made>();
        for (var family = 0; family < count; family++)
        {
            var set = SignatureShards.Couple(random, 100).A;
            for (var member = 0; member < 1 + (family % 7); member++)
            {
                documents.Add(new($"{family}-{member}", set, 1 + random.Next(28), member % 3 == 2 ? $"{family}-0" : null));
                set = [.. set.Skip(5), .. Enumerable.Range(0, 5).Select(_ => (uint)random.NextInt64(1L << 32))];
            }
        }
        return documents;
    }
}
