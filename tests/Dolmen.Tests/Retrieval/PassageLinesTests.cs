using Dolmen.Retrieval;

namespace Dolmen.Tests.Retrieval;

public class PassageLinesTests
{
    private static readonly Passage[] Passages =
    [
        new("1", "Stone.Cut(Int32 hard)", "Summary: Cuts: stone.\nhard: How hard.\nReturns: The pieces.", "a.xml"),
        new("2", "Guide > Use", "Note: this is prose.", "a.md"),
    ];

    [Theory]
    [InlineData("[1] Returns: The pieces.", 1, "The pieces.")]
    [InlineData(" [1]  Returns: The pieces. ", 1, "The pieces.")]
    [InlineData("[1] Name: Stone.Cut(Int32 hard)", 1, "Stone.Cut(Int32 hard)")]
    [InlineData("[1] hard: How hard.", 1, "How hard.")]
    [InlineData("[1] Throws: nothing", 1, "Throws: nothing")]           // the passage has no such line
    [InlineData("[2] Returns: The pieces.", 2, "Returns: The pieces.")]
    [InlineData("[3] Returns: The pieces.", 0, "[3] Returns: The pieces.")]
    [InlineData("[0] Returns: The pieces.", 0, "[0] Returns: The pieces.")]
    [InlineData("[x] Returns", 0, "[x] Returns")]
    [InlineData("[] Returns", 0, "[] Returns")]
    [InlineData("[1]", 1, "")]
    [InlineData("[1", 0, "[1")]
    [InlineData("The documents do not say.", 0, "The documents do not say.")]
    [InlineData("", 0, "")]
    public void An_answer_says_which_passage_it_cites(string answer, int passage, string text) =>
        Assert.Equal((passage, text), PassageLines.Read(answer, Passages));

    [Theory]
    [InlineData("Name", "Stone.Cut(Int32 hard)")]
    [InlineData("Summary", "Cuts: stone.")]
    [InlineData("hard", "How hard.")]
    [InlineData("har", null)]
    [InlineData("Throws", null)]
    public void A_line_is_found_by_its_label(string label, string? text) => Assert.Equal(text, PassageLines.Find(Passages[0], label));

    [Fact]
    public void A_line_of_a_prompt_is_read_back() =>
        Assert.Equal(
            (1, "The pieces."), PassageLines.Read(PassageLines.Cited(1, PassageLines.Of(PassageLines.Returns, "The pieces.")), Passages));
}
