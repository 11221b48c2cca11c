using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

/// <summary>Against ids that Hugging Face's and OpenAI's own code gave (Goldens/README.md).</summary>
public class ForeignVocabularyTests
{
    private static readonly JsonElement Variants = JsonDocument
        .Parse(File.ReadAllText(Path.Combine(Samples.Goldens, "variants.json")))
        .RootElement;

    private static readonly RankedVocabulary Ranked = new("small", 793, "cl100k", "<|end|>", [("<|end|>", 800)]);

    private static readonly string RanksFile = Path.Combine(Samples.Goldens, "ranks.tiktoken");

    private static readonly BpeTokenizer ByRank = Ranked.Build(RankFile.Read(RanksFile), RanksFile);

    public static TheoryData<string> VariantNames =>
        [.. Variants.GetProperty("variants").EnumerateArray().Select(variant => variant.GetProperty("name").GetString() ?? "")];

    [Theory]
    [MemberData(nameof(VariantNames))]
    public void A_tokenizer_json_encodes_as_Hugging_Face_does(string name)
    {
        using var folder = new Samples.Folder();
        var (tokenizer, ids) = Variant(name, folder);
        var texts = Texts();
        for (var i = 0; i < texts.Length; i++)
            Assert.True(
                ids[i].SequenceEqual(tokenizer.Encode(texts[i], parseSpecial: true)),
                $"{name}: {texts[i]}: {string.Join(' ', tokenizer.Encode(texts[i], parseSpecial: true))}, not {string.Join(' ', ids[i])}"
            );
    }

    [Theory]
    [MemberData(nameof(VariantNames))]
    public void What_is_saved_again_encodes_the_same(string name)
    {
        using var folder = new Samples.Folder();
        var (tokenizer, ids) = Variant(name, folder);
        TokenizerFolder.Save(tokenizer, folder.Path);
        var saved = TokenizerFolder.Load(folder.Path);
        Assert.Equal(ids, Texts().Select(text => saved.Encode(text, parseSpecial: true)));
        Assert.Equal(tokenizer.Special, saved.Special);
        Assert.Equal(tokenizer.Before, saved.Before);
    }

