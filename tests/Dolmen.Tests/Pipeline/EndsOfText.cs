using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;
using Dolmen.Inference;
using Dolmen.Pipeline.Interchange;
using Dolmen.Tests.Fakes;
using Dolmen.Tests.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Pipeline;

/// <summary>Where a generated text ends is what the model's files say, and every way of writing the model keeps it.</summary>
public sealed class EndsOfText : IDisposable
{
    private const string ChatMl =
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt "
            + "%}<|im_start|>assistant\n{% endif %}";

    private readonly TemporaryFolder _folder = new();
    private readonly SpecialTokens _ids;

    public EndsOfText()
    {
        var trained = BpeTrainer.Train(
            ["the theme of the thesis; größer"],
            new TokenizerRecipe(280),
            new Progress<StageProgress>(),
            CancellationToken.None
        );
        _ids = trained.Special;
        TokenizerFolder.Save(trained, Path("t"), 64);
        File.Delete(Path("t/chat_template.jinja"));
        var settings = JsonNode.Parse(File.ReadAllText(Path("t/tokenizer_config.json")))!.AsObject();
        settings.Remove("chat_template");
        File.WriteAllText(Path("t/tokenizer_config.json"), settings.ToJsonString());
        // The names of another vocabulary: nothing of Dolmen's own is left to know the ends by.
        foreach (var file in Directory.GetFiles(Path("t")))
        {
            File.WriteAllText(file, File.ReadAllText(file).Replace("<|end|>", "<|im_end|>").Replace("<|user|>", "<|im_start|>")
                .Replace("<|system|>", "<|eom_id|>").Replace("<|assistant|>", "<|other|>"));
        }
        Model("m");
    }

    private int A => _ids.Eos;

    private int B => _ids.End;

    private int C => _ids.System;

    private int D => _ids.Assistant;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_text_ends_at_every_id_of_either_file()
    {
        Say("m", config: $"{A}", generation: null);
        Same([A], EndsOf("m"));
        Say("m", config: $"[{A}, {B}]", generation: null);
        Same([A, B], EndsOf("m"));
        Say("m", config: $"{A}", generation: $$"""{"eos_token_id": [{{A}}, {{C}}]}""");
        Same([A, C], EndsOf("m"));
        Say("m", config: $"[{B}]", generation: $$"""{"eos_token_id": {{C}}}""");
        Same([A, B, C], EndsOf("m"));                            // A is the tokenizer's
        Say("m", config: "null", generation: """{"eos_token_id": null}""");
        Same([A], EndsOf("m"));
        Say("m", config: "-1", generation: """{"eos_token_id": [-1]}""");
        Same([A], EndsOf("m"));
        File.WriteAllText(Path("m/chat_template.jinja"), ChatMl);
        Same([A, B], EndsOf("m"));
        File.WriteAllText(Path("m/chat_template.jinja"), "{% damaged");
        Same([A], EndsOf("m"));                                  // a conversation complains, a text has no need of it
    }

    [Fact]
    public void Generation_stops_at_a_listed_id_and_not_at_other_control_tokens()
    {
        Say("m", config: $"{A}", generation: $$"""{"eos_token_id": [{{A}}, {{B}}]}""");
        var tokenizer = Loaded("m");
        int[] text = [.. tokenizer.Encode("the"), D, .. tokenizer.Encode("me")];
        int[] script = [.. text, B, .. tokenizer.Encode("lost")];
        using var model = new FakeModel(tokenizer.VocabSize, 64, (tokens, token) => token == script[tokens.Count - 1] ? 9 : 0);
        var result = new Generator(model, tokenizer).Generate([A], new GenerationOptions(SamplingOptions.Greedy, 40));
        Assert.Equal(("theme", FinishReason.Stop, B), (result.Text, result.FinishReason, result.StopToken));
        Assert.Equal(text, result.Tokens);
    }

