using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;
using Dolmen.Inference;
using Dolmen.Pipeline.Interchange;
using Dolmen.Tests.Fakes;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Pipeline;

public sealed class Interchange : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The text is what llama2.c itself says from the same files (karpathy/tinyllamas).</summary>
    [Fact]
    public void A_model_of_llama2_c_tells_its_story_word_for_word()
    {
        ModelImport.FromLlama2C(Story("stories260K.bin"), Story("tok512.bin"), Path("stories"));
        var expected = File.ReadAllText(Story("expected.txt"));
        Assert.StartsWith(expected, Tell(Path("stories"), 260), StringComparison.Ordinal);
    }

    [Fact]
    public void The_story_survives_the_way_through_gguf()
    {
        ModelImport.FromLlama2C(Story("stories260K.bin"), Story("tok512.bin"), Path("stories"));
        ModelExport.ToGguf(Path("stories"), Path("stories.gguf"), stop: TestContext.Current.CancellationToken);
        var imported = ModelImport.FromGguf(Path("stories.gguf"), Path("again"), stop: TestContext.Current.CancellationToken);
        Assert.Null(imported.Note);
        Assert.Equal(File.ReadAllBytes(Path("stories/model.safetensors")), File.ReadAllBytes(Path("again/model.safetensors")));
        Assert.Equal(Tell(Path("stories"), 60), Tell(Path("again"), 60));
        Assert.Equal(TokenizerFolder.Load(Path("stories")).Encode("a little girl, 3 × Ünïcode"),
            TokenizerFolder.Load(Path("again")).Encode("a little girl, 3 × Ünïcode"));
    }

    [Fact]
    public void The_gguf_file_itself_tells_the_same_story()
    {
        ModelImport.FromLlama2C(Story("stories260K.bin"), Story("tok512.bin"), Path("stories"));
        ModelExport.ToGguf(Path("stories"), Path("stories.gguf"), stop: TestContext.Current.CancellationToken);
        Assert.Equal(Tell(Path("stories"), 60), Tell(Path("stories.gguf"), 60));
        ModelExport.ToFolder(Path("stories.gguf"), Path("again"), stop: TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(Path("stories/model.safetensors")), File.ReadAllBytes(Path("again/model.safetensors")));
    }

    [Fact]
    public void A_vocabulary_of_bytes_survives_the_way_through_gguf()
    {
        var tokenizer = BpeTrainer.Train(
            ["the theme of the thesis; Größe, größer, 한국어 한국"],
            new TokenizerRecipe(280),
            new Progress<StageProgress>(),
            CancellationToken.None
        );
        var config = new TransformerConfig(tokenizer.VocabSize, 32, 1, 2, 2, 16, 32, 64);
        TokenizerFolder.Save(tokenizer, Path("t"), 64);
        TokenizerFolder.SaveChatTemplate("{{ messages[0]['content'] }}", Path("t"));
        HuggingFaceFolder.Save(
            Path("m"),
            config,
            config.Tensors().Select(tensor => new NamedTensor(tensor.Name, tensor.Shape, new float[tensor.Elements])),
            new ModelCard("m", "s"),
            new SpecialTokenIds(0, 1, 2, 6),
            Directory.GetFiles(Path("t"))
        );
        ModelExport.ToGguf(Path("m"), Path("m.gguf"), GgmlType.Q80, stop: TestContext.Current.CancellationToken);
        Assert.Null(ModelImport.FromGguf(Path("m.gguf"), Path("n"), stop: TestContext.Current.CancellationToken).Note);
        Assert.Equal(File.ReadAllText(Path("m/tokenizer.json")), File.ReadAllText(Path("n/tokenizer.json")));
        Assert.Equal("{{ messages[0]['content'] }}", File.ReadAllText(Path("n/chat_template.jinja")));
    }

    [Fact]
    public void A_file_is_the_same_whatever_it_is_called_and_names_the_model()
    {
        ModelImport.FromLlama2C(Story("stories260K.bin"), Story("tok512.bin"), Path("run/model"));
        foreach (var name in (string[])["a.gguf", "b.gguf"])
            ModelExport.ToGguf(Path("run"), Path(name), stop: TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(Path("a.gguf")), File.ReadAllBytes(Path("b.gguf")));
        using var file = GgufFile.Open(Path("a.gguf"));
        Assert.Equal("run", file.Metadata.Text("general.name"));
    }

    [Fact]
    public void Rows_beyond_the_vocabulary_are_fillers_that_are_no_tokens()
    {
        var tokenizer = BpeTrainer.Train(
            ["the theme of the thesis"],
            new TokenizerRecipe(270),
            new Progress<StageProgress>(),
            CancellationToken.None
        );
        Save(tokenizer, rows: 288);
        ModelExport.ToGguf(Path("m"), Path("m.gguf"), stop: TestContext.Current.CancellationToken);
        using (var file = GgufFile.Open(Path("m.gguf")))
        {
            Assert.Equal(288, file.Metadata.Texts("tokenizer.ggml.tokens").Length);
            Assert.Equal("[PAD287]", file.Metadata.Texts("tokenizer.ggml.tokens")[^1]);
            Assert.Equal(5, file.Metadata.FindInt32s("tokenizer.ggml.token_type")![^1]);
        }
        ModelImport.FromGguf(Path("m.gguf"), Path("n"), stop: TestContext.Current.CancellationToken);
        Assert.Equal(tokenizer.Encode("the thesis [PAD287]"), TokenizerFolder.Load(Path("n")).Encode("the thesis [PAD287]"));
        Save(tokenizer, rows: 260);
        Assert.Contains("has only 260 rows", Assert.Throws<UserErrorException>(() =>
            ModelExport.ToGguf(Path("m"), Path("m.gguf"), stop: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    /// <summary>Of the merges, "t h" goes before "h e": a vocabulary with "the" by "t he" alone has a token that merging does not
    /// give.</summary>
    [Theory]
    [InlineData("llama-bpe", true, false, null)]
    [InlineData("llama-bpe", false, false, "it does not take 'the' whole")]
    [InlineData("gpt-2", false, false, null)]
    [InlineData("gpt-2", true, false, "it takes 'the' whole")]
    [InlineData("gpt-2", false, true, "it puts a space before a text")]
    public void What_GGUF_cannot_say_of_a_byte_level_vocabulary_is_refused(string split, bool whole, bool space, string? message)
    {
        Save(
            BpeTrainer.Train(
                ["ab"],
                new TokenizerRecipe(263) { PreTokenizer = split },
                new Progress<StageProgress>(),
                CancellationToken.None
            ),
            rows: 300
        );
        var json = JsonNode.Parse(File.ReadAllText(Path("m/tokenizer.json")))!;
        var vocabulary = json["model"]!["vocab"]!.AsObject();
        var next = 263;
        foreach (var token in (string[])["th", "he", "the"]) vocabulary[token] = next++;
        json["model"]!["merges"] = new JsonArray("t h", "h e", "t he");
        json["model"]!["ignore_merges"] = whole;
        if (space)
            json["pre_tokenizer"] = JsonNode.Parse("""{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}""");
        File.WriteAllText(Path("m/tokenizer.json"), json.ToJsonString());
        void Export() => ModelExport.ToGguf(Path("m"), Path("m.gguf"), stop: TestContext.Current.CancellationToken);
        if (message is null)
        {
            Export();
            Assert.Equal(TokenizerFolder.Load(Path("m")).Encode("the he"), GgufTokenizer.Load(Path("m.gguf")).Encode("the he"));
        }
        else Assert.Contains(message, Assert.Throws<UserErrorException>(Export).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NFC", true)]
    [InlineData("NFD", false)]
    [InlineData("NFKC", false)]
    [InlineData("Lowercase", false)]
    public void A_normalizer_that_llama_cpp_would_leave_out_refuses_the_export(string kind, bool written)
    {
        Save(BpeTrainer.Train(["ab"], new TokenizerRecipe(263), new Progress<StageProgress>(), CancellationToken.None), rows: 300);
        var json = JsonNode.Parse(File.ReadAllText(Path("m/tokenizer.json")))!;
        json["normalizer"] = new JsonObject { ["type"] = kind };
        File.WriteAllText(Path("m/tokenizer.json"), json.ToJsonString());
        var notes = new List<string>();
        void Export() =>
            ModelExport.ToGguf(Path("m"), Path("m.gguf"), type: null, notes.Add, TestContext.Current.CancellationToken);
        if (written) Export();
        else Assert.Contains("cannot be written as GGUF", Assert.Throws<UserErrorException>(Export).Message, StringComparison.Ordinal);
        Assert.Equal(written, File.Exists(Path("m.gguf")));
        Assert.Equal(written, notes.Exists(note => note.Contains("NFC normalizer", StringComparison.Ordinal)));

        // The weights alone can always be had.
        ModelExport.ToGguf(Path("m"), Path("w.gguf"), null, notes.Add, TestContext.Current.CancellationToken, weightsOnly: true);
        Assert.Contains("No vocabulary was written", notes[^1], StringComparison.Ordinal);
        Assert.Contains("holds no vocabulary", Assert.Throws<UserErrorException>(() => TokenizerSource.Open(Path("w.gguf"))).Message,
            StringComparison.Ordinal);
        ModelImport.FromGguf(Path("w.gguf"), Path("w"), null, weightsOnly: false, TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(Path("m/model.safetensors")), File.ReadAllBytes(Path("w/model.safetensors")));
    }

    private void ExportSmallVocabulary()
    {
        var tokenizer = BpeTrainer.Train(
            ["the theme of the thesis"],
            new TokenizerRecipe(270),
            new Progress<StageProgress>(),
            CancellationToken.None
        );
        Save(tokenizer, rows: tokenizer.VocabSize);
        ModelExport.ToGguf(Path("m"), Path("m.gguf"), stop: TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("merges", "tokenizer.ggml.merges is missing")]
    [InlineData("token_type", "0 types, without which bytes and special tokens cannot be told from text")]
    [InlineData("merges is empty", "merges are missing")]
    [InlineData("merges is empty, llama-bpe", "merges are missing")]
    public void A_vocabulary_that_cannot_encode_is_refused_and_leaves_nothing(string what, string message)
    {
        ExportSmallVocabulary();
        Rewrite(metadata =>
        {
            if (what.StartsWith("merges is empty", StringComparison.Ordinal))
                metadata["tokenizer.ggml.merges"] = GgufValue.Of(Array.Empty<string>());
            else
                metadata.Remove("tokenizer.ggml." + what);
            if (what.EndsWith("llama-bpe", StringComparison.Ordinal))
                metadata["tokenizer.ggml.pre"] = GgufValue.Of("llama-bpe");
        });
        foreach (
            var attempt in (Action[])[() => ModelImport.FromGguf(Path("x.gguf"), Path("x")), () => GgufTokenizer.Load(Path("x.gguf"))]
        )
            Assert.Contains(message, Assert.Throws<UserErrorException>(attempt).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path("x")));
    }

    [Theory]
    [InlineData("scores", "no scores")]
    [InlineData("token_type", "0 types")]
    [InlineData("equal scores", "all its scores are -1")]
    public void Pieces_that_cannot_encode_are_refused(string what, string message)
    {
        ModelImport.FromLlama2C(Story("stories260K.bin"), Story("tok512.bin"), Path("stories"));
        ModelExport.ToGguf(Path("stories"), Path("m.gguf"), stop: TestContext.Current.CancellationToken);
        Rewrite(metadata =>
        {
            if (what == "equal scores") metadata["tokenizer.ggml.scores"] = GgufValue.Of(Enumerable.Repeat(-1f, 512).ToArray());
            else metadata.Remove("tokenizer.ggml." + what);
        });
        Assert.Contains(message, Assert.Throws<UserErrorException>(() => ModelImport.FromGguf(Path("x.gguf"), Path("x"))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public void Pieces_begin_and_end_a_text_as_the_file_says(bool bos, bool eos)
    {
        ModelImport.FromLlama2C(Story("stories260K.bin"), Story("tok512.bin"), Path("stories"));
        ModelExport.ToGguf(Path("stories"), Path("m.gguf"), stop: TestContext.Current.CancellationToken);
        Rewrite(metadata =>
        {
            metadata["tokenizer.ggml.add_bos_token"] = GgufValue.Of(bos);
            metadata["tokenizer.ggml.add_eos_token"] = GgufValue.Of(eos);
        });
        var tokenizer = GgufTokenizer.Load(Path("x.gguf"));
        Assert.Equal(bos ? [1] : [], tokenizer.Before);
        Assert.Equal(eos ? [2] : [], tokenizer.After);
    }

    [Theory]
    [InlineData("model", "rwkv")]
    [InlineData("model", "bert")]
    [InlineData("model", "t5")]
    [InlineData("model", "")]
    [InlineData("pre", "unheard-of")]
    [InlineData("pre", "")]
    public void A_vocabulary_of_an_unknown_kind_is_refused_and_only_the_weights_are_read_where_asked_for(string key, string value)
    {
        ExportSmallVocabulary();
        Rewrite(metadata => metadata["tokenizer.ggml." + key] = GgufValue.Of(value));
        foreach (
            var attempt in (Action[])[() => ModelImport.FromGguf(Path("x.gguf"), Path("x")), () => GgufTokenizer.Load(Path("x.gguf"))]
        )
        {
            var message = Assert.Throws<UserErrorException>(attempt).Message;
            Assert.Contains($"'{value}'", message, StringComparison.Ordinal);
            Assert.Contains("x.gguf", message, StringComparison.Ordinal);
            Assert.Contains("--weights-only", message, StringComparison.Ordinal);
        }
        Assert.False(Directory.Exists(Path("x")));
        var note = ModelImport.FromGguf(Path("x.gguf"), Path("x"), weightsOnly: true, stop: TestContext.Current.CancellationToken).Note;
        Assert.Equal("No tokenizer was written: only the weights were asked for.", note);
        Assert.True(File.Exists(Path("x/model.safetensors")));
        Assert.False(File.Exists(Path("x/tokenizer.json")));
    }

    [Fact]
    public void Falcon_mamba_goes_both_ways_and_a_second_epsilon_is_noted()
    {
        foreach (var epsilon in (double[])[1e-5, 1e-6])
        {
            var config = new MambaConfig(40, 32, 1, 1 << 20, 64, 2, MixerNormEps: epsilon);
            HuggingFaceFolder.Save(
                Path("f"),
                config,
                config.Tensors().Select(tensor => new NamedTensor(tensor.Name, tensor.Shape, new float[tensor.Elements])),
                new ModelCard("f", "s"),
                new SpecialTokenIds(null, null, null, null),
                []
            );
            Assert.Contains("\"model_type\": \"falcon_mamba\"", File.ReadAllText(Path("f/config.json")), StringComparison.Ordinal);
            Assert.Equal(config, HuggingFaceFolder.LoadConfig(Path("f")));
            List<string> notes = [];
            ModelExport.ToGguf(Path("f"), Path("f.gguf"), null, notes.Add, TestContext.Current.CancellationToken);
            Assert.Equal(epsilon != 1e-5, notes.Exists(note => note.Contains("one epsilon for all norms", StringComparison.Ordinal)));
            ModelImport.FromGguf(Path("f.gguf"), Path("g"), stop: TestContext.Current.CancellationToken);
            Assert.Equal(config with { MixerNormEps = 1e-5 }, HuggingFaceFolder.LoadConfig(Path("g")));
        }
    }

    [Theory]
    [InlineData(0, "fewer than 28 bytes")]
    [InlineData(27, "fewer than 28 bytes")]
    [InlineData(1000, "it has 1000 bytes where its header asks for 1056540")]
    public void A_model_of_llama2_c_that_is_cut_off_is_refused(int length, string message)
    {
        File.WriteAllBytes(Path("x.bin"), File.ReadAllBytes(Story("stories260K.bin"))[..length]);
        var error = Assert.Throws<UserErrorException>(() => ModelImport.FromLlama2C(Path("x.bin"), Story("tok512.bin"), Path("x")));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path("x")));
    }

    private void Save(Tokenizer tokenizer, int rows)
    {
        var config = new TransformerConfig(rows, 32, 1, 2, 2, 16, 32, 64);
        TokenizerFolder.Save(tokenizer, Path("t"), 64);
        HuggingFaceFolder.Save(
            Path("m"),
            config,
            config.Tensors().Select(tensor => new NamedTensor(tensor.Name, tensor.Shape, new float[tensor.Elements])),
            new ModelCard("m", "s"),
            new SpecialTokenIds(0, 1, 2, 6),
            Directory.GetFiles(Path("t"))
        );
    }

    /// <summary>m.gguf with other metadata, as x.gguf.</summary>
    private void Rewrite(Action<Dictionary<string, GgufValue>> change)
    {
        using var file = GgufFile.Open(Path("m.gguf"));
        var metadata = file.Metadata.Values.ToDictionary(item => item.Key, item => item.Value);
        change(metadata);
        GgufWriter.Write(Path("x.gguf"), [.. metadata.Select(item => (item.Key, item.Value))],
            [.. file.Tensors.Select(tensor => new GgufTensorPlan(tensor.Name, tensor.Type, tensor.Shape))], tensor =>
            {
                var values = new float[tensor.Elements];
                file.Read(tensor.Name, values);
                return values;
            });
    }

    private static string Tell(string folder, int tokens)
    {
        var (model, tokenizer) = ModelFolder.Load(folder, threads: 1);
        using var owned = model;
        return new Generator(model, tokenizer)
            .Generate([tokenizer.Special.Bos], new GenerationOptions(SamplingOptions.Greedy, tokens))
            .Text;
    }

    private string Path(string name) => System.IO.Path.Combine(_folder.Path, name);

    private static string Story(string name) =>
        System.IO.Path.Combine(AppContext.BaseDirectory, "Pipeline", "Goldens", "stories260K", name);
}
