using Dolmen.Retrieval;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Retrieval;

public class CitedPassagesTests
{
    private static readonly CitedPassages Found = Of(SmallIndex.Passages);

    private static CitedPassages Of(params Passage[] passages) => new([.. passages.Select(passage => new FoundPassage(passage, 1))]);

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
        Assert.Equal(id, Found.Of(answer).From?.Passage.Id);

    [Theory]
    [InlineData("Returns: An array of the letters.", "short")]          // most words in common
    [InlineData("[1] Returns: An array of letters.", "long")]           // the one it cites, where it has what is said
    [InlineData("[2] Returns: An array of letters.", "short")]
    [InlineData("[2] Returns: The other one.", "long")]                 // cites what does not say so
    [InlineData("[7] Returns: An array of the letters.", "short")]
    [InlineData("[1] The documents do not say.", null)]
    public void The_passage_that_an_answer_cites_comes_first(string answer, string? id)
    {
        var found = Of(
            new Passage("long", "Long", "Returns: An array of letters. The other one.", "s"),
            new Passage("short", "Short", "Returns: An array of the letters.", "s"));
        Assert.Equal(id, found.Of(answer).From?.Passage.Id);
    }

    [Theory]
    [InlineData("I know nothing of StringBuilder", false)]
    [InlineData("I know nothing of System.Text.StringBuilder.Append", false)]
    [InlineData("I know nothing of string_builder_append_value", false)]
    [InlineData("`System.Text.StringBuilder.Append(Char value)`", true)]
    [InlineData("StringBuilder", false)]
    [InlineData("It appends the string representation.", true)]
    public void A_name_is_one_word_whatever_its_parts(string answer, bool isTaken)
    {
        var append = Of(new Passage(
            "m", "System.Text.StringBuilder.Append(Char value)", "Appends the string representation to string_builder_append_value.", "s"));
        Assert.Equal(isTaken, append.Of(answer).From is not null);
    }

    [Fact]
    public void Only_what_the_model_read_counts()
    {
        var filler = string.Concat(Enumerable.Repeat("Some other words. ", 30));
        Assert.Null(Of(new Passage("long", "Title", filler + "Elephants never forget.", "s")).Of("Elephants never forget.").From);
        Assert.NotNull(Of(new Passage("short", "Title", "Elephants never forget.", "s")).Of("Elephants never forget.").From);
    }

    [Fact]
    public void Scripts_without_spaces_are_compared_by_their_signs()
    {
        var found = Of(new Passage("ja", "手引き", "索引は文書を探すためのものです。", "s"));
        Assert.NotNull(found.Of("文書を探すため。").From);
        Assert.Null(found.Of("花を探すとき。").From);
    }

    [Fact]
    public void All_passages_are_named_unless_the_answer_declines()
    {
        Assert.Equal(["b", "a", "c"], Found.Of("The letters are A").Passages.Select(found => found.Passage.Id));
        Assert.Equal(["a", "b", "c"], Found.Of("elephants are grey").Passages.Select(found => found.Passage.Id));
        Assert.Empty(Found.Of("the documents do not say").Passages);
        Assert.Empty(Found.Of("The documents don’t say what the letters are.").Passages);
        Assert.Empty(Found.Of("I don't know what the letters are.").Passages);
    }
}
