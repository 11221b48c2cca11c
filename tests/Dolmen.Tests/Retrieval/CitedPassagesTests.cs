using Dolmen.Retrieval;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Retrieval;

public class CitedPassagesTests
{
    private static readonly FoundPassage[] Found = [.. SmallIndex.Passages.Select(passage => new FoundPassage(passage, 1))];

    [Theory]
    [InlineData("The letters are A and so on.", "b")]
    [InlineData("About letters and letters, and what follows.", "a")]
    [InlineData("numbers", "c")]
    [InlineData("`Numbers`", "c")]
    [InlineData("Two and letters of other things.", null)]
    [InlineData("elephants", null)]
    [InlineData("...", null)]
    [InlineData("", null)]
    [InlineData("The documents do not say.", null)]
    public void An_answer_was_taken_from_the_passage_that_it_shares_words_with(string answer, string? id) =>
        Assert.Equal(id, CitedPassages.From(answer, Found)?.Passage.Id);

    [Fact]
    public void All_passages_are_named_unless_the_answer_is_a_refusal()
    {
        Assert.Equal(["b", "a", "c"], CitedPassages.Of("letters are A", Found).Select(found => found.Passage.Id));
        Assert.Empty(CitedPassages.Of("the documents do not say", Found));
    }
}
