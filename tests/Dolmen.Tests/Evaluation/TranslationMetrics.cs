using Dolmen.Evaluation.Translation;

namespace Dolmen.Tests.Evaluation;

/// <summary>BLEU and chrF on values computed by hand.</summary>
public class TranslationMetrics
{
    [Theory]
    [InlineData("Hello, world!", "Hello , world !")]
    [InlineData("It costs 3.50, or 1,000 (about).", "It costs 3.50 , or 1,000 ( about ) .")]
    [InlineData("a 10-year-old's dog", "a 10 - year-old's dog")]
    [InlineData("&quot;x&amp;y&quot;", "\" x & y \"")]
    public void Words_are_those_of_mteval(string text, string expected) => Assert.Equal(expected, string.Join(' ', Bleu.Words(text)));

    [Fact]
    public void An_equal_translation_is_worth_100()
    {
        string[] text = ["The quick brown fox jumps over the dog."];
        Assert.Equal(100, Bleu.Score(text, text), 1e-9);
        Assert.Equal(100, Chrf.Score(text, text), 1e-9);
    }

    [Fact]
    public void Bleu_is_the_geometric_mean_of_four_precisions()
    {
        // Unigrams 5/6 (the cat sat on mat; "a" is wrong), bigrams 3/5, trigrams 2/4, one of three four-grams; no brevity penalty.
        var expected = 100 * Math.Pow(5.0 / 6 * 3 / 5 * 2 / 4 * 1 / 3, 0.25);
        Assert.Equal(expected, Bleu.Score(["the cat sat on a mat"], ["the cat sat on the mat"]), 1e-9);
    }

    [Fact]
    public void Short_translations_pay_and_what_never_matches_is_smoothed()
    {
        // 4 of 6 words: brevity e^(1−6/4); unigrams 4/4, bigrams 2/3, trigrams 0/2 → 1/(2·2), four-grams 0/1 → 1/(4·1).
        var expected = Math.Exp(1 - 6.0 / 4) * 100 * Math.Pow(1.0 * 2 / 3 * (1.0 / 4) * (1.0 / 4), 0.25);
        Assert.Equal(expected, Bleu.Score(["the cat the mat"], ["the cat sat on the mat"]), 1e-9);
        Assert.Equal(0, Bleu.Score(["dog"], ["the cat sat on the mat"]));
    }

    [Fact]
    public void Counts_are_summed_over_the_corpus_before_they_are_divided()
    {
        // Unigrams 6/8, bigrams 4/6, trigrams 2/4, four-grams 1/2.
        var expected = 100 * Math.Pow(6.0 / 8 * 4 / 6 * 2 / 4 * 1 / 2, 0.25);
        Assert.Equal(expected, Bleu.Score(["a b c d", "e f x y"], ["a b c d", "e f g h"]), 1e-9);
    }

    [Fact]
    public void Chrf_counts_recall_twice_over_the_orders_both_sides_have()
    {
        // "abc" against "abd e": precision 2/3, 1/2, 0/1; recall 2/4, 1/3, 0/2; no fourth row in the hypothesis.
        double precision = (2.0 / 3 + 1.0 / 2 + 0) / 3, recall = (2.0 / 4 + 1.0 / 3 + 0) / 3;
        Assert.Equal(100 * 5 * precision * recall / (4 * precision + recall), Chrf.Score(["abc"], ["abd e"]), 1e-9);
    }
}
