namespace Dolmen.Checkpoints.Gguf;

/// <summary>Which metadata keys of an architecture are understood. A key that could change what the model computes is read, or has the
/// value llama.cpp takes when it is left out, or the file is refused: ignoring one would give other numbers without a word.</summary>
internal static class GgufKeys
{
    private static readonly string[] Common =
    [
        "block_count",
        "context_length",
        "embedding_length",
        "feed_forward_length",
        "vocab_size",
        "attention.head_count",
    ];

    private static readonly string[] Rotary =
    [
        "rope.dimension_count",
        "rope.freq_base",
        "rope.scale_linear",
        "rope.scaling.type",
        "rope.scaling.factor",
        "rope.scaling.attn_factor",
        "rope.scaling.original_context_length",
        "rope.scaling.yarn_ext_factor",
        "rope.scaling.yarn_attn_factor",
        "rope.scaling.yarn_beta_fast",
        "rope.scaling.yarn_beta_slow",
    ];

    private static readonly string[] Transformer =
    [
        .. Common,
        .. Rotary,
        "attention.head_count_kv",
        "attention.key_length",
        "attention.value_length",
        "attention.layer_norm_rms_epsilon",
        "attention.sliding_window",
        "expert_count",
        "expert_used_count",
    ];

    private static readonly string[] StateSpace =
        [.. Common, "ssm.conv_kernel", "ssm.inner_size", "ssm.state_size", "ssm.time_step_rank", "attention.layer_norm_rms_epsilon"];

    private static readonly Dictionary<string, HashSet<string>> Read = new(StringComparer.Ordinal)
    {
        ["llama"] = [.. Transformer],
        ["qwen2"] = [.. Transformer],
        ["qwen3"] = [.. Transformer],
        ["gpt2"] = [.. Common, "attention.head_count_kv", "attention.key_length", "attention.value_length", "attention.layer_norm_epsilon"],
        ["mamba"] = [.. StateSpace, "ssm.dt_b_c_rms"],
        ["mamba2"] = [.. StateSpace, "ssm.group_count"],
        // Jamba always has its three norms, as tensors: the flag adds nothing.
        ["jamba"] = [.. StateSpace, "ssm.dt_b_c_rms", "attention.head_count_kv", "attention.key_length", "attention.value_length",
            "expert_count", "expert_used_count"],
    };

    /// <summary>Say where the file or its weights come from, or serve tasks other than predicting text.</summary>
    private static readonly HashSet<string> Informative =
        new(StringComparer.Ordinal) { "tensor_data_layout", "rope.scaling.finetuned", "pooling_type" };

    /// <summary>Keys that change nothing with these numbers.</summary>
    private static readonly Dictionary<string, float[]> Neutral = new(StringComparer.Ordinal)
    {
        ["attention.clamp_kqv"] = [0], ["attention.max_alibi_bias"] = [0], ["attention.scale"] = [0], ["attention.output_scale"] = [0, 1],
        ["attention.value_scale"] = [0, 1], ["attention.temperature_scale"] = [0], ["attention.temperature_length"] = [0],
        ["attention.q_lora_rank"] = [0], ["attention.kv_lora_rank"] = [0], ["attention.shared_kv_layers"] = [0],
        ["attention.sliding_window"] = [0], ["attn_logit_softcapping"] = [0], ["final_logit_softcapping"] = [0],
        ["router_logit_softcapping"] = [0], ["logit_scale"] = [0, 1], ["residual_scale"] = [0, 1], ["embedding_scale"] = [0, 1],
        ["expert_count"] = [0], ["expert_used_count"] = [0], ["expert_weights_scale"] = [0, 1], ["expert_gating_func"] = [0, 1],
        ["expert_shared_count"] = [0], ["expert_group_count"] = [0, 1], ["expert_group_used_count"] = [0, 1],
        ["expert_shared_feed_forward_length"] = [0], ["leading_dense_block_count"] = [0], ["interleave_moe_layer_step"] = [0, 1],
        ["moe_every_n_layers"] = [0, 1], ["nextn_predict_layers"] = [0], ["n_deepstack_layers"] = [0], ["ssm.group_count"] = [0, 1],
        ["rope.scaling.alpha"] = [0, 1], ["rope.scaling.yarn_log_multiplier"] = [0],
    };

    /// <exception cref="Artifacts.UserErrorException">A key asks for what is not done here.</exception>
    public static void Check(GgufMetadata metadata, string architecture)
    {
        foreach (var key in metadata.Values.Keys)
        {
            if (!key.StartsWith(architecture + ".", StringComparison.Ordinal)) continue;
            var name = key[(architecture.Length + 1)..];
            if (Informative.Contains(name) || Read[architecture].Contains(name) || ChangesNothing(metadata, architecture, name))
                continue;
            throw metadata.Refusal(
                key,
                metadata.Shown(key),
                "it is not among the keys that are understood here, and it may change what the "
                    + "model computes. Take the model's Hugging Face folder instead ('dolmen model pull')"
            );
        }
    }

    private static bool ChangesNothing(GgufMetadata metadata, string architecture, string name)
    {
        var key = $"{architecture}.{name}";
        if (Neutral.TryGetValue(name, out var numbers) && metadata.Values[key].Content is not (string or bool or Array))
        {
            var value = metadata.FindNumber(key);
            if (numbers.Contains(value ?? 0)) return true;
        }
        return name switch
        {
            "attention.causal" => metadata.Values[key].Content is true,
            "use_parallel_residual" or "swin_norm" => metadata.Values[key].Content is false,
            "ssm.dt_b_c_rms" => metadata.Values[key].Content is false,
            // llama.cpp divides the chosen experts' weights by their sum in Llama and does not in Jamba.
            "expert_weights_norm" => metadata.Values[key].Content is bool normed && normed == (architecture != "jamba"),
            "expert_feed_forward_length" => Equals(metadata, architecture, name, "feed_forward_length"),
            "embedding_length_out" => Equals(metadata, architecture, name, "embedding_length"),
            "attention.scale" => IsUsualScale(metadata, architecture),
            "hidden_activation" => metadata.FindText(key) is { } activation && (architecture == "gpt2"
                ? activation is "gelu_new" or "gelu_pytorch_tanh" : activation is "silu" or "swish"),
            _ => false,
        };
    }

    private static bool Equals(GgufMetadata metadata, string architecture, string one, string other) =>
        metadata.FindInt32($"{architecture}.{one}") is { } value && value == metadata.FindInt32($"{architecture}.{other}");

    private static bool IsUsualScale(GgufMetadata metadata, string architecture)
    {
        var headDim =
            metadata.FindInt32($"{architecture}.attention.key_length")
            ?? metadata.FindInt32($"{architecture}.embedding_length")
                / Math.Max(1, metadata.FindInt32($"{architecture}.attention.head_count") ?? 1);
        return headDim > 0 && Math.Abs(metadata.Number($"{architecture}.attention.scale") * Math.Sqrt(headDim.Value) - 1) < 1e-6;
    }
}
