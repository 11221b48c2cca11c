using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;

namespace Dolmen.Tests.Checkpoints;

/// <summary>Keys of an architecture that change what the model computes: read as llama.cpp does, or refused.</summary>
public sealed class GgufKeysTests : IDisposable
{
    private static readonly TransformerConfig Llama = new(40, 64, 1, 4, 2, 16, 96, 128, TieEmbeddings: false);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string[], RotaryScaling?> Scalings =>
        new()
        {
            { "a factor without a type is linear", ["factor=4"], new LinearScaling(4) },
            { "the old key", ["rope.scale_linear=4"], new LinearScaling(4) },
            { "the new key before the old one", ["factor=2", "rope.scale_linear=4"], new LinearScaling(2) },
            { "a type and the old key", ["type=linear", "rope.scale_linear=2.5"], new LinearScaling(2.5) },
            { "none, whatever the factor", ["type=none", "factor=4"], null },
            { "a factor of 0 is not set", ["factor=0"], null },
            { "a factor of 1", ["type=linear", "factor=1", "finetuned=true"], null },
            { "a type alone", ["type=linear"], null },
            { "yarn with the model's context", ["type=yarn", "factor=4"], new YarnScaling(4, 128) },
            {
                "yarn with its original context",
                ["type=yarn", "factor=4", "original_context_length=32", "finetuned=false"],
                new YarnScaling(4, 32)
            },
            { "yarn by the old key", ["type=yarn", "rope.scale_linear=8", "original_context_length=16"], new YarnScaling(8, 16) },
            {
                "yarn's neutral keys",
                ["type=yarn", "factor=4", "yarn_ext_factor=1", "yarn_attn_factor=1", "yarn_beta_fast=32", "yarn_beta_slow=1"],
                new YarnScaling(4, 128)
            },
            {
                "yarn's keys that are not set",
                ["type=yarn", "factor=4", "yarn_ext_factor=-1", "attn_factor=1", "yarn_log_multiplier=0"],
                new YarnScaling(4, 128)
            },
            { "yarn's ramp", ["type=yarn", "factor=4", "yarn_beta_fast=16", "yarn_beta_slow=2"], new YarnScaling(4, 128, 16, 2) },
            { "yarn's own temperature named", ["type=yarn", "factor=4", "yarn_attn_factor=1.1386294"], new YarnScaling(4, 128) },
            {
                "a temperature beside yarn's",
                ["type=yarn", "factor=4", "attn_factor=0.5"],
                new YarnScaling(4, 128, AttentionFactor: 0.5 * (0.1 * Math.Log(4) + 1))
            },
            { "a temperature alone", ["attn_factor=1.5"], new YarnScaling(1, 128, AttentionFactor: 1.5) },
            { "an original context without yarn", ["factor=4", "original_context_length=32"], new LinearScaling(4) },
        };

    [Theory, MemberData(nameof(Scalings))]
    public void Scaled_positions_are_what_llama_cpp_makes_of_the_keys(string name, string[] keys, RotaryScaling? expected)
    {
        foreach (var architecture in (string[])["llama", "qwen2", "qwen3"])
        {
            using var model = Open(Config(architecture), [.. keys.Select(key => Change(architecture, key))]);
            Assert.True(expected == ((TransformerConfig)model.Config).RopeScaling, $"{name} in {architecture}: {model.Config}");
        }
    }

    [Theory]
    [InlineData("factor=-2", "factor is -2: it must be above 0")]
    [InlineData("type=dynamic", "is 'dynamic'")]
    [InlineData("type=", "is ''")]
    [InlineData("factor=4 attn_factor=1.5", "attn_factor is 1.5")]
    [InlineData("type=yarn factor=4 yarn_ext_factor=0", "yarn_ext_factor is 0")]
    [InlineData("type=yarn factor=4 yarn_ext_factor=0.5", "yarn_ext_factor is 0.5")]
    [InlineData("yarn_ext_factor=1", "yarn_ext_factor is 1")]
    [InlineData("type=yarn factor=4 yarn_attn_factor=0.7", "yarn_attn_factor is 0.7")]
    [InlineData("type=yarn factor=4 yarn_log_multiplier=0.1", "yarn_log_multiplier is 0.1")]
    [InlineData("alpha=1000", "alpha is 1000")]
    [InlineData("surprise=1", "llama.rope.scaling.surprise is 1: it is not among the keys that are understood here")]
    public void Scaled_positions_that_cannot_be_run_are_refused_by_the_key(string keys, string message) =>
        AssertRefused(message, Llama, [.. keys.Split(' ').Select(key => Change("llama", key))]);

