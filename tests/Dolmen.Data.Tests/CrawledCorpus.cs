using System.Text.Json;
using Dolmen.Data;
using Dolmen.Data.Building;
using Dolmen.Data.Cleaning;
using Dolmen.Tests.Data.Cleaning;

namespace Dolmen.Tests.Data;

/// <summary>What a crawl or a table gives the index and the questions.</summary>
public class CrawledCorpus
{
    private static readonly CorpusRecipe Recipe = new(HeldOutFraction: 0.3, MinAlignmentEntries: 10, MaxConversations: 200);

    private static CorpusFixture Pages(Func<int, Dictionary<string, string>> fields)
    {
        var fixture = new CorpusFixture();
        var rows = Enumerable.Range(0, 40).Select(page =>
        {
            var row = fields(page);
            if (!row.ContainsKey("text")) row["text"] = Page(page);
            return JsonSerializer.Serialize(row);
        });
        return fixture.File("pages.jsonl", string.Join('\n', rows));
    }

    private static string Page(int page) =>
        $"# Kiln {page}\n\nA kiln of kind {page} wants care.\n\n" + string.Join(
            "\n\n",
            Enumerable.Range(0, 4).Select(i =>
                $"## Inspection of lid {page * 4 + i}\n\nThe lid {page * 4 + i} of kiln {page} is looked at in month {i + 1}.")
        );

    private static CorpusResult Build(CorpusFixture fixture, CorpusRecipe? recipe = null) =>
        CorpusBuild.Run(
            recipe ?? Recipe,
            [fixture.Input],
            fixture.Output,
            0,
            CleaningRecipe.Gentle,
            CleaningRun.Default,
            CorpusFixture.NoProgress,
            CancellationToken.None
        ) ?? throw new InvalidOperationException("Not finished.");

    private static string Text(System.Text.Json.Nodes.JsonNode? node) => (string?)node ?? "";

    [Fact]
    public void What_is_asked_about_held_out_pages_is_in_the_index()
    {
        using var fixture = Pages(page => new() { ["id"] = $"page-{page}", ["url"] = $"https://kilns.example/{page}.html" });
        Build(fixture);
        var asked = fixture.Rows("open-book.jsonl").Select(row => Text(row["id"])).ToList();
        var passages = fixture.Rows("passages.jsonl").ToDictionary(row => Text(row["id"]), row => Text(row["source"]));
        Assert.NotEmpty(asked);
        Assert.All(asked, id => Assert.Contains(id, passages));
        var placed = passages.Where(passage => passage.Value.StartsWith("https", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(placed);
        Assert.All(placed, passage => Assert.StartsWith(
            $"page-{Path.GetFileNameWithoutExtension(passage.Value)}#", passage.Key, StringComparison.Ordinal));
    }

    [Fact]
    public void Rows_without_an_address_are_told_apart_by_their_ids()
    {
        using var fixture = Pages(page => new() { ["text"] = CorpusBuilds.Prose(page) });
        Build(fixture, Recipe with { HeldOutFraction = 0 });
        var passages = fixture.Rows("passages.jsonl").ToList();
        Assert.Contains("input/pages.jsonl#7#1", passages.Select(row => Text(row["id"])));
        Assert.Contains("input/pages.jsonl#7, part 1", passages.Select(row => Text(row["title"])));
        Assert.All(passages, row => Assert.Equal("input/pages.jsonl", Text(row["source"])));
        Assert.DoesNotContain(passages, row => Text(row["id"]).Contains('^', StringComparison.Ordinal));
    }

    [Fact]
    public void Rows_of_one_id_are_told_apart_and_asked_about_by_theirs()
    {
        using var fixture = Pages(_ => new() { ["id"] = "same" });
        Build(fixture, Recipe with { HeldOutFraction = 0 });
        var ids = fixture.Rows("passages.jsonl").Select(row => Text(row["id"])).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.Contains("same#", ids);
        Assert.Contains("same^40#", ids);
    }

    [Fact]
    public void Sentences_of_crawled_pages_are_not_measured_by_either()
    {
        using var fixture = Pages(page => page % 2 == 0 ? new() : new() { ["text"] = CorpusBuilds.Prose(page) });
        Build(fixture);
        var fields = fixture.Rows("open-book.jsonl").Select(row => Text(row["field"])).ToList();
        Assert.NotEmpty(fields);
        Assert.DoesNotContain("cloze", fields);
    }

    [Fact]
    public void Held_out_pages_are_indexed_first_and_what_does_not_fit_is_counted()
    {
        using var fixture = Pages(page => new() { ["id"] = $"page-{page}" });
        Build(fixture);
        var heldOut = fixture.Rows("heldout.jsonl").ToList();
        var chars = heldOut.Sum(row => Text(row["text"]).Length);
        var read = Read(chars + Page(0).Length + 20);
        var sections = read.Read().ToList();
        var pages = sections.Select(section => section.Id.Split('#')[0]).Distinct().ToList();
        Assert.InRange(heldOut.Count, 1, 39);
        Assert.Equal(heldOut.Select(row => Text(row["id"])), pages.Take(heldOut.Count));
        Assert.Equal((heldOut.Count + 1, 40 - pages.Count), (pages.Count, read.NotIndexed));
        Assert.Equal((40, (long)chars), (read.Count + read.HeldOutCount, read.HeldOutChars));

        // What is not indexed is asked about, and reading it can be stopped.
        Assert.Equal(read.Training.Select(section => section.Id), Unindexed(out var none).Select(section => section.Id));
        Assert.Equal(40, none.NotIndexed);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => Read(0, stop.Token).Read().Count());

        CrawledDocuments Read(long most, CancellationToken token = default) => new(fixture.Output, null, 1000, token, most);

        IReadOnlyList<Dolmen.Data.Readers.Entry> Unindexed(out CrawledDocuments unindexed)
        {
            unindexed = Read(0);
            Assert.Empty(unindexed.Read());
            return unindexed.Training;
        }
    }
}
