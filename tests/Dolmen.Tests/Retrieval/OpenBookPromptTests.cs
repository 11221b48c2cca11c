using Dolmen.Retrieval;

namespace Dolmen.Tests.Retrieval;

public class OpenBookPromptTests
{
    private static Passage Of(string title, string text) => new(title, title, text, "");

    [Fact]
    public void Passages_come_first_each_under_its_title_and_the_question_last() =>
        Assert.Equal(
            "## A\nfirst\n\n## B\nsecond\nline\n\nWhat is A?",
            OpenBookPrompt.Of([Of("A", "first\n"), Of("B", "second\nline\n")], "What is A?")
        );

    [Fact]
    public void Without_passages_the_question_stands_alone() => Assert.Equal("What is A?", OpenBookPrompt.Of([], "What is A?"));

    [Fact]
    public void A_long_passage_ends_with_a_sentence()
    {
        var sentence = "This is a sentence of forty-one letters. ";
        var prompt = OpenBookPrompt.Of([Of("A", string.Concat(Enumerable.Repeat(sentence, 100)))], "Q");
        Assert.InRange(prompt.Length, OpenBookPrompt.MaxPassageChars - sentence.Length, OpenBookPrompt.MaxPassageChars + 10);
        Assert.EndsWith("letters.\n\nQ", prompt, StringComparison.Ordinal);
    }

    [Fact]
    public void A_passage_without_sentences_is_cut_at_a_word_and_one_without_words_between_characters()
    {
        var words = OpenBookPrompt.Of([Of("A", string.Concat(Enumerable.Repeat("word ", 500)))], "Q");
        Assert.EndsWith("word\n\nQ", words, StringComparison.Ordinal);
        var pairs = OpenBookPrompt.Of([Of("A", "x" + string.Concat(Enumerable.Repeat("😀", 500)))], "Q");
        Assert.DoesNotContain('\uFFFD', System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(pairs)));
    }
}
