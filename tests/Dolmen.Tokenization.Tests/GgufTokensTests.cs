using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class GgufTokensTests
{
    private static readonly (string[] Tokens, string[] Merges) Texts = Samples.Tokenizer.ToTexts();

    private static readonly GgufTokens Good = new(
        "m.gguf",
        "gpt2",
        "gpt-4o",
        Texts.Tokens,
        [],
        Kinds(),
        Texts.Merges,
        793,
        794,
        AddsBos: true
    );

    [Fact]
    public void A_vocabulary_that_was_written_is_the_same_when_read()
    {
        var read = Good.Build();
        Assert.Equal(Samples.Tokenizer.Special, read.Special);
        Assert.Equal([793], read.Before);
        Assert.All(Samples.Texts, text => Assert.Equal(Samples.Tokenizer.Encode(text), read.Encode(text)));
    }

    [Fact]
    public void A_row_that_only_fills_up_is_no_token()
    {
        var read = (Good with { Tokens = [.. Texts.Tokens, "[PAD800]"], Kinds = [.. Kinds(), PieceKind.UserDefined] }).Build();
        Assert.True(read.BytesOf(800).IsEmpty);
        Assert.DoesNotContain(800, read.Encode("[PAD800]"));
    }

    [Fact]
    public void What_does_not_fit_is_named()
    {
        foreach (var (wrong, message) in (ReadOnlySpan<(GgufTokens, string)>)[
            (Good with { Model = "bert" }, "'bert'"),
            (Good with { Split = "unheard-of" }, "'unheard-of'"),
            (Good with { Bos = 800 }, "bos_token_id is 800"),
            (Good with { Kinds = [] }, "0 types"),
            (Good with { Merges = [] }, "merges are missing"),
            (Good with { Merges = ["Ġ zzz"] }, "merge 0"),
            (Good with { Merges = [""] }, "merge 0"),
            (Good with { Merges = [Texts.Merges[0], Texts.Merges[0]] }, "a second time"),
            (Good with { Tokens = [.. Texts.Tokens[..5], Texts.Tokens[4], .. Texts.Tokens[6..]] }, "twice"),
            (Good with { Tokens = [.. Texts.Tokens[..5], "中", .. Texts.Tokens[6..]] }, "token 5, '中'"),
            (Good with { Model = "llama", Scores = [1] }, "1 scores")])
        {
            var error = Assert.Throws<UserErrorException>(() => wrong.Build());
            Assert.Contains(message, error.Message, StringComparison.Ordinal);
        }
    }

    private static PieceKind[] Kinds() =>
        [.. Enumerable.Range(0, Texts.Tokens.Length).Select(id => Samples.Tokenizer.IsSpecial(id) ? PieceKind.Control : PieceKind.Normal)];
}
