using Dolmen.Data.Deduplication;

namespace Dolmen.Tests.Data.Deduplication;

public class IncrementalIndex
{
    [Fact]
    public void Crawls_added_one_after_another_cluster_as_all_at_once()
    {
        var documents = NearDuplicateSearch.Families(new Random(2), 40).OrderBy(d => d.Day).ToArray();
        using var shards = new SignatureShards();
        var days = documents.Chunk(documents.Length / 3 + 1).ToArray();
        foreach (var part in days) shards.Add(part);
        var expected = shards.Clustered();

        var index = Path.Combine(shards.Folder, "index");
        Dictionary<string, (string, int, ulong)> actual = new(StringComparer.Ordinal);
        for (var i = 0; i < days.Length; i++)
        {
            using var earlier = DuplicateIndex.Open(index, shards.Settings, $"crawl {i}");
            string[] files = [Path.Combine(shards.Folder, $"{i}.signatures")];
            var pairs = earlier.Find(files, Path.Combine(shards.Folder, "out"), shards.Scratch, 1 << 14);
            using (var clusters = Clusters.Of(pairs, o => o >= earlier.Documents || earlier.Kept(o)))
                for (var o = 0; o < pairs.Documents; o++)
                    actual[shards.Documents[o].Id] = (
                        shards.Documents[(int)clusters.SurvivorOf(o)].Id,
                        clusters.SizeOf(o),
                        clusters.IdOf(o)
                    );
            earlier.Add(Crawl($"crawl {i}", i), files, pairs, _ => true, shards.Scratch, 1 << 14);
        }
        Assert.Equal(expected, actual);
        Assert.Single(Directory.GetDirectories(index, "generation-*"));
    }

    private static IndexedCrawl Crawl(string inputs, int request) => new(inputs, $"{request:x8}", 0, 0);

    [Fact]
    public void Documents_of_the_index_stay_rather_than_new_ones_even_when_those_are_older()
    {
        var set = Enumerable.Range(1, 100).Select(i => (uint)i * 2654435761).ToArray();
        using var shards = new SignatureShards();
        shards.Add([new("known", set, Day: 20)]).Add([new("late", set, Day: 1), new("copy", set, Day: 1, Text: "known")]);
        var path = Path.Combine(shards.Folder, "index");
        var output = Path.Combine(shards.Folder, "out");
        string[] first = [Path.Combine(shards.Folder, "0.signatures")], second = [Path.Combine(shards.Folder, "1.signatures")];
        using (var empty = DuplicateIndex.Open(path, shards.Settings, "first"))
            empty.Add(Crawl("first", 1), first, empty.Find(first, output, shards.Scratch, 1 << 20), _ => true, shards.Scratch, 1 << 20);
        using var index = DuplicateIndex.Open(path, shards.Settings, "second");
        using var clusters = Clusters.Of(index.Find(second, output, shards.Scratch, 1 << 20), _ => true);
        Assert.Equal([0, 0, 0], new[] { 0L, 1, 2 }.Select(clusters.SurvivorOf));
    }
}
