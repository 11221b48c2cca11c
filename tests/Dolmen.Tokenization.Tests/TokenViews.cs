using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public sealed class TokenViews
{
    private static readonly BpeTokenizer Tokenizer = BpeTrainer.Train(
        ["ab ab"],
        new TokenizerRecipe(BpeTokenizer.SmallestVocabSize + 1),
        new Progress<StageProgress>(),
        CancellationToken.None
    );

    private static int Ab => Tokenizer.Merges[0].Result;

    [Fact]
    public void Plain_text_shows_tokens_between_bars_and_their_ids_below()
    {
        var (c, space) = (Tokenizer.Encode("c")[0], Tokenizer.Encode(" ")[0]);
        Assert.Equal(
            $"[ab| |ab|c]\n[{Ab}|{space}|{Ab}|{c}]\n4 tokens, 6 bytes, 1.50 bytes per token\n",
            TokenView.Plain(TokenView.Of(Tokenizer, "ab abc"))
        );
    }

    [Fact]
    public void Bytes_that_are_no_whole_character_are_hexadecimal_and_listed_by_id()
    {
        var ids = Tokenizer.Encode("é");
        var plain = TokenView.Plain(TokenView.Of(Tokenizer, "é"));
        Assert.StartsWith("[\\xC3|\\xA9]\n", plain, StringComparison.Ordinal);
        Assert.Contains($"Parts of characters: {ids[0]} = C3 · {ids[1]} = A9", plain, StringComparison.Ordinal);
    }

    [Fact]
    public void What_moves_a_cursor_hides_or_looks_like_a_bar_is_written_out() =>
        Assert.StartsWith("[\\|]\n", TokenView.Plain(TokenView.Of(Tokenizer, "|")), StringComparison.Ordinal);

    [Theory]
    [InlineData("\n\t\r", "\\n\\t\\r")]
    [InlineData("\e[2J", "\\x1B[2J")]
    [InlineData("\u202Ea", "\\xE2\\x80\\xAEa")]
    [InlineData("한 é", "한 é")]
    public void Text_of_bytes_is_safe_to_print(string text, string shown) =>
        Assert.Equal(shown, TokenText.Of(System.Text.Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Special_tokens_are_marked_where_they_were_asked_for_and_are_text_where_not()
    {
        Assert.StartsWith(
            "[ab|«<|endoftext|>»]\n",
            TokenView.Plain(TokenView.Of(Tokenizer, "ab<|endoftext|>", parseSpecial: true)),
            StringComparison.Ordinal
        );
        Assert.StartsWith(
            "[ab|<|\\||e|n|d|o|f|t|e|x|t|\\||>]\n",
            TokenView.Plain(TokenView.Of(Tokenizer, "ab<|endoftext|>")),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Neighbours_have_other_colours_and_every_colour_ends()
    {
        var text = TokenView.Coloured(TokenView.Of(Tokenizer, "abab\n"));
        var grounds = text.Split('\n')[0].Split("\e[0m").Where(part => part.Length > 0).ToList();
        Assert.Equal(3, grounds.Count);
        Assert.NotEqual(grounds[0], grounds[1]);
        Assert.Equal(text.Split("\e[").Length - 1, 2 * (text.Split("\e[0m").Length - 1));
    }

    [Fact]
    public void A_text_that_nobody_could_look_at_is_refused() =>
        Assert.Contains(
            "more than 1048576",
            Assert.Throws<UserErrorException>(() => TokenView.Of(Tokenizer, new string('a', TokenView.MostChars + 1))).Message,
            StringComparison.Ordinal
        );
}
