using System.Text;
using CsCheck;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class BpeTokenizerTests
{
    private static readonly BpeTokenizer Tokenizer = Samples.Tokenizer;

    [Fact]
    public void Hugging_Face_tokenizers_give_the_same_ids() =>
        Assert.All(Samples.HuggingFace, row => Assert.Equal(row.Ids, Tokenizer.Encode(row.Text, parseSpecial: true)));

    [Fact]
    public void Every_byte_sequence_comes_back() =>
        Gen.Byte.Array[0, 200].Sample(bytes => Tokenizer.DecodeBytes(Tokenizer.EncodeBytes(bytes)).AsSpan().SequenceEqual(bytes));

    [Fact]
    public void Every_string_comes_back_as_its_utf8_bytes_even_with_half_surrogate_pairs() =>
        Gen.OneOf(Gen.Char, Gen.Char['\uD800', '\uDFFF'], Gen.Char[' ', '~']).Array[0, 100].Select(units => new string(units))
            .Sample(text => Tokenizer.DecodeBytes(Tokenizer.Encode(text)).AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Text_cannot_forge_a_special_token()
    {
        var lowestSpecial = Tokenizer.VocabSize - SpecialTokens.Names.Count;
        foreach (var name in SpecialTokens.Names)
        {
            Assert.DoesNotContain(Tokenizer.Encode($"a{name}b"), id => id >= lowestSpecial);
            Assert.Equal($"a{name}b", Tokenizer.Decode(Tokenizer.Encode($"a{name}b")));
        }
    }

    [Fact]
    public void Special_tokens_are_parsed_on_request()
    {
        var special = Tokenizer.Special;
        int[] expected =
            [special.Bos, special.User, .. Tokenizer.Encode("hi <|en"), special.End, special.End, .. Tokenizer.Encode("<|no|>")];
        Assert.Equal(expected, Tokenizer.Encode("<|bos|><|user|>hi <|en<|end|><|end|><|no|>", parseSpecial: true));
    }

    [Fact]
    public void Words_of_any_length_merge_as_the_definition_says() =>
        Gen.OneOf("e", "r", "n", "t", "h", "i", "a", "中", "人").Array[1, 400].Sample(letters =>
            Tokenizer.Encode(string.Concat(letters)).AsSpan().SequenceEqual(MergedByDefinition(string.Concat(letters))), iter: 300);

    [Fact]
    public void A_long_run_without_a_break_is_encoded_in_reasonable_time()
    {
        var text = new string('a', 1_000_000);
        Assert.Equal(text, Tokenizer.Decode(Tokenizer.Encode(text)));
    }

    [Fact]
    public void Threads_may_share_a_tokenizer()
    {
        var expected = Samples.Texts.Select(text => Tokenizer.Encode(text)).ToArray();
        var fresh = TokenizerFolder.Load(Samples.Goldens);
        Parallel.For(0, 64, _ => Assert.Equal(expected, Samples.Texts.Select(text => fresh.Encode(text))));
    }

    [Fact]
    public void An_id_outside_the_vocabulary_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Tokenizer.Decode([Tokenizer.VocabSize]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tokenizer.Decode([-1]));
    }

    /// <summary>For one merge after the other, in the order learned: replace its pair everywhere.</summary>
    private static int[] MergedByDefinition(string word)
    {
        var tokens = Encoding.UTF8.GetBytes(word).Select(value => Tokenizer.EncodeBytes([value])[0]).ToList();
        foreach (var (left, right, result) in Tokenizer.Merges)
        {
            for (var i = 0; i + 1 < tokens.Count; i++)
            {
                if (tokens[i] != left || tokens[i + 1] != right) continue;
                tokens[i] = result;
                tokens.RemoveAt(i + 1);
            }
        }
        return [.. tokens];
    }
}
