using System.Text;
using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class UnigramTrainerTests
{
    private static readonly TrainingText[] Texts =
    [
        .. Enumerable.Repeat(Samples.Texts, 3).SelectMany(texts => texts).Select(text => new TrainingText(text)),
    ];

    private static readonly UnigramTokenizer Learned = Train(Texts, new TokenizerRecipe(2500));

    [Fact]
    public void Every_text_comes_back() =>
        Gen.String.Sample(
            text => Learned.Decode(Learned.Encode(text)) == new string([.. text.EnumerateRunes().SelectMany(rune => rune.ToString())]),
            iter: 300
        );

    [Fact]
    public void Text_becomes_fewer_tokens_than_characters_and_frequent_words_one()
    {
        var english = string.Concat(Samples.Texts.Where(text => text.Length > 40 && text.All(char.IsAscii)));
        Assert.InRange(Learned.Encode(english).Length, 1, 0.75 * english.Length);
        var words = Train([.. Enumerable.Repeat(new TrainingText("the mill turns the millstone"), 20)], new TokenizerRecipe(300));
        Assert.Equal(2, words.Encode("the mill").Length);
    }

    [Fact]
    public void The_size_is_the_recipes_and_the_probabilities_sum_to_one()
    {
        Assert.Equal(2500, Learned.VocabSize);
        var sum = Enumerable.Range(3 + 256, 2500 - 3 - 256).Sum(id => Math.Exp(Learned.Scores[id]));
        Assert.InRange(sum, 0.8, 1.01);
    }

    [Fact]
    public void Neither_threads_nor_the_order_of_documents_leave_a_trace()
    {
        var reversed = Train([.. Texts.Reverse()], new TokenizerRecipe(2500), threads: 3);
        Assert.Equal(Learned.Pieces, reversed.Pieces);
        Assert.Equal(Learned.Scores, reversed.Scores);
    }

    [Fact]
    public void A_vocabulary_that_is_saved_cuts_as_before()
    {
        using var folder = new Samples.Folder();
        TokenizerFolder.Save(Learned, folder.Path);
        var loaded = TokenizerFolder.Load(folder.Path);
        Assert.All(Samples.Texts, text => Assert.Equal(Learned.Encode(text), loaded.Encode(text)));
    }

    [Fact]
    public void The_pieces_make_the_text_likelier_than_as_many_frequent_ones_would()
    {
        // With enough room every distinct word is a piece; with less, those that others can write go first.
        var words = Enumerable.Repeat(new TrainingText("lower lowest newer newest wider widest low new wide"), 30).ToArray();
        var small = Train(words, new TokenizerRecipe(3 + 256 + 18, PreTokenizer: "gpt2"));
        Assert.Contains(small.Pieces, piece => piece is "est" or "er" or "▁low" or "▁new" or "▁wide");
        Assert.True(
            Cost(small, "lowest newer widest")
                < Cost(Train(words, new TokenizerRecipe(3 + 256 + 11, PreTokenizer: "gpt2")), "lowest newer widest")
        );
    }

    [Fact]
    public void Too_little_text_gives_fewer_pieces_and_none_is_the_users_error()
    {
        Assert.True(Train([new TrainingText("ab")], new TokenizerRecipe(2500)).VocabSize < 300);
        Assert.Throws<UserErrorException>(() => Train([], new TokenizerRecipe(2500)));
    }

    private static int Cost(UnigramTokenizer tokenizer, string text) => tokenizer.Encode(text).Length;

    private static UnigramTokenizer Train(TrainingText[] texts, TokenizerRecipe recipe, int? threads = null) =>
        UnigramTrainer.Train(texts, recipe, Samples.NoProgress.Instance, CancellationToken.None, threads).Tokenizer;
}
