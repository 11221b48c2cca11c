using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Decontamination;
using Dolmen.Data.Deduplication;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Data.Deduplication;

public class EvaluationOverlap
{
    private const string Question = "Which of the following planets of the solar system has the largest number of known moons today";

    [Fact]
    public void A_document_that_quotes_thirteen_words_of_an_item_hits_it_and_twelve_do_not()
    {
        var index = new ContaminationIndex();
        index.Add("q1", Question);
        var words = Question.Split(' ');
        var hit = Assert.Single(index.Check("See: " + string.Join("  ", words[..13]).ToUpperInvariant() + "!", new WordBuffer()));
        Assert.Equal("q1", hit.ItemId);
        Assert.Equal(1.0 / (words.Length - 12), hit.Share);
        Assert.StartsWith("WHICH", hit.Text, StringComparison.Ordinal);
        Assert.EndsWith(words[12].ToUpperInvariant(), hit.Text, StringComparison.Ordinal);
        Assert.Empty(index.Check(string.Join(' ', words[..12]), new WordBuffer()));
    }

    [Fact]
    public void Short_items_are_looked_for_whole_and_very_short_ones_left_out()
    {
        var index = new ContaminationIndex();
        index.Add("short", "What is 12 plus 7 in decimal?");
        index.Add("tiny", "Yes or no?");
        Assert.Equal(1, index.TooShort);
        Assert.Equal(1, Assert.Single(index.Check("So: what is 12 plus 7 in decimal, he asked.", new WordBuffer())).Share);
        Assert.Empty(index.Check("what is 13 plus 7 in decimal", new WordBuffer()));
        Assert.Empty(index.Check("", new WordBuffer()));
    }

    [Fact]
    public void The_share_of_an_item_can_be_asked_for()
    {
        var half = string.Join(' ', Question.Split(' ')[..14]);
        foreach (var (least, hits) in new[] { (0.4, 1), (0.5, 0) })
        {
            var index = new ContaminationIndex(minShare: least);
            index.Add("q", Question);
            Assert.Equal(hits, index.Check(half, new WordBuffer()).Count);
        }
    }

    [Fact]
    public void Items_are_read_from_JSON_lines_and_CSV()
    {
        using var folder = new TemporaryFolder();
        folder.Write("a.jsonl", """{"id": 7, "question": "Why?", "answer": "x"}""", "", """{"foo": "one", "bar": "two"}""");
        folder.Write("b.csv", "\"A, b\",1,2,3,4,A", "C,1,2,3,4,B");
        folder.Write("c.csv", "id,question", "1,\"said \"\"hi\"\"\"");
        folder.Write("bad.jsonl", "{");
        Assert.Equal([("a.jsonl:7", "Why?"), ("a.jsonl:3", "one\ntwo")], EvaluationItems.Read(Path.Combine(folder.Path, "a.jsonl")));
        Assert.Equal([("b.csv:1", "A, b"), ("b.csv:2", "C")], EvaluationItems.Read(Path.Combine(folder.Path, "b.csv")));
        Assert.Equal([("c.csv:2", "said \"hi\"")], EvaluationItems.Read(Path.Combine(folder.Path, "c.csv")));
        Assert.Contains(
            "line 1",
            Assert.Throws<UserErrorException>(() => EvaluationItems.Read(Path.Combine(folder.Path, "bad.jsonl")).Count).Message,
            StringComparison.Ordinal
        );
        Assert.Throws<UserErrorException>(() => EvaluationItems.Read("x.txt").Count);
    }

    [Fact]
    public void Items_are_read_from_a_JSON_array_and_every_one_of_them_counts()
    {
        using var folder = new TemporaryFolder();
        folder.Write("a.json", "[", """ {"question": "Why is the sky blue over the hills today?"},""", """ {"question": "Why?"}""", "]");
        folder.Write("empty.jsonl", "");
        folder.Write("numbers.jsonl", """{"question": 7}""");
        var file = Path.Combine(folder.Path, "a.json");
        Assert.Equal(["a.json:2", "a.json:3"], EvaluationItems.Read(file).Select(item => item.Id));
        var funnel = new Funnel();
        EvaluationItems.Count([file], 13, funnel);
        Assert.Equal([new("evaluation-items", 1), new("evaluation-items-too-short", 1)], funnel.Noted);
        Assert.Contains(
            "holds no item",
            Assert.Throws<UserErrorException>(() => EvaluationItems.Read(Path.Combine(folder.Path, "empty.jsonl"))).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "line 1: the row has no text",
            Assert.Throws<UserErrorException>(() => EvaluationItems.Read(Path.Combine(folder.Path, "numbers.jsonl"))).Message,
            StringComparison.Ordinal
        );
    }
}