    [Theory]
    [InlineData("llama", "attention.clamp_kqv", 8f, 0f)]
    [InlineData("llama", "attention.max_alibi_bias", 8f, 0f)]
    [InlineData("llama", "attention.scale", 0.1f, 0.25f)]
    [InlineData("llama", "attention.layer_norm_epsilon", 1e-5f, null)]
    [InlineData("llama", "attention.value_scale", 2f, 1f)]
    [InlineData("llama", "attention.temperature_scale", 0.1f, 0f)]
    [InlineData("llama", "attn_logit_softcapping", 50f, 0f)]
    [InlineData("llama", "final_logit_softcapping", 30f, 0f)]
    [InlineData("llama", "logit_scale", 0.0625f, 1f)]
    [InlineData("llama", "residual_scale", 0.2f, 0f)]
    [InlineData("llama", "embedding_scale", 12f, 1f)]
    [InlineData("llama", "expert_weights_scale", 2.5f, 1f)]
    [InlineData("llama", "expert_gating_func", 2u, 1u)]
    [InlineData("llama", "expert_shared_count", 1u, 0u)]
    [InlineData("llama", "expert_group_count", 4u, 1u)]
    [InlineData("llama", "expert_weights_norm", false, true)]
    [InlineData("llama", "expert_feed_forward_length", 48u, 96u)]
    [InlineData("llama", "leading_dense_block_count", 1u, 0u)]
    [InlineData("llama", "interleave_moe_layer_step", 2u, 1u)]
    [InlineData("llama", "nextn_predict_layers", 1u, 0u)]
    [InlineData("llama", "attention.causal", false, true)]
    [InlineData("llama", "attention.sliding_window_pattern", 6u, null)]
    [InlineData("llama", "attention.value_length", 32u, 16u)]
    [InlineData("llama", "attention.key_length_swa", 32u, null)]
    [InlineData("llama", "rope.freq_base_swa", 10000f, null)]
    [InlineData("llama", "rope.dimension_count", 8u, 16u)]
    [InlineData("llama", "use_parallel_residual", true, false)]
    [InlineData("llama", "hidden_activation", "gelu", "silu")]
    [InlineData("llama", "ssm.state_size", 16u, null)]
    [InlineData("llama", "something.new", 1u, null)]
    [InlineData("qwen2", "attention.sliding_window", 64u, 0u)]
    [InlineData("qwen3", "attention.sliding_window", 64u, 4096u)]
    [InlineData("gpt2", "attention.max_alibi_bias", 8f, 0f)]
    [InlineData("gpt2", "attention.head_count_kv", 2u, 4u)]
    [InlineData("gpt2", "attention.key_length", 32u, null)]
    [InlineData("gpt2", "rope.scaling.factor", 2f, null)]
    [InlineData("gpt2", "attention.layer_norm_rms_epsilon", 1e-5f, null)]
    [InlineData("gpt2", "hidden_activation", "relu", "gelu_new")]
    [InlineData("mamba", "ssm.group_count", 2u, 1u)]
    [InlineData("mamba", "ssm.surprise", true, null)]
    [InlineData("mamba2", "ssm.group_count", 2u, 1u)]
    [InlineData("mamba2", "ssm.dt_b_c_rms", true, false)]
    [InlineData("mamba2", "ssm.time_step_rank", 3u, 8u)]
    [InlineData("jamba", "expert_weights_norm", true, false)]
    [InlineData("jamba", "rope.freq_base", 10000f, null)]
    public void A_key_that_changes_the_function_is_refused_and_one_that_does_not_is_read(
        string architecture,
        string key,
        object wrong,
        object? harmless
    )
    {
        AssertRefused($"{architecture}.{key}", Config(architecture), [($"{architecture}.{key}", Value(wrong))]);
        if (harmless is null) return;
        using var model = Open(Config(architecture), [($"{architecture}.{key}", Value(harmless))]);
        Assert.Equal(Config(architecture), model.Config);
    }

