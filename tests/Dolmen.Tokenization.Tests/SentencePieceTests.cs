using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Tests.Fakes;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

/// <summary>Against ids that the sentencepiece library gave (llama.cpp agreed on each) for a vocabulary it trained.</summary>
public class SentencePieceTests
{
    private static readonly JsonElement Golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory,
        "Goldens", "sentencepiece", "byte_fallback.json"))).RootElement;

    private static readonly SentencePieceBpeTokenizer Tokenizer = SentencePieceBpeTokenizer.FromScores(Vocabulary());

    [Fact]
    public void Texts_encode_to_the_ids_of_sentencepiece_and_back()
    {
        foreach (var item in Golden.GetProperty("texts").EnumerateArray())
        {
            var text = item.GetProperty("text").GetString() ?? "";
            int[] ids = [.. item.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            Assert.Equal(ids, Tokenizer.Encode(text));
            Assert.Equal(text, Tokenizer.Decode(ids));
        }
    }

    [Fact]
    public void Any_text_comes_back() =>
        Gen.String.Where(IsWhole).Sample(text => Tokenizer.Decode(Tokenizer.Encode(text)) == text.Replace('▁', ' '));

    [Fact]
    public void The_pieces_together_are_the_decoded_text() => Gen.Int[0, 511].Array[0, 60].Sample(tokens =>
    {
        var decoder = new StreamingDecoder(Tokenizer, skipSpecial: false);
        return string.Concat(tokens.Select(decoder.Add)) + decoder.Flush() == Tokenizer.Decode(tokens);
    });

    [Fact]
    public void Only_a_text_that_begins_loses_its_first_space()
    {
        var token = Tokenizer.Encode("to")[0];
        Assert.Equal("to", new StreamingDecoder(Tokenizer).Add(token));
        Assert.Equal(" to", new StreamingDecoder(Tokenizer, atStart: false).Add(token));
        var decoder = new StreamingDecoder(Tokenizer);
        Assert.Equal("", decoder.Add(Tokenizer.Special.Bos));
        Assert.Equal(["to", " to"], [decoder.Add(token), decoder.Add(token)]);
    }

    [Fact]
    public void Control_tokens_in_a_text_are_text_unless_asked_for()
    {
        Assert.DoesNotContain(Tokenizer.Special.Eos, Tokenizer.Encode("a</s>"));
        Assert.Equal([Tokenizer.Encode("a")[0], Tokenizer.Special.Eos], Tokenizer.Encode("a</s>", parseSpecial: true));
    }

    [Fact]
    public void A_saved_tokenizer_is_the_same_when_loaded()
    {
        using var folder = new TemporaryFolder();
        TokenizerFolder.Save(Tokenizer, folder.Path, 512);
        var loaded = TokenizerFolder.Load(folder.Path);
        Assert.Equal(Tokenizer.Special, loaded.Special);
        foreach (var item in Golden.GetProperty("texts").EnumerateArray())
        {
            var text = item.GetProperty("text").GetString() ?? "";
            Assert.Equal(Tokenizer.Encode(text), loaded.Encode(text));
        }
        TokenizerFolder.Save((SentencePieceBpeTokenizer)loaded, folder.Path, 512);
        Assert.Equal(Tokenizer.Merges, ((SentencePieceBpeTokenizer)TokenizerFolder.Load(folder.Path)).Merges);
    }

    [Fact]
    public void Metaspace_says_the_same_as_a_normalizer()
    {
        using var folder = new TemporaryFolder();
        TokenizerFolder.Save(Tokenizer, folder.Path);
        Change(folder, root =>
        {
            root["normalizer"] = null;
            root["pre_tokenizer"] = JsonNode.Parse("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false}""");
        });
        Assert.Equal(Tokenizer.Encode("the main goal"), TokenizerFolder.Load(folder.Path).Encode("the main goal"));
    }

    [Theory]
    [InlineData("normalizer", """{"type":"Nmt"}""", "normalizer.type is 'Nmt'")]
    [InlineData("decoder", """{"type":"CTC"}""", "decoder.type is 'CTC'")]
    [InlineData("pre_tokenizer", """{"type":"UnicodeScripts"}""", "pre_tokenizer.type is 'UnicodeScripts'")]
    [InlineData("added_tokens", """[{"id":5,"content":"<new>","special":true}]""", "added_tokens[0].content is '<new>' with the id 5")]
    public void A_tokenizer_that_works_otherwise_is_refused(string member, string value, string message)
    {
        using var folder = new TemporaryFolder();
        TokenizerFolder.Save(Tokenizer, folder.Path);
        Change(folder, root => root[member] = JsonNode.Parse(value));
        Assert.Contains(
            message,
            Assert.Throws<UserErrorException>(() => TokenizerFolder.Load(folder.Path)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_conversation_is_refused_where_there_are_no_tokens_for_turns() => Assert.Throws<UserErrorException>(() =>
        ChatFormat.TokenizePrompt(Tokenizer, [new ChatMessage("user", "hello")]));

    [Fact]
    public void A_damaged_tokenizer_of_llama2_c_is_refused()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "t.bin");
        foreach (var (bytes, message) in (ReadOnlySpan<(byte[], string)>)[([1], "fewer than 4"), ([9, 0, 0, 0, 0, 0], "ends in token 0"),
            ([9, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 127, 0], "token 0 claims 2147483647 bytes"),
            ([9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "follow the last")])
        {
            File.WriteAllBytes(path, bytes);
            var error = Assert.Throws<UserErrorException>(() => SentencePieceVocabulary.ReadLlama2C(path, 1));
            Assert.Contains(message, error.Message, StringComparison.Ordinal);
        }
    }

    private static SentencePieceVocabulary Vocabulary() => new(
        [.. Golden.GetProperty("pieces").EnumerateArray().Select(piece => piece.GetString() ?? "")],
        [.. Golden.GetProperty("scores").EnumerateArray().Select(score => score.GetSingle())],
        [.. Golden.GetProperty("kinds").EnumerateArray().Select(kind => (PieceKind)kind.GetInt32())]);

    private static bool IsWhole(string text) => !text.EnumerateRunes().Any(rune => rune.Value == 0xFFFD);

    private static void Change(TemporaryFolder folder, Action<JsonNode> change)
    {
        var path = Path.Combine(folder.Path, "tokenizer.json");
        var root = JsonNode.Parse(File.ReadAllText(path)) ?? throw new InvalidDataException(path);
        change(root);
        File.WriteAllText(path, root.ToJsonString());
    }
}
