using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Quality;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Data.Quality;

public sealed class TrainingTextsReading : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_corpus_folder_gives_its_documents()
    {
        using var fixture = new CorpusFixture().Members(
            ("T:Stones.Cairn", "<summary>A heap of stones.</summary>"),
            ("M:Stones.Cairn.Build", "<summary>Builds it.</summary>")
        );
        fixture.Build();
        var text = Assert.Single(Read(fixture.Output));
        Assert.Contains("A heap of stones.", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_without_a_text_teach_nothing_and_stop_nothing()
    {
        _folder.Write(
            "rows.jsonl",
            "{\"text\":\"one\"}",
            "not json",
            "{\"messages\":[]}",
            "{\"text\":7}",
            "",
            "{\"text\":\" \"}",
            "{\"text\":\"two\"}"
        );
        Assert.Equal(["one", "two"], Read("rows.jsonl"));
    }

    [Fact]
    public void What_teaches_nothing_is_counted_with_its_first_line()
    {
        _folder.Write(
            "rows.jsonl",
            "{\"text\":\"one\"}",
            "not json",
            "{\"messages\":[]}",
            "{\"text\":7}",
            "",
            "{\"text\":\" \"}",
            "{\"text\":\"one\"}"
        );
        var (sample, funnel) = (new TextSample(1, 1000, 1000), new Funnel());
        TrainingTexts.ForEach([In("rows.jsonl")], "--good", sample.Add, default, funnel);
        Assert.Equal(
            "2 texts read, 1 used, 1 dropped (conversation-row), 1 dropped (duplicate-or-beyond-budget), 1 dropped (row-without-text), 1 "
                + "dropped (text-empty), 1 dropped (unparsable-json), first broken rows.jsonl, line 2",
            TextCounts.Of(sample, funnel).ToString()
        );
    }

    [Fact]
    public void A_long_text_file_is_cut_into_documents_at_its_paragraphs()
    {
        var paragraphs = Enumerable.Range(0, 40).Select(i => string.Join(' ', Enumerable.Repeat($"word{i}", 50))).ToArray();
        File.WriteAllText(In("book.txt"), string.Join("\n\n", paragraphs));
        var pieces = Read("book.txt");
        Assert.True(pieces.Count is >= 3 and <= 8, $"{pieces.Count} pieces");
        Assert.Equal(paragraphs, pieces.SelectMany(p => p.Split("\n\n")));
        File.WriteAllText(In("line.txt"), string.Concat(Enumerable.Repeat("💎", 5000)));
        Assert.Equal(10_000, Read("line.txt").Sum(p => p.Length));
        Assert.All(Read("line.txt"), p => Assert.False(char.IsHighSurrogate(p[^1])));
    }

    [Theory]
    [InlineData("none.jsonl", "--good ")]
    [InlineData("code.cs", "Build a corpus of it first")]
    public void What_cannot_be_learnt_from_is_named(string file, string says)
    {
        _folder.Write("code.cs", "class Cairn;");
        Assert.Contains(says, Assert.Throws<UserErrorException>(() => Read(file)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"text\":\"one\"}")]
    [InlineData("{\"text\":\"one\",\"label\":\"good\"}")]
    [InlineData("{\"text\":\"one\",\"label\":6}")]
    [InlineData("{\"text\":null,\"label\":1}")]
    [InlineData("nothing")]
    public void A_labelled_row_that_is_none_is_named_by_its_line(string row)
    {
        _folder.Write("rows.jsonl", "{\"text\":\"one\",\"label\":1}", "", row);
        var error = Assert.Throws<UserErrorException>(() => TrainingTexts.ForEachLabelled(In("rows.jsonl"), (_, _) => { }, default));
        Assert.Contains("line 3", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sample_beyond_its_budget_is_the_same_in_any_order()
    {
        var texts = Enumerable.Range(0, 400).Select(i => new string((char)('a' + (i % 26)), 1 + (i * 7 % 90)) + i).ToArray();
        var (forward, backward) = (new TextSample(5, 1000, 3000), new TextSample(5, 1000, 3000));
        foreach (var text in texts) forward.Add(text);
        foreach (var text in texts.Reverse().Concat(texts)) backward.Add(text);
        Assert.Equal(forward.Texts, backward.Texts);
        Assert.InRange(forward.Texts.Sum(t => t.Length), 2500, 3000);
        Assert.Equal(800, backward.Seen);
    }

    private List<string> Read(string path)
    {
        var texts = new List<string>();
        TrainingTexts.ForEach([Path.IsPathRooted(path) ? path : In(path)], "--good", texts.Add, default);
        return texts;
    }

    private string In(string name) => Path.Combine(_folder.Path, name);
}