    [Fact]
    public void A_tiktoken_file_encodes_as_tiktoken_does() =>
        Assert.All(
            File.ReadLines(Path.Combine(Samples.Goldens, "tiktoken-ids.jsonl")),
            line =>
            {
                var row = JsonDocument.Parse(line).RootElement;
                int[] ids = [.. row.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
                Assert.Equal(ids, ByRank.Encode(row.GetProperty("text").GetString() ?? ""));
            }
        );

    [Theory]
    [InlineData("gpt2", "361 2124 25 198 220 220 220 220 220 220 220 23821 243 230 167 227 243")]
    [InlineData("r50k_base", "361 2124 25 198 220 220 220 220 220 220 220 23821 243 230 167 227 243")]
    [InlineData("p50k", "361 2124 25 198 50262 23821 243 230 167 227 243")]
    [InlineData("cl100k", "333 865 512 286 96270 75265 243")]
    [InlineData("o200k", "366 1215 734 309 24497 98931")]
    public void OpenAIs_vocabularies_are_there_by_name(string name, string ids) =>           // ids of npm tiktoken
        Assert.Equal(ids, string.Join(' ', VocabularySource.Open(name).Encode("if x:\n        안녕")));

    [Fact]
    public void Merging_by_rank_is_the_definition_on_any_run() => Gen.OneOf("e", "r", "n", "t", "h", "a", "er", "the").Array[1, 120]
        .Select(parts => string.Concat(parts)).Sample(text => ByRank.Encode(text).AsSpan().SequenceEqual(ByDefinition(text)), iter: 500);

    [Fact]
    public void A_tiktoken_file_comes_back_from_what_was_read()
    {
        using var folder = new Samples.Folder();
        var path = folder.File("again.tiktoken");
        TokenizerFolder.SaveRanks(ByRank, path);
        Assert.Equal(File.ReadAllText(RanksFile), File.ReadAllText(path));
        TokenizerFolder.Save(ByRank, folder.Path);
        var saved = TokenizerFolder.Load(folder.Path);
        Assert.All(Samples.Texts, text => Assert.Equal(ByRank.Encode(text), saved.Encode(text)));
        Assert.Equal(800, saved.Special.Eos);
    }

    [Fact]
    public void Any_text_comes_back_and_offsets_say_where_each_token_begins() =>
        Gen.OneOf(Gen.Char, Gen.Char['\uD800', '\uDFFF'], Gen.Char[' ', '~']).Array[0, 80].Select(units => new string(units)).Sample(text =>
        {
            var (bytes, tokens) = (Encoding.UTF8.GetBytes(text), ByRank.Encode(text));
            var offsets = ByRank.Offsets(tokens);
            for (var i = 0; i < tokens.Length; i++)
            {
                var end = i + 1 < tokens.Length ? offsets[i + 1] : bytes.Length;
                if (!ByRank.BytesOf(tokens[i]).SequenceEqual(bytes.AsSpan(offsets[i]..end))) return false;
            }
            return ByRank.DecodeBytes(tokens).AsSpan().SequenceEqual(bytes);
        });

    [Fact]
    public void Streamed_text_never_ends_in_half_a_character() => Gen.Int[0, ByRank.VocabSize - 1].Array[0, 60].Sample(tokens =>
    {
        var decoder = new StreamingDecoder(ByRank, skipSpecial: false);
        var pieces = tokens.Select(decoder.Add).ToArray();
        return pieces.All(piece => piece.Length == 0 || !char.IsHighSurrogate(piece[^1]))
            && string.Concat(pieces) + decoder.Flush() == ByRank.Decode(tokens);
    });

    [Fact]
    public void A_special_token_is_text_unless_asked_for()
    {
        Assert.DoesNotContain(800, ByRank.Encode("a<|end|>b"));
        Assert.Equal("a<|end|>b", ByRank.Decode(ByRank.Encode("a<|end|>b")));
        Assert.Equal([.. ByRank.Encode("a"), 800, .. ByRank.Encode("b")], ByRank.Encode("a<|end|>b", parseSpecial: true));
        Assert.True(ByRank.BytesOf(799).IsEmpty);
    }

    [Theory]
    [InlineData("")]
    [InlineData("IQ==")]
    [InlineData("IQ== x")]
    [InlineData("IQ== -1")]
    [InlineData("IQ== 99999999999")]
    [InlineData("?! 0")]
    [InlineData("IQ== 0\nIg== 0")]
    [InlineData("IQ== 0\nIg== 1\n\u0000\u0001")]
    public void A_damaged_tiktoken_file_is_the_users_error(string content)
    {
        using var folder = new Samples.Folder();
        File.WriteAllText(folder.File("cl100k_base.tiktoken"), content);
        Assert.Contains(
            "cl100k_base.tiktoken",
            Assert.Throws<UserErrorException>(() => VocabularySource.Open(folder.File("cl100k_base.tiktoken"))).Message
        );
    }

    [Fact]
    public void A_token_that_comes_with_two_ranks_is_refused() =>
        Assert.Contains(
            "the same token with the ranks 0 and 256",
            Assert
                .Throws<UserErrorException>(() =>
                    RankFile.Merges([.. Enumerable.Range(0, 256).Select(value => new[] { (byte)value }), [0]], "x")
                )
                .Message
        );

    [Fact]
    public void Ranks_of_no_known_vocabulary_are_refused() =>
        Assert.Contains("793 tokens", Assert.Throws<UserErrorException>(() => VocabularySource.Open(RanksFile)).Message);

    [Fact]
    public void A_name_that_is_not_installed_says_where_its_file_goes() =>
        Assert.Contains("llama3.tiktoken", Assert.Throws<UserErrorException>(() => VocabularySource.Open("llama3")).Message);

    [Theory]
    [InlineData("nothing/here")]
    [InlineData("no-such-vocabulary")]
    [InlineData("")]
    public void What_is_not_there_is_the_users_error(string source) =>
        Assert.Throws<UserErrorException>(() => VocabularySource.Open(source));

    [Fact]
    public void Two_files_as_GPT2_has_them_are_one_vocabulary()
    {
        using var folder = new Samples.Folder();
        var model =
            JsonNode.Parse(File.ReadAllText(Path.Combine(Samples.Goldens, "tokenizer.json")))?["model"] ?? throw new InvalidDataException();
        File.WriteAllText(folder.File("vocab.json"), model["vocab"]?.ToJsonString());
        var merges = (model["merges"] as JsonArray ?? []).Select(pair => $"{pair?[0]} {pair?[1]}");
        File.WriteAllLines(folder.File("merges.txt"), ["#version: 0.2", .. merges]);
        var expected = Variants.GetProperty("variants")[0].GetProperty("ids")[0].EnumerateArray().Select(id => id.GetInt32());
        foreach (var source in (string[])[folder.Path, folder.File("vocab.json"), folder.File("merges.txt")])
            Assert.Equal(expected, VocabularySource.Open(source).Encode(Texts()[0]));
        File.AppendAllBytes(folder.File("merges.txt"), [.. "a "u8, 0xE9]);
        Assert.Contains(
            "is not valid UTF-8",
            Assert.Throws<UserErrorException>(() => VocabularySource.Open(folder.Path)).Message,
            StringComparison.Ordinal
        );
        File.Delete(folder.File("merges.txt"));
        Assert.Throws<UserErrorException>(() => VocabularySource.Open(folder.File("vocab.json")));
    }

    [Fact]
    public void A_token_that_is_a_single_word_is_not_found_inside_one()
    {
        var added = new AddedTokens([new AddedToken("<w>", 7, Special: false, SingleWord: true)]);
        Assert.Null(added.Find("a<w> <w>b _<w>é", 0, out _));
        Assert.NotNull(added.Find("a<w> <w>-", 0, out var span));
        Assert.Equal((5, 8), span);
    }

    [Fact]
    public void RWKV_takes_the_longest_token_at_every_place()
    {
        using var folder = new Samples.Folder();
        string[] literals =
        [
            .. Enumerable.Range(0, 256).Select(value => value < 128 ? $"'\\x{value:x2}' 1" : $"b'\\x{value:x2}' 1"),
            "'ab' 2",
            "'abc' 3",
            "'\\n\\t' 2",
            "'é' 2",
            "\"it's\" 4",
        ];
        File.WriteAllLines(folder.File("rwkv_vocab_test.txt"), literals.Select((literal, i) => $"{i + 1} {literal}"));
        var tokenizer = VocabularySource.Open(folder.File("rwkv_vocab_test.txt"));
        Assert.Equal([258, 257, 'b' + 1, 259, 260, 261], tokenizer.Encode("abcabb\n\téit's"));
        Assert.Equal("abcabb\n\téit's\u4E2D", tokenizer.Decode(tokenizer.Encode("abcabb\n\téit's\u4E2D")));
        File.WriteAllText(folder.File("rwkv_vocab_test.txt"), "1 'ab' 3");
        Assert.Contains(
            "line 1 says 3 bytes",
            Assert.Throws<UserErrorException>(() => VocabularySource.Open(folder.File("rwkv_vocab_test.txt"))).Message
        );
    }

    [Fact]
    public void A_pattern_that_explodes_ends_in_the_users_error()
    {
        using var folder = new Samples.Folder();
        var root = Golden();
        (root["pre_tokenizer"]?["pretokenizers"]?[0]?["pattern"] ?? throw new InvalidDataException())["Regex"] = "(x+z?x+)+y";
        File.WriteAllText(folder.File("tokenizer.json"), root.ToJsonString());
        var tokenizer = TokenizerFolder.Load(folder.Path);
        Assert.Throws<UserErrorException>(() => tokenizer.Encode(new string('x', 60) + "zy"));
    }

    [Theory]
    [InlineData("""{"vocab":{"\ud800":1}}""")]
    [InlineData("""{"type":"BPE","vocab":{"a\udfff":1},"merges":[]}""")]
    public void Half_a_surrogate_pair_in_a_token_is_the_users_error(string model)
    {
        using var folder = new Samples.Folder();
        File.WriteAllText(folder.File("tokenizer.json"), $$"""{"version":"1.0","pre_tokenizer":{"type":"ByteLevel"},"model":{{model}}}""");
        Assert.Contains("tokenizer.json", Assert.Throws<UserErrorException>(() => TokenizerFolder.Load(folder.Path)).Message);
    }

    private static string[] Texts() => [.. Variants.GetProperty("texts").EnumerateArray().Select(text => text.GetString() ?? "")];

    private static JsonObject Golden() =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(Samples.Goldens, "tokenizer.json"))) as JsonObject ?? throw new InvalidDataException();

    private static (Tokenizer Tokenizer, int[][] Ids) Variant(string name, Samples.Folder folder)
    {
        var variant = Variants.GetProperty("variants").EnumerateArray().First(variant => variant.GetProperty("name").GetString() == name);
        var root = Golden();
        foreach (var change in variant.GetProperty("change").EnumerateObject())
            root[change.Name] = JsonNode.Parse(change.Value.GetRawText());
        File.WriteAllText(folder.File("tokenizer.json"), root.ToJsonString());
        int[][] ids =
        [
            .. variant.GetProperty("ids").EnumerateArray().Select(row => row.EnumerateArray().Select(id => id.GetInt32()).ToArray()),
        ];
        return (TokenizerFolder.Load(folder.Path), ids);
    }

    /// <summary>While two neighbours are a token together: join those whose token has the lowest rank, the first of equal ones.</summary>
    private static int[] ByDefinition(string text)
    {
        var tokens = Enumerable
            .Range(0, 793)
            .ToDictionary(
                id => Encoding.UTF8.GetString(ByRank.BytesOf(id)) is var own && own.Contains('\uFFFD') ? $"\0{id}" : own,
                id => id
            );
        if (tokens.TryGetValue(text, out var whole))
            return [whole];
        var parts = text.Select(unit => unit.ToString()).ToList();
        while (true)
        {
            var best = Enumerable.Range(0, parts.Count - 1).Where(i => tokens.ContainsKey(parts[i] + parts[i + 1]))
                .Select(i => (Rank: tokens[parts[i] + parts[i + 1]], At: i)).DefaultIfEmpty((Rank: -1, At: -1)).Min();
            if (best.At < 0) return [.. parts.Select(part => tokens[part])];
            parts[best.At] += parts[best.At + 1];
            parts.RemoveAt(best.At + 1);
        }
    }
}
