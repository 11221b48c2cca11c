using CsCheck;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class StreamingDecoderTests
{
    private static readonly BpeTokenizer Tokenizer = Samples.Tokenizer;

    [Fact]
    public void The_pieces_together_are_the_decoded_text() =>
        Gen.OneOf(Gen.Int[0, Tokenizer.VocabSize - 1], Gen.Int[128, 255]).Array[0, 60].Sample(tokens =>
        {
            var decoder = new StreamingDecoder(Tokenizer, skipSpecial: false);
            return string.Concat(tokens.Select(decoder.Add)) + decoder.Flush() == Tokenizer.Decode(tokens);
        });

    [Fact]
    public void No_piece_holds_half_a_character()
    {
        var decoder = new StreamingDecoder(Tokenizer);
        const string text = "a😀é中🇩🇪";
        var pieces = System.Text.Encoding.UTF8.GetBytes(text).Select(value => decoder.Add(Tokenizer.EncodeBytes([value])[0])).ToArray();
        Assert.All(pieces, piece => Assert.DoesNotContain('\uFFFD', piece));
        Assert.Equal(["a", "", "", "", "😀", "", "é"], pieces[..7]);
        Assert.Equal(text, string.Concat(pieces) + decoder.Flush());
    }

    [Fact]
    public void What_stays_unfinished_is_replaced_at_the_end_and_the_decoder_starts_anew()
    {
        var decoder = new StreamingDecoder(Tokenizer);
        Assert.Equal("", decoder.Add(Tokenizer.EncodeBytes([0xF0])[0]));
        Assert.Equal("\uFFFD", decoder.Flush());
        Assert.Equal("", decoder.Flush());
        Assert.Equal("a", decoder.Add(Tokenizer.Encode("a")[0]));
    }

    [Fact]
    public void Special_tokens_give_no_text_unless_wanted()
    {
        Assert.Equal("", new StreamingDecoder(Tokenizer).Add(Tokenizer.Special.End));
        Assert.Equal("<|end|>", new StreamingDecoder(Tokenizer, skipSpecial: false).Add(Tokenizer.Special.End));
    }
}