    [Fact]
    public void Heads_of_keys_and_values_that_differ_by_what_is_left_out_are_refused() =>
        AssertRefused("values", Llama with { HeadDim = 32 }, [("llama.attention.value_length", null)]);

    [Fact]
    public void A_window_of_llama_is_the_models()
    {
        using var model = Open(Llama, [("llama.attention.sliding_window", GgufValue.Of(32u))]);
        Assert.Equal(Llama with { Window = 32 }, model.Config);
        using var wide = Open(Llama, [("llama.attention.sliding_window", GgufValue.Of(128u))]);
        Assert.Equal(Llama, wide.Config);
    }

    [Fact]
    public void A_size_repeated_for_every_layer_is_one_size()
    {
        var two = Llama with { Layers = 2 };
        using var model = Open(
            two,
            [("llama.attention.head_count_kv", GgufValue.Of([2, 2])), ("llama.feed_forward_length", GgufValue.Of([96, 96]))]
        );
        Assert.Equal(two, model.Config);
        AssertRefused("llama.feed_forward_length is an array of 2 numbers", two, [("llama.feed_forward_length", GgufValue.Of([96, 64]))]);
    }

    [Fact]
    public void What_is_left_out_is_what_llama_cpp_takes()
    {
        using var model = Open(
            Config("llama"),
            [
                ("llama.rope.freq_base", null),
                ("llama.attention.head_count_kv", null),
                ("llama.attention.key_length", null),
                ("llama.attention.value_length", null),
                ("llama.rope.dimension_count", null),
            ],
            Llama with
            {
                KvHeads = 4,
            }
        );
        Assert.Equal(Llama with { KvHeads = 4, RopeTheta = 10000 }, model.Config);
        foreach (var key in (string[])["attention.layer_norm_rms_epsilon", "context_length", "attention.head_count", "block_count"])
            AssertRefused($"no metadata 'llama.{key}'", Llama, [($"llama.{key}", null)]);
    }

    [Fact]
    public void Falcon_mambas_norms_have_the_epsilon_of_the_others()
    {
        using var model = Open(Config("mamba"), [("mamba.ssm.dt_b_c_rms", GgufValue.Of(true))]);
        Assert.Equal((MambaConfig)Config("mamba") with { MixerNormEps = 1e-5 }, model.Config);
        using var plain = Open(Config("mamba"), [("mamba.ssm.dt_b_c_rms", null)]);
        Assert.Equal(Config("mamba"), plain.Config);
    }

    /// <summary>Factors of a context, borders and a head's width; contexts and borders of one ratio are the same rule.</summary>
    [Theory]
    [InlineData(8, 1, 4, 8192, 500000, 128)]
    [InlineData(32, 1, 4, 8192, 500000, 64)]
    [InlineData(4, 1, 4, 32, 10000, 16)]
    [InlineData(8, 2, 16, 4096, 100000, 64)]
    [InlineData(3.5, 0.5, 3, 1000, 10000, 32)]
    [InlineData(8, 1, 1.5, 2048, 10000, 32)]
    [InlineData(8, 1, 1.05, 2048, 10000, 16)]
    public void Llama_3s_rule_is_found_again_in_its_factors(double factor, double low, double high, int context, double theta, int headDim)
    {
        var rule = new Llama3Scaling(factor, low, high, context);
        var config = Llama with { RopeScaling = rule, RopeTheta = theta, HeadDim = headDim };
        using var model = Open(config, []);
        var expected = new RotaryPosition(theta, rule).Frequencies(headDim);
        var actual = new RotaryPosition(theta, ((TransformerConfig)model.Config).RopeScaling).Frequencies(headDim);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(1, actual[i] / expected[i], 2e-5);
    }

