using System.Text;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Mixing;
using Dolmen.Tables;
using Dolmen.Tests.Web.Warc;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Data;

/// <summary>The kind of each file decides what is done with it, whatever lies beside it.</summary>
public class MixedInputs
{
    private const string Guide = "# Guide\nWhat it is. And more.\n\n## Install\nRun the installer on your machine. Then wait.\n";
    private const string Row =
        "The old stones of the hill were raised by people who knew the land well, and they have stood there for more than five thousand "
        + "years. Every summer the visitors walk up the path to see how the light of the evening falls through the gap between the two "
        + "tallest of them. Nobody can say with certainty what the builders had in mind, but most of those who have studied the site agree "
        + "that it was a place where the dead were remembered. The capstone alone weighs as much as a small house, and it must have taken "
        + "many hands to lift it. The farmers of the valley tell that a giant carried it there in a single night. They do not believe it "
        + "themselves, of course, but they like to see the faces of the children.";

    private static CorpusFixture Documentation() => new CorpusFixture().File("guide.md", Guide).ManyMembers();

    private static string Csv(params string[] texts) => "id,text\n" + string.Concat(texts.Select((text, i) => $"{i},\"{text}\"\n"));

    [Fact]
    public void A_table_beside_documentation_changes_nothing_about_the_documentation()
    {
        using var alone = Documentation();
        var before = alone.Build(new CorpusRecipe());
        using var mixed = Documentation().File("rows.csv", Csv(Row, "too short"));
        var report = mixed.Build(new CorpusRecipe());

        var explained = CorpusText.ReadDocuments(alone.Output).ToList();
        Assert.Equal(explained, CorpusText.ReadDocuments(mixed.Output).Take(explained.Count));
        Assert.Equal(Row, Assert.Single(CorpusText.ReadDocuments(mixed.Output).Skip(explained.Count)));
        Assert.Equal(Lines(alone, CorpusFolder.HeldOut), Lines(mixed, CorpusFolder.HeldOut));
        Assert.Equal((before.Conversations, before.Known), (report.Conversations, report.Known));
        Assert.Equal(1, report.Cleaning?.Dropped.Sum(reason => reason.Value));
    }

    [Fact]
    public void The_report_says_what_was_done_with_what()
    {
        using var fixture = Documentation().File("rows.csv", Csv(Row, "too short"));
        var report = fixture.Build(new CorpusRecipe());
        var documents = CorpusText.ReadDocuments(fixture.Output).Count();
        var kinds = report.Kinds ?? [];
        Assert.Equal(
            [("documentation", 2, documents - 1L, documents - 1L, (long)report.HeldOut), ("crawls and tables", 1, 2L, 1L, 0L)],
            kinds.Select(kind => (kind.Kind, kind.Files, kind.Read, kind.Kept, kind.HeldOut))
        );
        var page = File.ReadAllText(Path.Combine(fixture.Output, CorpusFolder.ReadableReport));
        Assert.All(kinds, kind => Assert.Contains($"| {kind.Kind} | {kind.Files} |", page, StringComparison.Ordinal));
    }

    [Fact]
    public void Compressed_documentation_is_documentation()
    {
        using var plain = new CorpusFixture().File("guide.md", Guide);
        using var compressed = new CorpusFixture().File("guide.md.gz", WarcFile.Gzip(Encoding.UTF8.GetBytes(Guide)));
        plain.Build();
        var report = compressed.Build();
        Assert.Equal(plain.Documents(), compressed.Documents());
        Assert.Equal("documentation", Assert.Single(report.Kinds ?? []).Kind);
    }

    [Fact]
    public void A_file_that_is_not_compressed_as_its_name_says_is_refused()
    {
        using var fixture = new CorpusFixture().File("guide.md.gz", Guide);
        Assert.Contains("not compressed", Assert.Throws<UserErrorException>(() => fixture.Build()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_crawl_is_one_whatever_its_name_says()
    {
        var crawl = new WarcFile().Response("menhir", body: Encoding.UTF8.GetBytes(WarcFile.Page(Row)));
        using var fixture = new CorpusFixture().File("sample.txt", crawl.Bytes());
        var report = fixture.Build();
        Assert.Equal(("crawls and tables", 1), (Assert.Single(report.Kinds ?? []).Kind, report.Documents));
        Assert.Equal(Row, fixture.Documents());
    }

    [Fact]
    public void Copies_are_found_across_kinds()
    {
        using var fixture = new CorpusFixture().File("story.txt", Row).File("guide.md", Guide).File("rows.csv", Csv(Row));
        var report = fixture.Build();
        Assert.Equal(1, report.Cleaning?.Dropped["dedup.exact"]);
        Assert.Equal(2, report.Documents);
    }

    [Fact]
    public void Tokens_are_counted_and_mixing_goes_by_them()
    {
        using var fixture = Documentation().File("rows.csv", Csv(Row));
        var report = fixture.Build(new CorpusRecipe());
        var tokenizer = VocabularySource.Open(CorpusRecipe.DefaultTokenizer);
        long sum = 0;
        foreach (var path in CorpusTables.FilesOf(fixture.Output))
        {
            using var table = ParquetTable.Open(path);
            for (var group = 0; group < table.Groups; group++)
            {
                var texts = table.Strings(group, table.Find("text"));
                var counts = table.Numbers(group, table.Find("token_count"));
                Assert.Equal(texts.Select(text => (double)tokenizer.Encode(text).Length), counts);
                sum += (long)counts.Sum();
            }
        }
        Assert.Equal((sum, CorpusRecipe.DefaultTokenizer), (report.Cleaning?.Tokens, report.Tokenizer));

        var mixture = CorpusMix.Run(
            [fixture.Output],
            new MixRecipe(Tokens: sum / 2),
            Path.Combine(fixture.Root, "mixture"),
            0,
            1,
            CorpusFixture.NoProgress,
            CancellationToken.None
        );
        Assert.Equal((sum, 0L), (mixture.Available, mixture.Estimated));
        Assert.InRange(mixture.Taken, sum * 0.4, sum * 0.6);
    }

    [Fact]
    public void Another_vocabulary_counts_otherwise_and_none_counts_nothing()
    {
        using var fixture = new CorpusFixture().File("guide.md", Guide);
        var other = fixture.Build(new CorpusRecipe(HeldOutFraction: 0, Tokenizer: "gpt2"), output: Path.Combine(fixture.Root, "other"));
        var text = string.Concat(CorpusText.ReadDocuments(Path.Combine(fixture.Root, "other")));
        Assert.Equal(VocabularySource.Open("gpt2").Encode(text).Length, other.Cleaning?.Tokens);
        Assert.Null(fixture.Build(new CorpusRecipe(HeldOutFraction: 0, Tokenizer: null)).Cleaning?.Tokens);
    }

    private static SortedSet<string> Lines(CorpusFixture fixture, string file) =>
        new(fixture.Rows(file).Select(row => row.ToJsonString()), StringComparer.Ordinal);
}
