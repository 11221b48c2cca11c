using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;

namespace Dolmen.Tests.Checkpoints;

/// <summary>Against files that llama.cpp's converter made of Hugging Face folders.</summary>
public sealed class GgufModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_of_llama_cpp_is_the_folder_it_was_made_of_bit_for_bit()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "Inference", "Goldens", "llama_gqa_bf16");
        using var model = GgufModel.Open(Golden("llama_gqa_bf16.gguf"));
        Assert.Equal(HuggingFaceFolder.LoadConfig(folder), model.Config);
        Assert.Equal(TensorDtype.BFloat16, model.Dtype);
        using var weights = CheckpointWeights.Open(folder, model.Config);
        foreach (var tensor in model.Tensors(TestContext.Current.CancellationToken))
        {
            var expected = new float[tensor.Values.Length];
            weights.Read(tensor.Name, expected);
            Assert.Equal(expected, tensor.Values.ToArray());
        }
    }

    /// <summary>The same converter's files without their data: architecture, sizes, and every name and shape.</summary>
    [Theory]
    [InlineData("mixtral")]
    [InlineData("mamba")]
    [InlineData("jamba")]
    public void Metadata_and_tensors_of_llama_cpp_give_the_configuration_of_the_folder(string name)
    {
        File.Copy(Golden($"{name}.config.json"), _folder["config.json"]);
        using var model = GgufModel.Open(WithEmptyData(name));
        var expected = HuggingFaceFolder.LoadConfig(_folder.Path);
        // The balance of experts matters in training alone and is not in the file; a recurrent model's context is the reader's choice.
        expected = expected switch
        {
            TransformerConfig { Experts: { } mixture } c => c with { Experts = new MixtureConfig(mixture.Count, mixture.TopK) },
            JambaConfig c => c with { Experts = new MixtureConfig(c.Experts.Count, c.Experts.TopK, 0.001) },
            MambaConfig c => c with { ContextLength = model.Config.ContextLength },
            _ => expected,
        };
        var actual = model.Config is JambaConfig jamba ? jamba with { Experts = new MixtureConfig(jamba.Experts.Count, jamba.Experts.TopK, 0.001) } : model.Config;
        Assert.Equal(expected, actual);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("tied, linear scaling")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    [InlineData("mixtral")]
    [InlineData("mamba")]
    [InlineData("jamba")]
    public void A_model_exported_and_read_back_is_the_same(string name)
    {
        var config = Config(name);
        var weights = Weights(config).ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        Export(config, weights, GgmlType.F32);
        using var model = GgufModel.Open(_folder["x.gguf"]);
        Assert.Equal(config, model.Config);
        foreach (var tensor in model.Tensors(TestContext.Current.CancellationToken))
        {
            var expected = weights[tensor.Name].Values.ToArray();
            // exp and its logarithm cannot undo each other to the last bit.
            if (tensor.Name.EndsWith("A_log", StringComparison.Ordinal)) AssertClose(expected, tensor.Values.ToArray(), 2e-7f);
            else Assert.Equal(expected, tensor.Values.ToArray());
        }
    }

    [Fact]
    public void Quantised_matrices_come_back_within_a_step_and_vectors_exactly()
    {
        var config = Config("llama");
        var weights = Weights(config).ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        Export(config, weights, GgmlType.Q80);
        using var model = GgufModel.Open(_folder["x.gguf"]);
        Assert.Null(model.Dtype);
        foreach (var tensor in model.Tensors(TestContext.Current.CancellationToken))
        {
            AssertClose(weights[tensor.Name].Values.ToArray(), tensor.Values.ToArray(), tensor.Shape.Length == 1 ? 0 : 0.02f);
        }
    }

    [Fact]
    public void What_llama_cpp_has_no_architecture_for_is_refused()
    {
        var config = (TransformerConfig)Config("llama") with { Positions = PositionKind.Alibi };
        Assert.Contains("cannot be written as GGUF", Assert.Throws<UserErrorException>(() => Export(config, [], GgmlType.F32)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("llama.block_count", "'blk.2.attn_norm.weight' is missing")]
    [InlineData("llama.feed_forward_length", "where the metadata ask for [3, 64]")]
    [InlineData("llama.embedding_length", "model.heads is")]
    [InlineData("general.architecture", "general.architecture is '3'")]
    [InlineData("llama.attention.head_count", "heads")]
    [InlineData("llama.rope.dimension_count", "llama.rope.dimension_count is 3")]
    public void Metadata_that_contradict_the_tensors_are_named(string key, string message)
    {
        var config = Config("llama");
        var weights = Weights(config).ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        Export(config, weights, GgmlType.F32);
        using (var file = GgufFile.Open(_folder["x.gguf"]))
        {
            GgufWriter.Write(_folder["y.gguf"],
                [.. file.Metadata.Values.Select(item => (item.Key, item.Key != key ? item.Value : key == "general.architecture" ? GgufValue.Of("3") : GgufValue.Of(3u)))],
                [.. file.Tensors.Select(tensor => new GgufTensorPlan(tensor.Name, tensor.Type, tensor.Shape))], tensor => new float[tensor.Elements]);
        }
        var error = Assert.Throws<UserErrorException>(() => GgufModel.Open(_folder["y.gguf"]));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_that_are_no_numbers_are_refused()
    {
        var config = Config("llama");
        var weights = Weights(config).ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        weights["model.norm.weight"] = weights["model.norm.weight"] with { Values = Enumerable.Repeat(float.NaN, 64).ToArray() };
        Export(config, weights, GgmlType.F32);
        using var model = GgufModel.Open(_folder["x.gguf"]);
        Assert.Contains("'output_norm.weight' holds 64 values of 64", Assert.Throws<UserErrorException>(() =>
            model.Tensors(TestContext.Current.CancellationToken).Count()).Message, StringComparison.Ordinal);
    }

    private static ModelConfig Config(string name)
    {
        var llama = new TransformerConfig(40, 64, 2, 4, 2, 16, 96, 128, 50000, 1e-6, false);
        return name switch
        {
            "qwen2" => llama with { QkvBias = true },
            "qwen3" => llama with { QkNorm = true, HeadDim = 32 },
            "mixtral" => llama with { Experts = new MixtureConfig(3) },
            "tied, linear scaling" => llama with { TieEmbeddings = true, RopeScaling = new LinearScaling(4) },
            "mamba" => new MambaConfig(40, 64, 2, 4096, 128, 4),
            "jamba" => new JambaConfig(40, 64, 8, 4, 2, 96, 512, 128, 4, new MixtureConfig(3, 2, 0.001), 4, 2),
            _ => llama,
        };
    }

    private static IEnumerable<NamedTensor> Weights(ModelConfig config)
    {
        var random = new StableRandom(5);
        foreach (var tensor in config.Tensors())
        {
            var values = new float[tensor.Elements];
            for (var i = 0; i < values.Length; i++) values[i] = (float)random.NextNormal();
            yield return new NamedTensor(tensor.Name, tensor.Shape, values);
        }
    }

    private void Export(ModelConfig config, Dictionary<string, NamedTensor> weights, GgmlType type) => GgufExport.Write(
        _folder["x.gguf"], "x", config, tensor => weights[tensor.Name].Values.ToArray(), [("tokenizer.ggml.model", GgufValue.Of("none"))], type);

    private string WithEmptyData(string name)
    {
        File.Copy(Golden($"{name}.gguf-header"), _folder["empty.gguf"]);
        using var stream = new FileStream(_folder["empty.gguf"], FileMode.Open);
        stream.SetLength(1 << 24);                                       // takes no room on disk
        return _folder["empty.gguf"];
    }

    private static void AssertClose(float[] expected, float[] actual, float tolerance)
    {
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], tolerance);
    }

    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Checkpoints", "Goldens", "gguf", name);
}
