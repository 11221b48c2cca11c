using Dolmen.Retrieval;

namespace Dolmen.Tests.Retrieval;

public class OpenBookPromptTests
{
    private static readonly string End = $"\n\n{OpenBookPrompt.Instruction}\nQ";

    private static Passage Of(string title, string text) => new(title, title, text, "");

    [Fact]
    public void Passages_come_first_each_line_with_their_number_and_the_question_last() =>
        Assert.Equal(
            $"[1] Name: A\n[1] first\n\n[2] Name: B\n[2] second\n[2] line\n\n{OpenBookPrompt.Instruction}\nWhat is A?",
            OpenBookPrompt.Of([Of("A", "first\n"), Of("B", "second\n\nline\n")], "What is A?")
        );

    [Fact]
    public void Without_passages_the_question_stands_alone() => Assert.Equal("What is A?", OpenBookPrompt.Of([], "What is A?"));

    [Fact]
    public void A_long_passage_ends_with_a_sentence()
    {
        var sentence = "This is a sentence of forty-one letters. ";
        var prompt = OpenBookPrompt.Of([Of("A", string.Concat(Enumerable.Repeat(sentence, 100)))], "Q");
        Assert.InRange(prompt.Length, OpenBookPrompt.MaxPassageChars - sentence.Length, OpenBookPrompt.MaxPassageChars + 20 + End.Length);
        Assert.EndsWith($"letters.{End}", prompt, StringComparison.Ordinal);
    }

    [Fact]
    public void A_passage_without_sentences_is_cut_at_a_word_and_one_without_words_between_characters()
    {
        var words = OpenBookPrompt.Of([Of("A", string.Concat(Enumerable.Repeat("word ", 500)))], "Q");
        Assert.EndsWith($"word{End}", words, StringComparison.Ordinal);
        var pairs = OpenBookPrompt.Of([Of("A", "x" + string.Concat(Enumerable.Repeat("😀", 500)))], "Q");
        Assert.DoesNotContain('\uFFFD', System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(pairs)));
    }
}
