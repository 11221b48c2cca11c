using Dolmen.Evaluation;
using Dolmen.Retrieval;

namespace Dolmen.Tests.Evaluation;

public class AnswerMatching
{
    [Theory]
    [InlineData("Removes all white space.", "removes  all\nwhite space", true)]
    [InlineData("`A.B()`", "`A.B()`.", true)]
    [InlineData("true", "True!", true)]
    [InlineData("Removes all white space", "Removes white space", false)]
    [InlineData("", "x", false)]
    public void Exact_ignores_case_white_space_and_punctuation_at_the_end(string answer, string right, bool exact) =>
        Assert.Equal(exact, AnswerMatch.IsExact(answer, right));

    // By hand from the definition in SQuAD's evaluation script: articles, case and punctuation do not count.
    [Theory]
    [InlineData("the Denver Broncos", "Denver Broncos", 1.0)]
    [InlineData("Broncos", "Denver Broncos", 2.0 / 3)]
    [InlineData("in the 10th century A.D.", "10th century", 2.0 * 0.5 / 1.5)]
    [InlineData("Santa Clara, California", "Levi's Stadium", 0.0)]
    [InlineData("a b b", "b c", 0.5)]
    [InlineData("", "", 1.0)]
    [InlineData("", "word", 0.0)]
    public void F1_counts_the_words_in_common(string answer, string right, double f1) =>
        Assert.Equal(f1, AnswerMatch.F1(answer, right), 1e-9);

    [Theory]
    [InlineData("summary", "What is it?", "Cuts stone.")]
    [InlineData("returns", "What is it?", "The pieces.")]
    [InlineData("parameters", "What is `hard`?", "How hard.")]
    [InlineData("parameters", "What is `soft`?", "")]
    [InlineData("exceptions", "What does it throw?", "A: none. B: broken.")]
    [InlineData("which", "Which?", "Stone.Cut(Int32 hard)")]
    public void Without_a_model_the_field_is_read_from_the_passage(string field, string question, string value)
    {
        const string text = "Summary: Cuts stone.\nhard: How hard.\nReturns: The pieces.\nThrows: A: none. B: broken.";
        Assert.Equal(value, PassageField.Of(new Passage("id", "Stone.Cut(Int32 hard)", text, "a.xml"), field, question));
    }
}
