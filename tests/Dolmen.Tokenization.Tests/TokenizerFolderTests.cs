using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class TokenizerFolderTests
{
    [Fact]
    public void What_is_saved_loads_the_same()
    {
        using var folder = new Samples.Folder();
        TokenizerFolder.Save(Samples.Tokenizer, folder.Path);
        var loaded = TokenizerFolder.Load(folder.Path);
        Assert.Equal(Samples.Tokenizer.Special, loaded.Special);
        Assert.Equal(Samples.Tokenizer.Merges, Assert.IsType<BpeTokenizer>(loaded).Merges);
        Assert.All(Samples.Texts, text => Assert.Equal(Samples.Tokenizer.Encode(text), loaded.Encode(text)));
        Assert.Equal(TokenizerFolder.Files.Order(), Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void The_files_say_what_transformers_looks_for()
    {
        using var folder = new Samples.Folder();
        TokenizerFolder.Save(Samples.Tokenizer, folder.Path, contextLength: 256);
        var config = JsonDocument.Parse(File.ReadAllText(folder.File("tokenizer_config.json"))).RootElement;
        Assert.Equal("PreTrainedTokenizerFast", config.GetProperty("tokenizer_class").GetString());
        Assert.Equal("<|endoftext|>", config.GetProperty("eos_token").GetString());
        Assert.Equal(256, config.GetProperty("model_max_length").GetInt32());
        Assert.Equal(ChatFormat.JinjaTemplate, File.ReadAllText(folder.File("chat_template.jinja")));
        Assert.Equal(ChatFormat.JinjaTemplate, config.GetProperty("chat_template").GetString());
        Assert.True(config.GetProperty("add_bos_token").GetBoolean());
        Assert.False(config.GetProperty("add_eos_token").GetBoolean());
        var single = JsonDocument
            .Parse(File.ReadAllText(folder.File("tokenizer.json")))
            .RootElement.GetProperty("post_processor")
            .GetProperty("single");
        Assert.Equal("<|bos|>", single[0].GetProperty("SpecialToken").GetProperty("id").GetString());
        Assert.Equal(2, single.GetArrayLength());
    }

    [Fact]
    public void One_begin_token_opens_a_prompt_whoever_wrote_the_file()
    {
        using var folder = new Samples.Folder();
        var golden = File.ReadAllText(Path.Combine(Samples.Goldens, "tokenizer.json"));
        foreach (var (end, template) in (ReadOnlySpan<(string, bool)>)[("<|endoftext|>", true), ("<|eos|>", false), ("<|eos|>", true)])
        {
            var root = JsonNode.Parse(golden.Replace("<|endoftext|>", end, StringComparison.Ordinal))!.AsObject();
            if (!template) root["post_processor"] = null;                // as Dolmen 0.1 wrote it
            File.WriteAllText(folder.File("tokenizer.json"), root.ToJsonString());
            var tokenizer = TokenizerFolder.Load(folder.Path);
            Assert.Equal(Samples.Tokenizer.Special, tokenizer.Special);
            Assert.Equal([tokenizer.Special.Bos, .. tokenizer.Encode("the")], tokenizer.EncodePrompt("the"));
            Assert.Equal(end, System.Text.Encoding.UTF8.GetString(tokenizer.BytesOf(tokenizer.Special.Eos)));
        }
    }

    [Fact]
    public void Another_template_replaces_the_one_in_the_configuration()
    {
        using var folder = new Samples.Folder();
        TokenizerFolder.Save(Samples.Tokenizer, folder.Path);
        TokenizerFolder.SaveChatTemplate("{{ 1 }}", folder.Path);
        var config = JsonDocument.Parse(File.ReadAllText(folder.File("tokenizer_config.json"))).RootElement;
        Assert.Equal("{{ 1 }}", config.GetProperty("chat_template").GetString());
        Assert.Equal("1000000000000000019884624838656", config.GetProperty("model_max_length").GetRawText());
    }

    [Fact]
    public void Merges_written_as_text_and_other_ids_load_too()
    {
        using var folder = new Samples.Folder();
        var root = Golden();
        var model = root["model"] ?? throw new InvalidOperationException();
        model["merges"] = new JsonArray([.. (model["merges"] as JsonArray ?? []).Select(pair => (JsonNode?)$"{pair?[0]} {pair?[1]}")]);
        // Hugging Face's own trainer puts special tokens first, and into the vocabulary as well.
        var vocabulary = new JsonObject();
        foreach (var (name, id) in SpecialTokens.Names.Select((name, id) => (name, id))) vocabulary[name] = id;
        foreach (var (name, id) in model["vocab"] as JsonObject ?? []) vocabulary[name] = (int)(id ?? 0) + 7;
        model["vocab"] = vocabulary;
        foreach (var (token, id) in (root["added_tokens"] as JsonArray ?? []).Select((token, id) => (token, id)))
            if (token is not null) token["id"] = id;
        File.WriteAllText(folder.File("tokenizer.json"), root.ToJsonString());

        var loaded = TokenizerFolder.Load(folder.Path);
        Assert.Equal(new SpecialTokens(0, 1, 2, 3, 4, 5, 6), loaded.Special);
        Assert.All(Samples.Texts, text => Assert.Equal(Samples.Tokenizer.Encode(text).Select(id => id + 7), loaded.Encode(text)));
    }

    [Theory]
    [InlineData("pre_tokenizer.type", "\"UnicodeScripts\"", "pre_tokenizer.type is 'UnicodeScripts'")]
    [InlineData("model.type", "\"WordPiece\"", "model.type is 'WordPiece'")]
    [InlineData("model.vocab.a", "-1", "model.vocab.a")]
    [InlineData("model.vocab.a", "99999999999", "model.vocab.a")]
    [InlineData("model.vocab.a", "0", "another token")]
    [InlineData("model.vocab.a", "900", "without a gap")]
    [InlineData("model.vocab", "{}", "256 single bytes")]
    [InlineData("model.vocab", "[]", "must be Object")]
    [InlineData("model.merges[0]", "[\"a\"]", "1 parts")]
    [InlineData("model.merges[0]", "[\"a\",\"\u0120zzz\"]", "must be in the vocabulary")]
    [InlineData("model.dropout", "0.1", "dropout")]
    [InlineData("model.merges", "[]", "merges are missing")]
    [InlineData("model.merges[1]", "[\"\u0120\",\"t\"]", "a second time")]
    [InlineData("normalizer", "{\"type\":\"Nmt\"}", "normalizer.type is 'Nmt'")]
    [InlineData(
        "normalizer",
        "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(\"},\"content\":\"\"}",
        "normalizer.pattern.Regex cannot be used: The pattern ( has a '(' without a ')'"
    )]
    [InlineData("pre_tokenizer.pretokenizers[0].pattern.Regex", "\"(\"", "pre_tokenizer.pretokenizers[0].pattern.Regex cannot be used")]
    [InlineData(
        "pre_tokenizer.pretokenizers[0].behavior",
        "\"MergedWithSome\"",
        "behavior is 'MergedWithSome': it must be one of Isolated, Removed"
    )]
    [InlineData("added_tokens[0].content", "\"\"", "added_tokens[0].content is empty")]
    [InlineData("added_tokens[0].lstrip", "1", "added_tokens[0].lstrip")]
    [InlineData("added_tokens[1].id", "5", "added_tokens[1].content is '<|endoftext|>' with the id 5")]
    [InlineData("added_tokens[1].content", "\"<|bos|>\"", "comes twice")]
    [InlineData(
        "post_processor",
        "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\"}}],\"special_tokens\":{}}",
        "which special_tokens does not hold"
    )]
    [InlineData("surprise", "1", "surprise")]
    public void A_wrong_field_is_named(string place, string value, string expected)
    {
        using var folder = new Samples.Folder();
        var root = Golden();
        Put(root, place, JsonNode.Parse(value));
        File.WriteAllText(folder.File("tokenizer.json"), root.ToJsonString());
        var message = Assert.Throws<UserErrorException>(() => TokenizerFolder.Load(folder.Path)).Message;
        Assert.Contains(expected, message);
        Assert.Contains("tokenizer.json", message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"version\":\"1.0\",\"version\":\"1.0\"}")]
    [InlineData("{\"version\":\"\\ud800\"}")]
    public void A_damaged_file_is_the_users_error(string content)
    {
        using var folder = new Samples.Folder();
        File.WriteAllText(folder.File("tokenizer.json"), content);
        Assert.Throws<UserErrorException>(() => TokenizerFolder.Load(folder.Path));
    }

    [Fact]
    public void A_file_cut_short_anywhere_is_refused()
    {
        using var folder = new Samples.Folder();
        var whole = File.ReadAllBytes(Path.Combine(Samples.Goldens, "tokenizer.json"));
        for (var length = 0; length < whole.Length - 2; length += 997)
        {
            File.WriteAllBytes(folder.File("tokenizer.json"), whole[..length]);
            Assert.Throws<UserErrorException>(() => TokenizerFolder.Load(folder.Path));
        }
    }

    [Fact]
    public void A_folder_without_a_tokenizer_is_the_users_error()
    {
        using var folder = new Samples.Folder();
        Assert.Contains("tokenizer.json", Assert.Throws<UserErrorException>(() => TokenizerFolder.Load(folder.Path)).Message);
    }

    private static JsonObject Golden() =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(Samples.Goldens, "tokenizer.json"))) as JsonObject
            ?? throw new InvalidOperationException();

    private static void Put(JsonNode at, string place, JsonNode? value)
    {
        var steps = place.Replace("[", ".[").Split('.');
        foreach (var step in steps[..^1])
            at = (step[0] == '[' ? at[int.Parse(step[1..^1])] : at[step]) ?? throw new InvalidOperationException(place);
        if (steps[^1][0] == '[') at[int.Parse(steps[^1][1..^1])] = value;
        else at[steps[^1]] = value;
    }
}