    [Theory]
    [InlineData("ones", null)]
    [InlineData("all the same", null)]
    [InlineData("falling", "do not follow Llama 3's rule")]
    [InlineData("too many", "must hold 8 factors")]
    public void Other_factors_are_read_where_they_are_a_rule_and_refused_otherwise(string name, string? message)
    {
        float[] factors = name switch
        {
            "ones" => [1, 1, 1, 1, 1, 1, 1, 1],
            "all the same" => [4, 4, 4, 4, 4, 4, 4, 4],
            "falling" => [8, 4, 2, 1, 1, 1, 1, 1],
            _ => [1, 1, 1, 1, 1, 1, 1, 1, 2],
        };
        if (message is not null) AssertRefused(message, Llama, [], factors);
        else
        {
            using var model = Open(Llama, [], factors: factors);
            Assert.Equal(name == "ones" ? null : new LinearScaling(4), ((TransformerConfig)model.Config).RopeScaling);
        }
    }

    public static TheoryData<string, string[], LongRopeScaling> LongRopes
    {
        get
        {
            double[] shorts = [1, 1, 1, 1, 1, 1, 1, 1.5], longs = [1, 1.1, 1.2, 2, 3, 4, 5.5, 6], ones = [1, 1, 1, 1, 1, 1, 1, 1];
            string[] keys = ["type=longrope", "original_context_length=32"];
            return new()
            {
                { "both", [.. keys, "attn_factor=1.25"], new LongRopeScaling(4, 32, shorts, longs, 1.25) },
                { "both", keys, new LongRopeScaling(4, 32, shorts, longs, 1) },
                { "both", ["type=longrope"], new LongRopeScaling(1, 128, shorts, longs, 1) },
                { "long", keys, new LongRopeScaling(4, 32, ones, longs, 1) },
                { "short", keys, new LongRopeScaling(4, 32, shorts, ones, 1) },
                {
                    "both",
                    [.. keys, "factor=2"],
                    new LongRopeScaling(4, 32, [.. shorts.Select(value => value * 2)], [.. longs.Select(value => value * 2)], 1)
                },
            };
        }
    }

    /// <summary>llama.cpp divides by a factor beside the lists too, and has a temperature only where the file gives one.</summary>
    [Theory, MemberData(nameof(LongRopes))]
    public void Factors_for_long_and_short_texts_are_read(string tensors, string[] keys, LongRopeScaling expected)
    {
        using var model = Open(Llama, [.. keys.Select(key => Change("llama", key))], extra: LongRopeTensors(tensors));
        Assert.Equal(expected, ((TransformerConfig)model.Config).RopeScaling);
    }

