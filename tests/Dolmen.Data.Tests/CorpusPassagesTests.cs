using Dolmen.Data.Building;
using Dolmen.Data.Readers;
using Dolmen.Retrieval;

namespace Dolmen.Tests.Data;

public class CorpusPassagesTests
{
    private static Entry Member(string id, string remarks = "") => new(
        id, EntryKind.Method, "Trim", "System.String", "System.String.Trim(Char trimChar)", "Removes characters.", "A string.",
        [new NamedText("trimChar", "What to remove.")], [new NamedText("ArgumentException", "It is bad.")], remarks, "", "a.xml", 0);

    [Fact]
    public void A_member_is_one_passage_with_all_that_is_said_of_it_in_labelled_lines()
    {
        var passage = Assert.Single(CorpusPassages.Of(Member("M:T")));
        Assert.Equal("System.String.Trim(Char trimChar)", passage.Title);
        Assert.Equal(
            "Summary: Removes characters.\ntrimChar: What to remove.\nReturns: A string.\nThrows: ArgumentException: It is bad.",
            passage.Text
        );
        Assert.Equal(("M:T", "a.xml"), (passage.Id, passage.Source));
    }

    [Fact]
    public void Prose_is_cut_into_pieces_that_lose_nothing()
    {
        var paragraphs = Enumerable.Range(0, 40).Select(i => $"Paragraph {i} says this. It says {i * 7} things, one after the other.");
        var text = string.Join("\n\n", paragraphs);
        var section = Entry.Prose("a.md#2", EntryKind.Section, "Use", "a.md", "Guide > Use", "First.", text, "a.md", 2);
        var pieces = CorpusPassages.Of(section).ToList();
        Assert.Equal(["a.md#2", "a.md#2~2", "a.md#2~3"], pieces.Take(3).Select(piece => piece.Id));
        Assert.All(pieces, piece => Assert.InRange(piece.Text.Length, 1, OpenBookPrompt.MaxPassageChars));
        Assert.All(pieces, piece => Assert.Equal("Guide > Use", piece.Title));
        Assert.Equal(Words($"Summary: First.\n{text}"), Words(string.Join("\n", pieces.Select(piece => piece.Text))));

        static string[] Words(string all) => all.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
    }

    [Fact]
    public void Text_without_a_place_to_cut_is_cut_between_characters()
    {
        var text = string.Concat(Enumerable.Repeat("😀", 2000));
        var passage = Entry.Prose("a#1", EntryKind.Passage, "a", "a", "a, part 1", "", text, "a", 1);
        var pieces = CorpusPassages.Of(passage).ToList();
        Assert.Equal(2000, pieces.Sum(piece => piece.Text.EnumerateRunes().Count(rune => rune.Value == 0x1F600)));
    }

    [Fact]
    public void A_heading_without_text_is_not_a_passage() =>
        Assert.Empty(CorpusPassages.Of(Entry.Prose("a#2", EntryKind.Section, "H", "a", "a > H", "", "", "a", 2)));

    [Fact]
    public void The_text_of_an_endless_member_ends_where_the_index_does() =>
        Assert.Equal(Passage.MaxTextChars, Assert.Single(CorpusPassages.Of(Member("M:T", new string('x', 100_000)))).Text.Length);
}
