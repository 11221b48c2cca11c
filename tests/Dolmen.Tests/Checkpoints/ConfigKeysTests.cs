using System.Text;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Checkpoints;

/// <summary>What the keys of a config.json mean, family by family: understood as transformers 5 understands them, or refused.</summary>
public sealed class ConfigKeysTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _said = [];

    public void Dispose() => _folder.Dispose();

    [Theory]
    // Every place where theta may stand.
    [InlineData("llama_gqa", """{"rope_theta":null,"rope_scaling":{"rope_type":"default","rope_theta":500000.0}}""", 500000)]
    [InlineData("llama_gqa", """{"rope_scaling":{"rope_type":"default","rope_theta":500000.0}}""", 500000)]
    [InlineData("llama_gqa", """{"rope_scaling":{"rope_theta":500000}}""", 500000)]
    [InlineData("llama_gqa", """{"rope_scaling":null,"rope_parameters":{"type":"default","rope_theta":500000}}""", 500000)]
    [InlineData("llama_gqa", """{"rope_scaling":{},"rope_parameters":{"rope_theta":500000}}""", 500000)]
    [InlineData("llama_gqa", """{"rope_theta":500000,"rope_parameters":{"rope_type":"linear","factor":2.0}}""", 500000)]
    [InlineData("llama_gqa", """{"rope_parameters":{"full_attention":{"rope_type":"default","rope_theta":500000}}}""", 500000)]
    [InlineData(
        "llama_gqa",
        """{"rope_parameters":{"full_attention":{"rope_theta":500000},"sliding_attention":{"rope_theta":7}}}""",
        500000
    )]
    [InlineData(
        "mistral_swa",
        """{"rope_parameters":{"full_attention":{"rope_theta":7},"sliding_attention":{"rope_theta":500000}}}""",
        500000
    )]
    // Missing altogether: the family's own (M20a).
    [InlineData("llama_gqa", """{"rope_theta":"missing"}""", 10000)]
    [InlineData("mistral_swa", """{"rope_theta":"missing"}""", 10000)]
    [InlineData("qwen2", """{"rope_theta":"missing"}""", 10000)]
    [InlineData("qwen3", """{"rope_theta":"missing"}""", 10000)]
    [InlineData("mixtral", """{"rope_theta":"missing"}""", 1000000)]
    [InlineData("mixtral", """{"rope_theta":"missing","rope_scaling":{"rope_type":"linear","factor":4}}""", 1000000)]
    public void Theta_is_the_innermost_that_is_said_or_the_familys_own(string golden, string changes, double theta) =>
        Assert.Equal(theta, Assert.IsType<TransformerConfig>(Read(golden, changes)).RopeTheta);

    [Theory]
    [InlineData("llama", 1e-6, 2048, null, 11008, 32000)]
    [InlineData("mistral", 1e-6, 131072, 8, 14336, 32000)]
    [InlineData("qwen2", 1e-6, 32768, 32, 22016, 151936)]
    [InlineData("qwen3", 1e-6, 32768, 32, 22016, 151936)]
    [InlineData("mixtral", 1e-5, 131072, 8, 14336, 32000)]
    public void A_configuration_that_says_nothing_is_the_familys_own(
        string type,
        double epsilon,
        int context,
        int? kvHeads,
        int feedForward,
        int vocabulary
    )
    {
        File.WriteAllText(_folder["config.json"], new JsonObject { ["model_type"] = type }.ToJsonString());
        var config = Assert.IsType<TransformerConfig>(HuggingFaceFolder.LoadConfig(_folder.Path));
        Assert.Equal(
            (epsilon, context, kvHeads ?? 32, feedForward, vocabulary, 4096, 32, 32, 128, false),
            (
                config.NormEps,
                config.ContextLength,
                config.KvHeads,
                config.DFeedForward,
                config.VocabSize,
                config.DModel,
                config.Layers,
                config.Heads,
                config.HeadDim,
                config.TieEmbeddings
            )
        );
        Assert.Equal(type == "mistral" ? 4096 : null, config.Window);
        Assert.Equal(type == "mixtral" ? new MixtureConfig(8, 2, 0.001) : null, config.Experts);
    }

    [Fact]
    public void Missing_keys_of_the_other_families_are_their_own_too()
    {
        ModelConfig Of(string type)
        {
            File.WriteAllText(_folder["config.json"], new JsonObject { ["model_type"] = type }.ToJsonString());
            return HuggingFaceFolder.LoadConfig(_folder.Path);
        }
        Assert.Equal(new Gpt2Config(50257, 768, 12, 12, 3072, 1024), Of("gpt2"));
        Assert.Equal(MambaConfig.Of(50280, 768, 32, 1 << 20), Of("mamba"));
        Assert.Equal(new Mamba2Config(32768, 4096, 64, 1 << 20, 128, Groups: 8), Of("mamba2"));
        Assert.Equal(new JambaConfig(65536, 4096, 32, 32, 8, 14336, 262144, 8192, 256, new MixtureConfig(16, 2, 0.001)), Of("jamba"));
    }

    [Theory]
    [InlineData("mixtral", "rms_norm_eps", 1e-5)]                         // M20b
    [InlineData("mistral_swa", "rms_norm_eps", 1e-6)]
    [InlineData("qwen2", "rms_norm_eps", 1e-6)]
    public void Epsilon_where_missing_is_the_familys_own(string golden, string key, double epsilon) =>
        Assert.Equal(epsilon, Assert.IsType<TransformerConfig>(Read(golden, new JsonObject { [key] = "missing" }.ToJsonString())).NormEps);

    [Theory]
    [InlineData("mistral_swa", """{"num_key_value_heads":null}""", 4)]
    [InlineData("mixtral", """{"num_key_value_heads":null}""", 4)]
    [InlineData("llama_gqa", """{"num_key_value_heads":"missing"}""", 8)]
    public void Key_value_heads_that_are_null_are_as_many_as_heads(string golden, string changes, int heads) =>
        Assert.Equal(heads, Assert.IsType<TransformerConfig>(Read(golden, changes)).KvHeads);

    [Theory]
    // M13b: switched on, but the layers from which windows begin are beyond the last.
    [InlineData("qwen2", """{"use_sliding_window":true,"sliding_window":8,"layer_types":"missing"}""", null, null)]
    [InlineData("qwen2", """{"use_sliding_window":true,"sliding_window":8,"max_window_layers":1,"layer_types":"missing"}""", 8, "FS")]
    [InlineData("qwen3", """{"use_sliding_window":true,"sliding_window":8,"max_window_layers":0,"layer_types":"missing"}""", 8, null)]
    [InlineData(
        "qwen3",
        """{"use_sliding_window":true,"max_window_layers":1,"sliding_window":"missing","layer_types":"missing"}""",
        4096,
        "FS"
    )]
    [InlineData(
        "qwen2",
        """{"use_sliding_window":true,"sliding_window":8,"max_window_layers":0,"layer_types":["full_attention","full_attention"]}""",
        null,
        null
    )]
    [InlineData(
        "qwen2",
        """{"use_sliding_window":true,"sliding_window":8,"max_window_layers":9,"layer_types":["sliding_attention","full_attention"]}""",
        8,
        "SF"
    )]
    [InlineData("qwen2", """{"use_sliding_window":true,"sliding_window":null,"max_window_layers":0,"layer_types":"missing"}""", null, null)]
    [InlineData("qwen3", """{"use_sliding_window":false,"sliding_window":8,"max_window_layers":0,"layer_types":"missing"}""", null, null)]
    [InlineData("mistral_swa", """{"sliding_window":null}""", null, null)]
    [InlineData("mistral_swa", """{"sliding_window":"missing"}""", 4096, null)]
    [InlineData("mistral_swa", """{"layer_types":["sliding_attention","sliding_attention"]}""", 8, null)]
    public void Windows_are_where_the_family_has_them(string golden, string changes, int? window, string? layers)
    {
        var config = Assert.IsType<TransformerConfig>(Read(golden, changes));
        Assert.Equal((window, layers), (config.Window, config.WindowLayers));
    }

    [Theory]
    [InlineData("llama_gqa", """{"max_position_embeddings":64,"rope_scaling":{"type":"dynamic","factor":4.0}}""", "Dynamic")]
    [InlineData(
        "llama_gqa",
        """{"rope_scaling":{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":64,"beta_fast":16,"beta_slow":2}}""",
        "Yarn"
    )]
    [InlineData(
        "llama_gqa",
        """{"rope_scaling":{"type":"su","short_factor":[1,1,1,1.5],"long_factor":[1,2,3,4]},"original_max_position_embeddings":64}""",
        "LongRope"
    )]
    [InlineData(
        "llama_gqa",
        """{"rope_scaling":{"rope_type":"longrope","factor":8.0,"short_factor":[1,1,1,1.5],"long_factor":[1,2,3,4],"original_max_position_embeddings":32}}""",
        "LongRope"
    )]
    [InlineData("qwen2", """{"use_sliding_window":true,"sliding_window":8,"max_window_layers":1,"layer_types":"missing"}""", null)]
    [InlineData(
        "qwen3",
        """{"use_sliding_window":true,"sliding_window":8,"max_window_layers":0,"layer_types":"missing","hidden_act":"relu2"}""",
        null
    )]
    [InlineData("mixtral", """{"hidden_act":"gelu_pytorch_tanh"}""", null)]
    [InlineData("gpt2", """{"activation_function":"gelu"}""", null)]
    [InlineData("gpt2", """{"scale_attn_weights":false}""", null)]
    [InlineData("gpt2", """{"scale_attn_by_inverse_layer_idx":true}""", null)]
    [InlineData("mamba2", """{"time_step_limit":[0.001,0.1]}""", null)]
    [InlineData("mamba2", """{"time_step_limit":[0.001,{"__float__":"Infinity"}]}""", null)]
    public void What_is_read_comes_back_when_written(string golden, string changes, string? scaling)
    {
        var config = Read(golden, changes);
        Assert.Equal(scaling, (config as TransformerConfig)?.RopeScaling?.GetType().Name.Replace("Scaling", "", StringComparison.Ordinal));
        HuggingFaceFolder.Save(
            _folder["out"],
            config,
            config.Tensors().Select(tensor => new NamedTensor(tensor.Name, tensor.Shape, new float[tensor.Elements])),
            new ModelCard("m", "s"),
            new SpecialTokenIds(1, 2, null, null),
            []
        );
        var text = File.ReadAllText(Path.Combine(_folder["out"], "config.json"));
        JsonNode.Parse(text);                                             // plain JSON: no bare Infinity
        var again = HuggingFaceFolder.LoadConfig(_folder["out"]);
        // yarn and longrope write their temperature out.
        var expected = config is TransformerConfig { RopeScaling: YarnScaling yarn } transformer
            ? transformer with { RopeScaling = yarn with { AttentionFactor = yarn.Magnitude } } : config;
        Assert.Equal(expected, again);
    }

    [Fact]
    public void Scalings_are_read_with_all_their_keys()
    {
        RotaryScaling? Scaling(string rope, string more = "") =>
            Assert.IsType<TransformerConfig>(Read("llama_gqa", $$"""{"rope_scaling":{{rope}}{{more}}}""")).RopeScaling;
        Assert.Equal(new DynamicScaling(2, 256), Scaling("""{"type":"dynamic","factor":2}"""));
        Assert.Equal(512, Read("llama_gqa", """{"rope_scaling":{"type":"dynamic","factor":2}}""").ContextLength);
        Assert.Equal(
            new YarnScaling(4, 64, 32, 1, 1.5, false),
            Scaling("""{"rope_type":"yarn","factor":4,"original_max_position_embeddings":64,"attention_factor":1.5,"truncate":false}""")
        );
        Assert.Equal(
            new YarnScaling(16, 4096),
            Scaling("""{"type":"yarn","factor":16.0,"original_max_position_embeddings":4096,"finetuned":true}""")
        );
        // Left out beside an original context, the factor is how much longer the context is.
        Assert.Equal(
            new YarnScaling(4, 64),
            Scaling("""{"rope_type":"yarn","factor":null,"original_max_position_embeddings":64,"beta_fast":0}""")
        );
        var mscale = Assert.IsType<YarnScaling>(
            Scaling("""{"rope_type":"yarn","factor":40,"original_max_position_embeddings":64,"mscale":0.7,"mscale_all_dim":1.2}""")
        );
        Assert.Equal((0.07 * Math.Log(40) + 1) / (0.12 * Math.Log(40) + 1), mscale.Magnitude, 1e-12);
        var longRope = Assert.IsType<LongRopeScaling>(Scaling(
            """{"rope_type":"longrope","short_factor":[1,1,1,2],"long_factor":[4,3,2,1]}""", ""","original_max_position_embeddings":64"""));
        Assert.Equal((4.0, 64), (longRope.Factor, longRope.OriginalContext));
        Assert.Equal(Math.Sqrt(1 + Math.Log(4) / Math.Log(64)), longRope.Magnitude, 1e-12);
        Assert.Equal(
            new Llama3Scaling(8, 1, 4, 256),
            Scaling("""{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4}""")
        );
    }

    [Theory]
    // Inside the rope objects nothing is passed over.
    [InlineData("llama_gqa", """{"rope_scaling":{"factor":4.0}}""", "has a factor but no rope_type")]
    [InlineData("llama_gqa", """{"rope_scaling":{"rope_type":"linear","factor":2,"alpha":1000}}""", "'alpha', which is not understood")]
    [InlineData(
        "llama_gqa",
        """{"rope_scaling":{"rope_type":"default","mrope_section":[1,1,2]}}""",
        "'mrope_section', which is not understood"
    )]
    [InlineData(
        "llama_gqa",
        """{"rope_scaling":{"rope_type":"longrope","short_factor":[1,1,1,1],"long_factor":[1,1,1,1],"short_mscale":1.2}}""",
        "'short_mscale', which is not understood"
    )]
    [InlineData(
        "llama_gqa",
        """{"rope_scaling":{"rope_type":"longrope","short_factor":[1,1],"long_factor":[1,1]}}""",
        "2 short and 2 long factors"
    )]
    [InlineData("llama_gqa", """{"rope_scaling":{"rope_type":"default","partial_rotary_factor":0.5}}""", "partial_rotary_factor is 0.5")]
    [InlineData("llama_gqa", """{"rope_scaling":{"rope_type":"yarn","type":"linear","factor":2}}""", "two names of one key")]
    [InlineData(
        "llama_gqa",
        """{"rope_scaling":{"rope_type":"linear","factor":2},"rope_parameters":{"rope_type":"linear","factor":3}}""",
        "rope_scaling and rope_parameters differ"
    )]
    [InlineData("llama_gqa", """{"rope_parameters":{"sliding_attention":{"rope_theta":7}}}""", "has no 'full_attention'")]
    [InlineData(
        "llama_gqa",
        """{"rope_parameters":{"full_attention":{"rope_theta":7},"rope_theta":8}}""",
        "beside objects for types of layers"
    )]
    [InlineData(
        "qwen2",
        """{"use_sliding_window":true,"sliding_window":8,"max_window_layers":1,"layer_types":"missing","rope_parameters":{"full_attention":{"rope_theta":7},"sliding_attention":{"rope_theta":8}}}""",
        "differs between types of layers"
    )]
    // Windows that contradict themselves.
    [InlineData("qwen2", """{"layer_types":["sliding_attention","full_attention"]}""", "layer_types has sliding layers")]
    [InlineData("qwen2", """{"layer_types":["full_attention"]}""", "layer_types has 1 entries")]
    [InlineData("qwen2", """{"layer_types":["full_attention","linear_attention"]}""", "'linear_attention'")]
    [InlineData(
        "llama_gqa",
        """{"layer_types":["full_attention","sliding_attention","full_attention"]}""",
        "layer 1 is 'sliding_attention'"
    )]
    [InlineData("llama_gqa", """{"sliding_window":64}""", "sliding_window is 64")]
    [InlineData("jamba", """{"sliding_window":64}""", "sliding_window is 64")]
    // Keys of other families that change the function.
    [InlineData("llama_gqa", """{"attention_multiplier":0.0078}""", "attention_multiplier is 0.0078")]
    [InlineData("llama_gqa", """{"logit_scale":0.0625}""", "logit_scale is 0.0625")]
    [InlineData("llama_gqa", """{"residual_multiplier":0.22}""", "residual_multiplier is 0.22")]
    [InlineData("llama_gqa", """{"final_logit_softcapping":30.0}""", "final_logit_softcapping is 30.0")]
    [InlineData("llama_gqa", """{"clip_qkv":8.0}""", "clip_qkv is 8.0")]
    [InlineData("llama_gqa", """{"partial_rotary_factor":0.5}""", "partial_rotary_factor is 0.5")]
    [InlineData("llama_gqa", """{"quantization_config":{"quant_method":"gptq","bits":4}}""", "quantization_config is")]
    [InlineData("llama_gqa", """{"qk_norm":true}""", "qk_norm is true")]
    [InlineData("llama_gqa", """{"rope_ratio":500}""", "speaks of 'rope'")]
    [InlineData("llama_gqa", """{"attention_sinks":4}""", "speaks of 'attention'")]
    [InlineData("llama_gqa", """{"default_theta":500000.0}""", "speaks of 'theta'")]
    [InlineData("llama_gqa", """{"text_config":{"layers":{"rope_theta":500000.0}}}""", "speaks of 'rope'")]
    [InlineData("mistral_swa", """{"attention_bias":true}""", "attention_bias is true")]
    [InlineData("qwen2", """{"mlp_bias":true}""", "mlp_bias is true")]
    [InlineData("gpt2", """{"add_cross_attention":true}""", "add_cross_attention is true")]
    [InlineData("gpt2", """{"activation_function":"glu"}""", "activation_function is 'glu'")]
    [InlineData("gpt2", """{"hidden_size":32}""", "n_embd and hidden_size differ")]
    [InlineData("mamba", """{"hidden_act":"relu"}""", "hidden_act is \"relu\"")]
    [InlineData("mamba2", """{"rms_norm":false}""", "rms_norm is false")]
    [InlineData("mamba2", """{"time_step_limit":[0,{"__float__":"NaN"}]}""", "time_step_limit is")]
    [InlineData("jamba", """{"mamba_inner_layernorms":false}""", "mamba_inner_layernorms is false")]
    public void What_changes_the_function_and_is_not_understood_is_refused(string golden, string changes, string message)
    {
        var error = Assert.Throws<UserErrorException>(() => Read(golden, changes));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "llama_gqa",
        """{"logit_scale":1.0,"clip_qkv":null,"partial_rotary_factor":1,"use_qk_norm":false,"attention_multiplier":null,"pretraining_tp":2,"rope_ratio":null,"unheard_of":null,"_attn_implementation":"sdpa"}"""
    )]
    [InlineData("mistral_swa", """{"attention_bias":false,"hidden_act":"swish"}""")]
    [InlineData(
        "gpt2",
        """{"reorder_and_upcast_attn":true,"hidden_size":64,"max_position_embeddings":128,"activation_function":"gelu_fast"}"""
    )]
    [InlineData("mamba2", """{"time_step_limit":[0.0,{"__float__":"Infinity"}]}""")]
    [InlineData("mamba2", """{"time_step_limit":"missing"}""")]
    [InlineData("mamba", """{"ssm_cfg":{},"rms_norm":true,"max_position_embeddings":512}""")]
    [InlineData("qwen3", """{"rope_parameters":{"rope_type":"default","rope_theta":1000000.0},"rope_theta":"missing"}""")]
    public void What_changes_nothing_changes_nothing(string golden, string changes)
    {
        Assert.Equal(HuggingFaceFolder.LoadConfig(GoldenFolder.Of(golden)), Read(golden, changes));
        Assert.Empty(_said);
    }

    [Fact]
    public void Keys_that_nobody_knows_are_named_in_one_sentence_or_refused()
    {
        const string changes = """{"colour":"blue","shoe_size":43}""";
        Read("llama_gqa", changes);
        var sentence = Assert.Single(_said);
        Assert.Contains("colour, shoe_size", sentence, StringComparison.Ordinal);
        var strict = new ModelReading(strict: true, _said.Add);
        var error = Assert.Throws<UserErrorException>(() => HuggingFaceFolder.LoadConfig(_folder.Path, strict));
        Assert.Contains("colour, shoe_size", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_Dolmen_writes_is_read_strictly_and_a_vocabulary_that_disagrees_is_refused()
    {
        var strict = new ModelReading(strict: true, _said.Add);
        foreach (var config in SmallModels.All.Values)
        {
            Save(config);
            Assert.Equal(config.GetType(), HuggingFaceFolder.LoadConfig(_folder["m"], strict).GetType());
        }
        Save(SmallModels.All["dolmen"]);
        Assert.Equal(SmallModels.All["dolmen"], HuggingFaceFolder.LoadConfig(_folder["m"], strict));
        var file = _folder["m/config.json"];
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"vocab_size\": 61", "\"vocab_size\": 62", StringComparison.Ordinal));
        var error = Assert.Throws<UserErrorException>(() => HuggingFaceFolder.LoadConfig(_folder["m"], strict));
        Assert.Contains("vocab_size is 62: the model's sizes in dolmen say 61", error.Message, StringComparison.Ordinal);

        void Save(DecoderConfig config) => HuggingFaceFolder.Save(
            _folder["m"],
            config,
            config.Tensors().Select(tensor => new NamedTensor(tensor.Name, tensor.Shape, new float[tensor.Elements])),
            new ModelCard("m", "s"),
            new SpecialTokenIds(1, 2, 3, 2),
            []);
    }

    [Fact]
    public void Tensors_that_the_model_does_not_need_are_named_in_one_sentence_or_refused_and_a_missing_one_stays_an_error()
    {
        var config = new TransformerConfig(40, 16, 1, 2, 1, 8, 24, 64);
        string[] extra =
        [
            "model.mtp.0.weight",
            "v_head.summary.weight",
            "model.layers.0.self_attn.k_scale",
            "model.layers.0.self_attn.rotary_emb.inv_freq",
        ];
        void Save(IEnumerable<TensorShape> shapes) =>
            SafetensorsWriter.Write(
                _folder["model.safetensors"],
                [.. shapes],
                shapes.Select(shape => new NamedTensor(shape.Name, shape.Shape, new float[shape.Elements])),
                TensorDtype.Float32
            );
        Save([.. config.Tensors(), .. extra.Select(name => new TensorShape(name, [2]))]);
        var reading = new ModelReading(strict: false, _said.Add);
        CheckpointWeights.Open(_folder.Path, config, reading: reading).Dispose();
        CheckpointWeights.Open(_folder.Path, config, reading: reading).Dispose();
        var sentence = Assert.Single(_said);
        Assert.All(extra, name => Assert.Contains($"'{name}'", sentence, StringComparison.Ordinal));
        var error = Assert.Throws<UserErrorException>(() =>
            CheckpointWeights.Open(_folder.Path, config, reading: new ModelReading(strict: true, _said.Add))
        );
        Assert.Contains("4 tensors that config.json does not ask for", error.Message, StringComparison.Ordinal);

        Save([.. config.Tensors().Skip(1), new TensorShape("model.mtp.0.weight", [2])]);
        error = Assert.Throws<UserErrorException>(() => CheckpointWeights.Open(_folder.Path, config, reading: reading));
        Assert.Contains($"'{config.Tensors()[0].Name}' is missing", error.Message, StringComparison.Ordinal);
        Save([.. config.Tensors(), new TensorShape("model.layers.0.self_attn.q_proj.lora_A.weight", [2])]);
        Assert.Contains(
            "not merged",
            Assert.Throws<UserErrorException>(() => CheckpointWeights.Open(_folder.Path, config, reading: reading)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_byte_order_mark_is_skipped_in_the_configuration_and_in_the_index()
    {
        var golden =
            GoldenFolder.Of("llama_gqa_sharded") is var sharded && Directory.Exists(sharded) ? sharded : GoldenFolder.Of("llama_gqa");
        foreach (var file in Directory.GetFiles(golden, "*.safetensors"))
            File.Copy(file, _folder[Path.GetFileName(file)]);
        foreach (var file in Directory.GetFiles(golden, "*.json"))
        {
            if (Path.GetFileName(file) is "config.json" or "model.safetensors.index.json")
                File.WriteAllText(
                    _folder[Path.GetFileName(file)],
                    File.ReadAllText(file),
                    new UTF8Encoding(encoderShouldEmitUTF8Identifier: true)
                );
        }
        var index = _folder["model.safetensors.index.json"];
        var config = HuggingFaceFolder.LoadConfig(_folder.Path);
        if (!File.Exists(index))
        {
            var map = new JsonObject();
            foreach (var tensor in config.Tensors())
                map[tensor.Name] = "model.safetensors";
            File.WriteAllText(
                index,
                new JsonObject { ["weight_map"] = map }.ToJsonString(),
                new UTF8Encoding(encoderShouldEmitUTF8Identifier: true)
            );
        }
        Assert.Equal(0xEF, File.ReadAllBytes(index)[0]);
        Assert.Equal(HuggingFaceFolder.LoadConfig(golden), config);
        CheckpointWeights.Open(_folder.Path, config).Dispose();
        // Python's bare Infinity after a mark.
        File.WriteAllText(
            _folder["config.json"],
            File.ReadAllText(Path.Combine(GoldenFolder.Of("mamba2"), "config.json")),
            new UTF8Encoding(true)
        );
        Assert.Equal(HuggingFaceFolder.LoadConfig(GoldenFolder.Of("mamba2")), HuggingFaceFolder.LoadConfig(_folder.Path));
    }

    [Fact]
    public void Bounds_of_the_step_size_are_written_as_floats_or_left_out()
    {
        string Written(Mamba2Config config)
        {
            HuggingFaceFolder.Save(
                _folder["out"],
                config,
                config.Tensors().Select(tensor => new NamedTensor(tensor.Name, tensor.Shape, new float[tensor.Elements])),
                new ModelCard("m", "s"),
                new SpecialTokenIds(1, 2, null, null),
                []
            );
            Assert.Equal(config, HuggingFaceFolder.LoadConfig(_folder["out"]));
            return string.Concat(
                File.ReadAllText(Path.Combine(_folder["out"], "config.json")).Where(character => !char.IsWhiteSpace(character))
            );
        }
        var plain = new Mamba2Config(40, 16, 1, 1 << 20, 4, 8, 8);
        Assert.DoesNotContain("time_step_limit", Written(plain), StringComparison.Ordinal);
        Assert.Contains("\"time_step_limit\":[0.0,1.0]", Written(plain with { MaxDt = 1 }), StringComparison.Ordinal);
        Assert.Contains(
            "\"time_step_limit\":[0.001,3.4028234663852886E+38]",
            Written(plain with { MinDt = 0.001 }),
            StringComparison.Ordinal
        );
    }

    /// <summary>A golden's configuration with some keys changed; "missing" takes one out.</summary>
    private ModelConfig Read(string golden, string changes)
    {
        var json = JsonNode
            .Parse(
                File.ReadAllText(Path.Combine(GoldenFolder.Of(golden), "config.json"))
                    .Replace("Infinity", "1e300", StringComparison.Ordinal)
            )!
            .AsObject();
        foreach (var (name, value) in JsonNode.Parse(changes)!.AsObject())
        {
            json.Remove(name);
            if (value?.ToString() != "missing") json[name] = value?.DeepClone();
        }
        File.WriteAllText(_folder["config.json"], json.ToJsonString());
        return HuggingFaceFolder.LoadConfig(_folder.Path, new ModelReading(strict: false, _said.Add));
    }
}