    [Theory]
    [InlineData("llama", "both", "", "holds the tensor 'rope_factors_long.weight', but llama.rope.scaling.type is not 'longrope'")]
    [InlineData("llama", "short", "type=linear factor=2", "holds the tensor 'rope_factors_short.weight'")]
    [InlineData("qwen2", "both", "type=longrope", "in the architectures 'llama', 'phi3'")]
    [InlineData("qwen3", "none", "type=longrope", "in the architectures 'llama', 'phi3'")]
    [InlineData("llama", "both", "type=longrope original_context_length=0", "original_context_length is 0: it must be at least 1")]
    [InlineData("llama", "wide", "type=longrope", "'rope_factors_short.weight' must hold 8 factors")]
    [InlineData("llama", "negative", "type=longrope", "above 0")]
    [InlineData("llama", "not finite", "type=longrope", "'rope_factors_long.weight' holds 8 values of 8")]
    [InlineData("llama", "both", "type=longrope yarn_ext_factor=1", "yarn_ext_factor is 1")]
    public void Factors_for_long_and_short_texts_that_cannot_be_run_are_refused(
        string architecture,
        string tensors,
        string keys,
        string message
    )
    {
        var changes = keys.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(key => Change(architecture, key)).ToArray();
        var error = Assert.Throws<UserErrorException>(() => Open(Config(architecture), changes, extra: LongRopeTensors(tensors)));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains("m.gguf", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Factors_for_long_texts_beside_those_of_llama_3_are_refused()
    {
        var tensors = LongRopeTensors("both");
        tensors["rope_freqs.weight"] = [4, 4, 4, 4, 4, 4, 4, 4];
        Assert.Contains("both scale positions", Assert.Throws<UserErrorException>(() =>
            Open(Llama, [Change("llama", "type=longrope")], extra: tensors)).Message, StringComparison.Ordinal);
    }

    private static Dictionary<string, float[]> LongRopeTensors(string name)
    {
        float[] shorts = [1, 1, 1, 1, 1, 1, 1, 1.5f], longs = [1, 1.1f, 1.2f, 2, 3, 4, 5.5f, 6];
        if (name == "wide") shorts = [.. shorts, 2];
        if (name == "negative") longs[3] = -1;
        if (name == "not finite") longs = [.. Enumerable.Repeat(float.NaN, 8)];
        var all = new Dictionary<string, float[]> { ["rope_factors_long.weight"] = longs, ["rope_factors_short.weight"] = shorts };
        if (name is "short" or "none") all.Remove("rope_factors_long.weight");
        if (name is "long" or "none") all.Remove("rope_factors_short.weight");
        return all;
    }

    private static ModelConfig Config(string architecture) => architecture switch
    {
        "qwen2" => Llama with { QkvBias = true },
        "qwen3" => Llama with { QkNorm = true },
        "gpt2" => new Gpt2Config(40, 64, 1, 4, 96, 128),
        "mamba" => new MambaConfig(40, 64, 1, 4096, 128, 4),
        "mamba2" => new Mamba2Config(40, 64, 1, 4096, 8, 16, 16),
        "jamba" => new JambaConfig(40, 64, 8, 4, 2, 96, 512, 128, 4, new MixtureConfig(3, 2, 0.001), 4, 2),
        _ => Llama,
    };

    private static (string Key, GgufValue? Value) Change(string architecture, string text)
    {
        var (name, value) = (text[..text.IndexOf('=')], text[(text.IndexOf('=') + 1)..]);
        return ($"{architecture}.{(name.Contains('.') ? name : $"rope.scaling.{name}")}", name switch
        {
            "type" => GgufValue.Of(value),
            "finetuned" => GgufValue.Of(bool.Parse(value)),
            "original_context_length" => GgufValue.Of(uint.Parse(value)),
            _ => GgufValue.Of(float.Parse(value)),
        });
    }

    private static GgufValue Value(object value) => value switch
    {
        float number => GgufValue.Of(number),
        uint number => GgufValue.Of(number),
        bool flag => GgufValue.Of(flag),
        _ => GgufValue.Of((string)value),
    };

    private void AssertRefused(string message, ModelConfig config, (string, GgufValue?)[] changes, float[]? factors = null)
    {
        var error = Assert.Throws<UserErrorException>(() => Open(config, changes, factors: factors));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains("m.gguf", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A file of the configuration with keys put in or changed, or taken out where the value is null.</summary>
    /// <param name="tensors">The configuration whose tensors the file has, where it is not the same.</param>
    private GgufModel Open(
        ModelConfig config,
        (string Key, GgufValue? Value)[] changes,
        ModelConfig? tensors = null,
        float[]? factors = null,
        Dictionary<string, float[]>? extra = null
    )
    {
        extra ??= [];
        if (factors is not null) extra["rope_freqs.weight"] = factors;
        GgufExport.Write(_folder["whole.gguf"], "m", tensors ?? config, tensor => new float[tensor.Elements], [], GgmlType.F32);
        using (var file = GgufFile.Open(_folder["whole.gguf"]))
        {
            var metadata = file.Metadata.Values.ToDictionary(item => item.Key, item => item.Value);
            foreach (var (key, value) in changes)
            {
                if (value is null) metadata.Remove(key);
                else metadata[key] = value;
            }
            var plans = file.Tensors.Select(tensor => new GgufTensorPlan(tensor.Name, tensor.Type, tensor.Shape)).ToList();
            plans.AddRange(extra.Select(item => new GgufTensorPlan(item.Key, GgmlType.F32, [item.Value.Length])));
            GgufWriter.Write(_folder["m.gguf"], [.. metadata.Select(item => (item.Key, item.Value))], plans, tensor =>
            {
                if (extra.TryGetValue(tensor.Name, out var own)) return own;
                var values = new float[tensor.Elements];
                file.Read(tensor.Name, values);
                return values;
            });
        }
        return GgufModel.Open(_folder["m.gguf"]);
    }
}