    [Theory]
    [InlineData("\"</s>\"")]
    [InlineData("[1, \"2\"]")]
    [InlineData("2.5")]
    [InlineData("true")]
    [InlineData("[[1]]")]
    public void An_end_that_is_not_an_id_is_refused(string end)
    {
        Say("m", config: "1", generation: $$"""{"eos_token_id": {{end}}}""");
        var error = Assert.Throws<UserErrorException>(() => Loaded("m"));
        Assert.Contains("generation_config.json", error.Message, StringComparison.Ordinal);
        Assert.Contains("eos_token_id", error.Message, StringComparison.Ordinal);
        Assert.Contains("it must be a token id or a list of token ids", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_export_keeps_both_lists_and_every_other_key()
    {
        var generation =
            $$"""{"eos_token_id": [{{B}}, {{A}}, {{C}}], "temperature": 0.6, "unheard_of": {"x": [1, null]}, "do_sample": true}""" + "\n";
        Say("m", config: $"[{B}, {A}]", generation: generation);
        ModelExport.ToFolder(Path("m"), Path("n"), stop: TestContext.Current.CancellationToken);
        Assert.Equal($"[{B},{A}]", Config("n")["eos_token_id"]!.ToJsonString());
        Assert.Equal(generation, File.ReadAllText(Path("n/generation_config.json")));

        Say("m", config: $"[{B}]", generation: null);
        ModelExport.ToFolder(Path("m"), Path("o"), stop: TestContext.Current.CancellationToken);
        Assert.Equal($"[{B}]", Config("o")["eos_token_id"]!.ToJsonString());
        Assert.Contains(B, GenerationSettings.Load(Path("o")).Ends);
    }

    [Fact]
    public void Gguf_gets_the_second_end_as_its_end_of_turn()
    {
        Say("m", config: $"{A}", generation: $$"""{"eos_token_id": [{{A}}, {{B}}, {{C}}], "suppress_tokens": [{{D}}]}""");
        var notes = new List<string>();
        ModelExport.ToGguf(Path("m"), Path("m.gguf"), type: null, notes.Add, TestContext.Current.CancellationToken);
        Assert.Equal((A, B, C), KeysOf("m.gguf"));                       // C is named <|eom_id|>
        Assert.Empty(notes);
        ModelImport.FromGguf(Path("m.gguf"), Path("n"), stop: TestContext.Current.CancellationToken);
        Same([A, B, C], EndsOf("n"));
        Assert.Equal([D], GenerationSettings.Load(Path("n")).Suppressed);
    }

    [Fact]
    public void Ends_that_gguf_has_no_key_for_are_named()
    {
        Say("m", config: $"[{A}, {D}, {B}, 40, 41]", generation: null);
        var notes = new List<string>();
        ModelExport.ToGguf(Path("m"), Path("m.gguf"), type: null, notes.Add, TestContext.Current.CancellationToken);
        Assert.Equal(
            (A, D, 40),
            (KeysOf("m.gguf").Eos, KeysOf("m.gguf").Turn, KeysOf("m.gguf").Message == B ? 40 : KeysOf("m.gguf").Message)
        );
        Assert.Contains("41", Assert.Single(notes), StringComparison.Ordinal);
        Assert.DoesNotContain("<|im_end|>", notes[0], StringComparison.Ordinal);    // llama.cpp knows it by its text
    }

    /// <summary>Ids that no name gives away: only the file's own keys say what they are.</summary>
    [Fact]
    public void Gguf_to_folder_to_gguf_keeps_the_three_ends()
    {
        Say("m", config: $"{A}", generation: $$"""{"eos_token_id": [{{A}}], "eot_token_id": {{D}}, "eom_token_id": 33}""");
        ModelExport.ToGguf(Path("m"), Path("a.gguf"), stop: TestContext.Current.CancellationToken);
        Assert.Equal((A, D, 33), KeysOf("a.gguf"));
        ModelImport.FromGguf(Path("a.gguf"), Path("n"), stop: TestContext.Current.CancellationToken);
        ModelExport.ToFolder(Path("n"), Path("o"), stop: TestContext.Current.CancellationToken);
        ModelExport.ToGguf(Path("o"), Path("b.gguf"), stop: TestContext.Current.CancellationToken);
        Assert.Equal((A, D, 33), KeysOf("b.gguf"));
        Assert.Superset(new HashSet<int> { A, D, 33 }, EndsOf("n").ToHashSet());
    }

    /// <summary>As llama.cpp does: it ends at &lt;|im_end|&gt; for its text alone.</summary>
    [Fact]
    public void A_gguf_file_ends_at_the_texts_that_llama_cpp_knows()
    {
        Say("m", config: $"{A}", generation: null);
        ModelExport.ToGguf(Path("m"), Path("m.gguf"), stop: TestContext.Current.CancellationToken);
        ModelImport.FromGguf(Path("m.gguf"), Path("n"), stop: TestContext.Current.CancellationToken);
        Same([A, B, C], EndsOf("n"));
    }

    [Fact]
    public void A_part_of_an_answer_is_no_end_where_the_vocabulary_has_ends_of_answers()
    {
        int[] Known(params string[] tokens) => [.. GgufTokenizer.EndsByText(new GgufMetadata("x", new Dictionary<string, GgufValue>
        {
            ["tokenizer.ggml.tokens"] = GgufValue.Of(tokens),
        }))];
        Assert.Equal([1, 2], Known("a", "<|end|>", "<|return|>"));
        Assert.Equal([2, 3], Known("a", "<|end|>", "<|return|>", "<|call|>"));
        Assert.Equal([2, 3], Known("a", "<|end|>", "<|flush|>", "<|calls|>"));
        Assert.Equal([0, 2], Known("</s>", "s", "<｜end▁of▁sentence｜>"));
    }

    [Fact]
    public void Settings_say_how_a_model_is_sampled()
    {
        Say(
            "m",
            config: "1",
            generation: """{"do_sample":true,"temperature":0.6,"top_p":0.9,"top_k":20,"min_p":0.1,"repetition_penalty":1.1,"max_new_tokens":7}"""
        );
        var defaults = SamplingDefaults.Of(ModelFolder.Settings(Path("m")), temperature: 0.8);
        Assert.Equal(
            (0.6, 20, 0.9, 0.1, 1.1, 7),
            (defaults.Temperature, defaults.TopK, defaults.TopP, defaults.MinP, defaults.RepetitionPenalty, defaults.MaxTokens)
        );
        Say("m", config: "1", generation: """{"do_sample":false,"temperature":0.6}""");
        Assert.Equal(0, SamplingDefaults.Of(ModelFolder.Settings(Path("m")), 0.8).Temperature);
        Say("m", config: "1", generation: "{}");
        Assert.Equal(0.8, SamplingDefaults.Of(ModelFolder.Settings(Path("m")), 0.8).Temperature);
        Say("m", config: "1", generation: """{"temperature":"hot"}""");
        Assert.Throws<UserErrorException>(() => ModelFolder.Settings(Path("m")));
    }

    [Theory]
    [InlineData("""{"stop_strings":["é","\n\n",""]}""", "é|\n\n")]
    [InlineData("""{"stop_strings":"</s>"}""", "</s>")]
    [InlineData("""{"stop_strings":null}""", "")]
    public void Stop_strings_of_the_model_end_its_texts(string generation, string stops)
    {
        Say("m", config: "1", generation);
        Assert.Equal(stops, string.Join('|', SamplingDefaults.Of(ModelFolder.Settings(Path("m")), 0).Stops));
    }

    [Fact]
    public void Settings_that_change_the_text_and_are_not_supported_are_named_or_refused()
    {
        var said = new List<string>();
        Say(
            "m",
            config: "1",
            generation: """{"num_beams":4,"no_repeat_ngram_size":0,"bad_words_ids":[[3]],"eta_cutoff":0.0,"top_h":null,"max_length":20}"""
        );
        GenerationSettings.Load(Path("m"), new ModelReading(strict: false, said.Add));
        Assert.Contains("sets num_beams, bad_words_ids, which Dolmen does not support", Assert.Single(said), StringComparison.Ordinal);
        Assert.Throws<UserErrorException>(() => GenerationSettings.Load(Path("m"), new ModelReading(strict: true, said.Add)));

        Say(
            "m",
            config: "1",
            generation: """{"num_beams":1,"guidance_scale":1.0,"forced_eos_token_id":null,"sequence_bias":{},"bad_words_ids":[]}"""
        );
        GenerationSettings.Load(Path("m"), new ModelReading(strict: true, said.Add));
    }

    private void Model(string name)
    {
        var size = TokenizerFolder.Load(Path("t")).VocabSize;
        var config = new TransformerConfig(size, 32, 1, 2, 2, 16, 32, 64);
        HuggingFaceFolder.Save(Path(name), config,
            config.Tensors().Select(tensor => new NamedTensor(tensor.Name, tensor.Shape, RandomModel.Values(tensor.Name, tensor.Shape, 1))),
            new ModelCard("m", "s"), new SpecialTokenIds(null, A, null, null), Directory.GetFiles(Path("t")));
    }

    private void Say(string name, string config, string? generation)
    {
        var json = Config(name);
        json["eos_token_id"] = JsonNode.Parse(config);
        File.WriteAllText(Path($"{name}/config.json"), json.ToJsonString());
        File.Delete(Path($"{name}/generation_config.json"));
        if (generation is not null) File.WriteAllText(Path($"{name}/generation_config.json"), generation);
    }

    private JsonObject Config(string name) => JsonNode.Parse(File.ReadAllText(Path($"{name}/config.json")))!.AsObject();

    private Tokenizer Loaded(string name)
    {
        var (model, tokenizer) = ModelFolder.Load(Path(name), threads: 1);
        model.Dispose();
        return tokenizer;
    }

    private IReadOnlyList<int> EndsOf(string name) => Loaded(name).Ends;

    private static void Same(int[] expected, IEnumerable<int> ends) => Assert.Equal(expected.Order(), ends.Order());

    private (int Eos, int? Turn, int? Message) KeysOf(string file)
    {
        using var opened = GgufFile.Open(Path(file));
        int? Key(string key) => opened.Metadata.FindInt32($"tokenizer.ggml.{key}_token_id");
        return (Key("eos") ?? -1, Key("eot"), Key("eom"));
    }

    private string Path(string name) => System.IO.Path.Combine(_folder.Path, name);
}
