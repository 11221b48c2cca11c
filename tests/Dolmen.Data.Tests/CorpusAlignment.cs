using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Building;
using Parquet;

namespace Dolmen.Tests.Data;

public class CorpusAlignment
{
    private static readonly CorpusRecipe Tenth = new(HeldOutFraction: 0.1);

    [Fact]
    public void Held_out_members_are_nowhere_in_training()
    {
        using var fixture = new CorpusFixture().ManyMembers();
        var report = fixture.Build(Tenth);
        Assert.InRange(report.HeldOut, 10, 80);
        CorpusChecks.HeldOutIsUnseen(fixture.Output);
    }

    [Fact]
    public void Multiple_choice_items_have_four_texts_and_one_answer()
    {
        using var fixture = new CorpusFixture().ManyMembers();
        fixture.Build(Tenth);
        Assert.NotEmpty(fixture.Rows("multiple-choice.jsonl"));
        CorpusChecks.MultipleChoiceIsSound(fixture.Output);
    }

    [Fact]
    public void Invented_names_are_not_real_and_those_of_the_evaluation_are_not_in_training()
    {
        using var fixture = new CorpusFixture().ManyMembers();
        fixture.Build(Tenth with { OpenBookFraction = 0 });
        CorpusChecks.InventedNamesAreInvented(fixture.Output);
        var refusals = fixture
            .Rows("conversations.jsonl")
            .Count(r => (string?)r["messages"]?[1]?["content"] is { } a && a.StartsWith("I don't know", StringComparison.Ordinal));
        Assert.InRange(refusals / (double)fixture.Rows("conversations.jsonl").Count(), 0.08, 0.16);
    }

    [Fact]
    public void Preferences_differ_in_every_pair()
    {
        using var fixture = new CorpusFixture().ManyMembers();
        fixture.Build(Tenth);
        var pairs = fixture.Rows("preferences.jsonl").ToList();
        Assert.NotEmpty(pairs);
        Assert.All(pairs, p => Assert.NotEqual((string?)p["chosen"], (string?)p["rejected"]));
        Assert.Contains(pairs, p => ((string?)p["chosen"] ?? "").StartsWith("I don't know", StringComparison.Ordinal));
        Assert.Contains(pairs, p => ((string?)p["rejected"] ?? "").StartsWith("I don't know", StringComparison.Ordinal));
    }

    [Fact]
    public void The_same_input_and_seed_give_the_same_bytes()
    {
        using var one = new CorpusFixture().ManyMembers(8).File("b.md", "# B\nText of b.\n").File("a.md", "# A\nText of a.\n");
        using var two = new CorpusFixture().File("a.md", "# A\nText of a.\n").File("b.md", "# B\nText of b.\n").ManyMembers(8);
        var recipe = Tenth with { MinAlignmentEntries = 20 };
        one.Build(recipe, seed: 5);
        two.Build(recipe, seed: 5);
        var other = Path.Combine(two.Root, "other");
        two.Build(recipe, seed: 6, output: other);
        foreach (var file in Directory.GetFiles(one.Output).Select(f => Path.GetFileName(f)))
            Assert.Equal(StableHash.Sha256OfFile(Path.Combine(one.Output, file)), StableHash.Sha256OfFile(Path.Combine(two.Output, file)));
        Assert.NotEqual(
            StableHash.Sha256OfFile(Path.Combine(two.Output, "conversations.jsonl")),
            StableHash.Sha256OfFile(Path.Combine(other, "conversations.jsonl"))
        );
        Assert.Equal(
            StableHash.Sha256OfFile(Path.Combine(two.Output, "documents", "00000.parquet")),
            StableHash.Sha256OfFile(Path.Combine(other, "documents", "00000.parquet"))
        );
    }

    [Fact]
    public void A_small_corpus_goes_without_alignment_and_says_so()
    {
        using var fixture = new CorpusFixture().Members(("M:A.B.C", "<summary>One.</summary>"), ("M:A.B.D", "<summary>Two.</summary>"));
        var report = fixture.Build(Tenth);
        Assert.Single(report.Notices);
        Assert.Equal(1, report.HeldOut);
        Assert.Empty(fixture.Rows("conversations.jsonl"));
        Assert.Empty(fixture.Rows("multiple-choice.jsonl"));
        Assert.Equal(report.Documents, CorpusBuild.ReadReport(fixture.Output).Documents);
    }

    [Fact]
    public async Task The_parquet_file_has_the_columns_of_FineWeb()
    {
        using var fixture = new CorpusFixture().ManyMembers(3);
        fixture.Build();
        await using var reader = await ParquetReader.CreateAsync(
            Path.Combine(fixture.Output, "documents", "00000.parquet"),
            cancellationToken: TestContext.Current.CancellationToken
        );
        string[] expected = ["text", "id", "dump", "url", "date", "file_path", "language", "language_score", "token_count"];
        Assert.Empty(expected.Except(reader.Schema.DataFields.Select(f => f.Name)));
    }
}
