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
        var actual = model.Config is JambaConfig jamba
            ? jamba with
            {
                Experts = new MixtureConfig(jamba.Experts.Count, jamba.Experts.TopK, 0.001),
            }
            : model.Config;
        Assert.Equal(expected, actual);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("tied, linear scaling")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    [InlineData("mixtral")]
    [InlineData("mixtral in a window")]
    [InlineData("mamba")]
    [InlineData("falcon mamba")]
    [InlineData("mamba2")]
    [InlineData("jamba")]
    [InlineData("gpt2")]
    [InlineData("llama 3")]
    [InlineData("yarn")]
    [InlineData("yarn with a temperature")]
    [InlineData("longrope")]
    [InlineData("longrope with experts")]
    public void A_model_exported_and_read_back_is_the_same(string name)
    {
        var config = Config(name);
        var weights = Weights(config).ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        Export(config, weights, GgmlType.F32);
        using var model = GgufModel.Open(_folder["x.gguf"]);
        var expectedConfig = config switch
        {
            TransformerConfig { Window: not null } c => c with { Window = null },           // as wide as the context
            // A file holds the ratio to YaRN's own temperature, as a float.
            TransformerConfig { RopeScaling: YarnScaling { AttentionFactor: not null } yarn } c => c with
            {
                RopeScaling = yarn with { AttentionFactor = Math.Round(((TransformerConfig)model.Config).RopeScaling!.Magnitude, 6) == 1.25
                    ? ((TransformerConfig)model.Config).RopeScaling!.Magnitude : 1.25 },
            },
            _ => config,
        };
        Assert.Equal(expectedConfig, model.Config);
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

    public static TheoryData<string, string> Unwritable => new()
    {
        { "dolmen", "llama.cpp has no n-gram tables. Train the portable plan with --plan llama" },
        { "alibi", "its Llama has rotary positions" },
        { "window", "Dolmen does not write attention windows (this model sees 16 tokens back)" },
        { "qwen2 with llama 3 positions", "no Llama 3 positions in the architecture 'qwen2'" },
        { "qwen2 with longrope", "in the architectures 'llama', 'phi3', 'phimoe', 'minicpm', 'minicpm3' and 'granite', not in 'qwen2'" },
        { "qwen3 with longrope", "not in 'qwen3'" },
        { "dynamic", "Dolmen does not write positions of its kind (dynamic)" },
        { "yarn with another ramp", "a ramp (beta_fast, beta_slow, truncate) other than 32, 1 and true" },
        { "mamba of another width", "an inner width of twice the width, this model 100 for 64" },
        { "mamba with biases", "not on its projections" },
        { "mamba2 in groups", "norms each group of a Mamba-2 layer alone" },
        { "mamba2 with limits", "does not limit the time step" },
        { "s4", "llama.cpp has no architecture with all it consists of" },
    };

    [Theory, MemberData(nameof(Unwritable))]
    public void What_llama_cpp_would_compute_otherwise_is_refused_with_the_reason(string name, string reason)
    {
        var llama = (TransformerConfig)Config("llama");
        ModelConfig config = name switch
        {
            "dolmen" => SmallModels.All["dolmen"],
            "alibi" => llama with { Positions = PositionKind.Alibi },
            "window" => llama with { Window = 16 },
            "qwen2 with llama 3 positions" => llama with { QkvBias = true, RopeScaling = new Llama3Scaling(8, 1, 4, 8192) },
            "qwen2 with longrope" => llama with { QkvBias = true, RopeScaling = LongRope },
            "qwen3 with longrope" => llama with { QkNorm = true, RopeScaling = LongRope },
            "dynamic" => llama with { RopeScaling = new DynamicScaling(4, 128) },
            "yarn with another ramp" => llama with { RopeScaling = new YarnScaling(4, 32, BetaFast: 16) },
            "mamba of another width" => new MambaConfig(40, 64, 2, 4096, 100, 4),
            "mamba with biases" => new MambaConfig(40, 64, 2, 4096, 128, 4, Bias: true),
            "mamba2 in groups" => new Mamba2Config(40, 64, 2, 4096, 8, 16, 16, 2),
            "mamba2 with limits" => new Mamba2Config(40, 64, 2, 4096, 8, 16, 16, MaxDt: 0.1),
            _ => new S4Config(61, 20, 2, 64, 30, 8),
        };
        var message = Assert.Throws<UserErrorException>(() => Export(config, [], GgmlType.F32)).Message;
        Assert.Contains("cannot be written as GGUF", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
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
            GgufWriter.Write(
                _folder["y.gguf"],
                [
                    .. file.Metadata.Values.Select(item =>
                        (
                            item.Key,
                            item.Key != key ? item.Value
                            : key == "general.architecture" ? GgufValue.Of("3")
                            : GgufValue.Of(3u)
                        )
                    ),
                ],
                [.. file.Tensors.Select(tensor => new GgufTensorPlan(tensor.Name, tensor.Type, tensor.Shape))],
                tensor => new float[tensor.Elements]
            );
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

    // The context of 128 is four times the original one.
    private static LongRopeScaling LongRope =>
        new(4, 32, [1, 1.05, 1.1, 1.3, 1.5, 2, 2.1, 2.2], [1.2, 1.6, 2.5, 4, 6, 9, 10.3, 12.05], 1.25);

    private static ModelConfig Config(string name)
    {
        var llama = new TransformerConfig(40, 64, 2, 4, 2, 16, 96, 128, 50000, 1e-6, false);
        return name switch
        {
            "qwen2" => llama with { QkvBias = true },
            "qwen3" => llama with { QkNorm = true, HeadDim = 32 },
            "mixtral" => llama with { Experts = new MixtureConfig(3) },
            "mixtral in a window" => llama with { Experts = new MixtureConfig(3), Window = 128 },
            "falcon mamba" => new MambaConfig(40, 64, 2, 4096, 128, 4, MixerNormEps: 1e-5),
            "mamba2" => new Mamba2Config(40, 64, 2, 4096, 8, 16, 16),
            "gpt2" => new Gpt2Config(40, 64, 2, 4, 96, 128),
            "llama 3" => llama with { RopeScaling = new Llama3Scaling(8, 1, 4, 8192), RopeTheta = 500000 },
            "yarn" => llama with { RopeScaling = new YarnScaling(4, 32) },
            "yarn with a temperature" => llama with { RopeScaling = new YarnScaling(4, 32, AttentionFactor: 1.25) },
            "longrope" => llama with { RopeScaling = LongRope },
            "longrope with experts" => llama with { RopeScaling = LongRope with { AttentionFactor = 1 }, Experts = new MixtureConfig(3) },
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

    private void Export(ModelConfig config, Dictionary<string, NamedTensor> weights, GgmlType type) =>
        GgufExport.Write(
            _folder["x.gguf"],
            "x",
            config,
            tensor => weights[tensor.Name].Values.ToArray(),
            [("tokenizer.ggml.model", GgufValue.Of("none"))],
            type
        );

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
