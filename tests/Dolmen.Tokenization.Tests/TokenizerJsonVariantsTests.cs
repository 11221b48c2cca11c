using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

/// <summary>Each component of tokenizer.json and each of its flags, against what npm tokenizers (Hugging Face's code in Rust) gives
/// (Goldens/README.md).</summary>
public class TokenizerJsonVariantsTests
{
    private static readonly string Formats = Path.Combine(Samples.Goldens, "formats");

    private static readonly Dictionary<string, JsonNode> Rows = File.ReadLines(Path.Combine(Formats, "variants.jsonl"))
        .Select(line => JsonNode.Parse(line)!).ToDictionary(row => (string)row["name"]!);

    public static TheoryData<string> Names => [.. Rows.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_variant_encodes_and_decodes_as_Hugging_Face_does(string name)
    {
        using var folder = new Samples.Folder();
        var tokenizer = Load(folder, (string)Rows[name]["base"]!, Rows[name]["change"]!.AsObject());
        foreach (var row in Rows[name]["rows"]!.AsArray())
        {
            int[] ids = [.. row!["ids"]!.AsArray().Select(id => (int)id!)];
            Assert.Equal(ids, tokenizer.Encode((string)row["text"]!, parseSpecial: true));
            Assert.Equal((string)row["decoded"]!, tokenizer.Decode(ids));
            var stream = new StreamingDecoder(tokenizer, skipSpecial: false);
            Assert.Equal((string)row["decoded"]!, string.Concat(ids.Select(stream.Add)) + stream.Flush());
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_others_wrote_is_saved_as_it_was(string name)
    {
        using var folder = new Samples.Folder();
        using var again = new Samples.Folder();
        var tokenizer = Load(folder, (string)Rows[name]["base"]!, Rows[name]["change"]!.AsObject());
        TokenizerFolder.Save(tokenizer, again.Path, 128);
        Assert.Equal(File.ReadAllText(folder.File("tokenizer.json")), File.ReadAllText(again.File("tokenizer.json")));
    }

    [Fact]
    public void Spaces_of_added_tokens_are_spaces_when_decoded()
    {
        using var folder = new Samples.Folder();
        Assert.Equal("    c", Load(folder, "gemma", []).Decode([6, 266]));
    }

    [Theory]
    [InlineData("""{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":""},{"type":"Fuse"}]}""")]
    [InlineData("""{"type":"Sequence","decoders":[R,{"type":"ByteFallback"},{"type":"Strip","content":" ","start":1,"stop":0}]}""")]
    public void A_token_that_shows_nothing_is_a_token_all_the_same(string decoder)
    {
        using var folder = new Samples.Folder();
        var steps = decoder.Replace("[R", """[{"type":"Replace","pattern":{"String":"▁"},"content":" "}""", StringComparison.Ordinal);
        var tokenizer = Load(folder, "sentencepiece", new JsonObject { ["decoder"] = JsonNode.Parse(steps) });
        int[] spaces = [.. Enumerable.Range(0, tokenizer.VocabSize).Where(id => tokenizer.IsUsed(id) && tokenizer.BytesOf(id).IsEmpty)];
        Assert.NotEmpty(spaces);
        Assert.Equal("", tokenizer.Decode(spaces));
    }

    [Fact]
    public void Spaces_of_symbols_that_users_defined_are_spaces_in_both_directions()
    {
        // Ids by npm sentencepiece-js.
        var tokenizer = SentencePieceModel.Read(Path.Combine(Formats, "symbols.model"));
        Assert.Equal([555, 5, 571], tokenizer.Encode("a    b"));
        Assert.Equal([3, 338, 562, 344, 3, 566, 273, 562, 563, 3], tokenizer.Encode("  hello  world  "));
        Assert.Equal("a    b", tokenizer.Decode([555, 5, 571]));
    }

    [Fact]
    public void The_space_before_a_text_stands_before_a_symbol_that_users_defined_too()
    {
        // Ids by spm_encode: ▁, <sep>, then the letters.
        var tokenizer = SentencePieceModel.Read(Path.Combine(Formats, "prefix-and-symbols.model"));
        Assert.Equal([260, 3, 464], tokenizer.Encode("<sep>hello")[..3]);
        Assert.Equal("<sep>hello", tokenizer.Decode(tokenizer.Encode("<sep>hello")));
    }

    [Fact]
    public void A_byte_token_that_is_not_UTF8_is_one_replacement_character_each()
    {
        using var folder = new Samples.Folder();
        var tokenizer = Load(folder, "fused", []);
        int[] broken = [3 + 0x41, 3 + 0xE2, 3 + 0x82];
        Assert.Equal("\uFFFD\uFFFD\uFFFD", tokenizer.Decode(broken));
        Assert.Equal("€", tokenizer.Decode([3 + 0xE2, 3 + 0x82, 3 + 0xAC]));
    }

    [Theory]
    [InlineData("normalizer", """{"type":"Sequence","normalizers":[A,A,A,A,A,A]}""")]
    [InlineData("normalizer", """{"type":"Sequence","normalizers":[R,R,R,R,R,R]}""")]
    [InlineData("normalizer", """{"type":"Sequence","normalizers":[A,{"type":"Lowercase"},A,{"type":"NFC"},A,A,A,A]}""")]
    [InlineData("decoder", """{"type":"Sequence","decoders":[A,A,A,A,A,A]}""")]
    public void A_text_may_not_grow_without_end(string member, string steps)
    {
        using var folder = new Samples.Folder();
        var many = new string('a', 64);
        var message = Assert.Throws<UserErrorException>(() =>
        {
            var tokenizer = Load(folder, "sentencepiece", new JsonObject { [member] = JsonNode.Parse(Steps(steps, many)) });
            tokenizer.Decode(tokenizer.Encode("a"));
        }).Message;
        Assert.Contains("grow without end", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"dropout":0.1}""", "dropout is 0.1")]
    [InlineData("""{"merges":[]}""", "merges are missing")]
    [InlineData("""{"unk_token":"<none>"}""", "which is not in the vocabulary")]
    [InlineData("""{"surprise":1}""", "unknown member 'surprise'")]
    [InlineData("""{"type":"WordLevel"}""", "Dolmen reads BPE and Unigram")]
    public void A_model_that_cannot_encode_is_refused(string change, string expected)
    {
        using var folder = new Samples.Folder();
        var message = Assert.Throws<UserErrorException>(() =>
            Load(folder, "sentencepiece", new JsonObject { ["model"] = JsonNode.Parse(change) })).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Byte_level_without_merges_is_refused()
    {
        using var folder = new Samples.Folder();
        Assert.Contains(
            "is empty, yet 142 tokens have more than one byte",
            Assert
                .Throws<UserErrorException>(() =>
                    Load(folder, "byte-level", new JsonObject { ["model"] = new JsonObject { ["merges"] = new JsonArray() } })
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Unigram_without_scores_is_refused()
    {
        using var folder = new Samples.Folder();
        var vocabulary = new JsonArray([.. Enumerable.Range(0, 40).Select(id => (JsonNode)new JsonArray($"p{id}", 0))]);
        var root = new JsonObject
        {
            ["version"] = "1.0",
            ["model"] = new JsonObject
            {
                ["type"] = "Unigram",
                ["unk_id"] = 0,
                ["vocab"] = vocabulary,
            },
        };
        File.WriteAllText(folder.File("tokenizer.json"), root.ToJsonString());
        Assert.Contains(
            "scores are missing",
            Assert.Throws<UserErrorException>(() => TokenizerFolder.Load(folder.Path)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Unigram_without_an_unknown_token_says_what_it_does_not_know()
    {
        using var folder = new Samples.Folder();
        File.WriteAllText(folder.File("tokenizer.json"),
            """{"version":"1.0","model":{"type":"Unigram","unk_id":null,"vocab":[["a",-1],["b",-2]]},"decoder":{"type":"Fuse"}}""");
        var tokenizer = TokenizerFolder.Load(folder.Path);
        Assert.Equal([0, 1], tokenizer.Encode("ab"));
        Assert.Contains("'漢'", Assert.Throws<UserErrorException>(() => tokenizer.Encode("a漢")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("special_tokens_map.json")]
    public void A_byte_order_mark_is_skipped_and_damage_is_blamed_on_its_own_file(string name)
    {
        using var folder = new Samples.Folder();
        TokenizerFolder.Save(Samples.Tokenizer, folder.Path);
        var text = File.ReadAllText(folder.File(name));
        File.WriteAllBytes(folder.File(name), [0xEF, 0xBB, 0xBF, .. System.Text.Encoding.UTF8.GetBytes(text)]);
        Assert.Equal(Samples.Tokenizer.Special, TokenizerFolder.Load(folder.Path).Special);
        File.WriteAllText(folder.File(name), text[..(text.Length / 2)]);
        var message = Assert.Throws<UserErrorException>(() => TokenizerFolder.Load(folder.Path)).Message;
        Assert.StartsWith(folder.File(name), message, StringComparison.Ordinal);
    }

    private static string Steps(string steps, string many) =>
        string.Concat(
            steps
                .Split(["[A", "[R", ",A", ",R"], StringSplitOptions.None)
                .Zip(
                    [.. System.Text.RegularExpressions.Regex.Matches(steps, "[\\[,][AR]").Select(match => match.Value), ""],
                    (text, step) =>
                        text
                        + step switch
                        {
                            "" => "",
                            [var sign, 'A'] => $$"""{{sign}}{"type":"Replace","pattern":{"String":"a"},"content":"{{many}}"}""",
                            _ => $$"""{{step[0]}}{"type":"Replace","pattern":{"Regex":"[a]"},"content":"{{many}}"}""",
                        }
                )
        );

    private static Tokenizer Load(Samples.Folder folder, string file, JsonObject change)
    {
        var root = JsonNode.Parse(File.ReadAllText(Path.Combine(Formats, file + ".json")))!.AsObject();
        foreach (var (member, value) in change)
        {
            if (member != "model") root[member] = value?.DeepClone();
            else foreach (var (name, inner) in value!.AsObject()) root["model"]![name] = inner?.DeepClone();
        }
        File.WriteAllText(folder.File("tokenizer.json"), root.ToJsonString());
        return TokenizerFolder.Load(folder.Path);
    }
}
