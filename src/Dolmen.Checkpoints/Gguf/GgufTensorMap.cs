namespace Dolmen.Checkpoints.Gguf;

/// <summary>How a tensor's values differ between the Hugging Face folder and the GGUF file.</summary>
internal enum GgufChange
{
    None,

    /// <summary>Rows of a query or key projection in the order of their rotary pairs: <see cref="RotaryRows"/>.</summary>
    QueryRows, KeyRows,

    /// <summary>A_log there, −exp(A_log) here.</summary>
    NegativeExponential,
}

/// <summary>A tensor of the folder and where it is in the file.</summary>
/// <param name="Expert">Its place in a tensor that holds all experts, or −1.</param>
internal sealed record GgufPlace(TensorShape Tensor, string Name, int Expert, GgufChange Change);

/// <summary>Names of tensors in Hugging Face folders and in the files of llama.cpp.</summary>
internal static class GgufTensorMap
{
    /// <summary>Of a layer, with what is before ".weight" or ".bias".</summary>
    private static readonly Dictionary<string, string> Layer = new(StringComparer.Ordinal)
    {
        ["input_layernorm"] = "attn_norm", ["norm"] = "attn_norm", ["post_attention_layernorm"] = "ffn_norm",
        ["pre_ff_layernorm"] = "ffn_norm", ["self_attn.q_proj"] = "attn_q", ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v", ["self_attn.o_proj"] = "attn_output", ["self_attn.q_norm"] = "attn_q_norm",
        ["self_attn.k_norm"] = "attn_k_norm", ["mlp.gate_proj"] = "ffn_gate", ["mlp.up_proj"] = "ffn_up", ["mlp.down_proj"] = "ffn_down",
        ["feed_forward.gate_proj"] = "ffn_gate", ["feed_forward.up_proj"] = "ffn_up", ["feed_forward.down_proj"] = "ffn_down",
        ["feed_forward.router"] = "ffn_gate_inp", ["block_sparse_moe.gate"] = "ffn_gate_inp",
        ["in_proj"] = "ssm_in", ["conv1d"] = "ssm_conv1d", ["x_proj"] = "ssm_x", ["dt_proj"] = "ssm_dt", ["out_proj"] = "ssm_out",
        ["A_log"] = "ssm_a", ["D"] = "ssm_d", ["dt_layernorm"] = "ssm_dt_norm", ["b_layernorm"] = "ssm_b_norm",
        ["c_layernorm"] = "ssm_c_norm",
    };

    private static readonly Dictionary<string, string> Expert = new(StringComparer.Ordinal)
    {
        ["w1"] = "ffn_gate_exps", ["w2"] = "ffn_down_exps", ["w3"] = "ffn_up_exps", ["gate_proj"] = "ffn_gate_exps",
        ["down_proj"] = "ffn_down_exps", ["up_proj"] = "ffn_up_exps",
    };

    private static readonly Dictionary<string, string> Global = new(StringComparer.Ordinal)
    {
        ["model.embed_tokens.weight"] = "token_embd.weight", ["backbone.embeddings.weight"] = "token_embd.weight",
        ["model.norm.weight"] = "output_norm.weight", ["model.final_layernorm.weight"] = "output_norm.weight",
        ["backbone.norm_f.weight"] = "output_norm.weight", ["lm_head.weight"] = "output.weight",
    };

    public static IReadOnlyList<GgufPlace> Of(ModelConfig config)
    {
        var neighbours = GgufConfig.Architecture(config) == "llama";
        return [.. config.Tensors().Select(tensor => Place(tensor, neighbours))];
    }

    /// <summary>The tensor's shape in the file, a convolution's middle dimension left out; (experts, …) where it holds all of them.</summary>
    public static long[] Shape(GgufPlace place, int experts)
    {
        var shape = place.Tensor.Shape;
        if (shape is [_, 1, _]) shape = [shape[0], shape[2]];
        return place.Expert < 0 ? shape : [experts, .. shape];
    }

    private static GgufPlace Place(TensorShape tensor, bool neighbours)
    {
        if (Global.TryGetValue(tensor.Name, out var global)) return new GgufPlace(tensor, global, -1, GgufChange.None);
        var parts = tensor.Name.Split('.', 4);                           // model.layers.7.rest or backbone.layers.7.rest
        var rest = parts.Length == 4 && parts[1] == "layers" ? parts[3] : "";
        var (name, suffix) = rest.LastIndexOf('.') is var dot and > 0 && rest[dot..] is ".weight" or ".bias" ? (rest[..dot], rest[dot..]) : (rest, "");
        if (name.Split('.') is [_, "experts", var expert, var part] && Expert.TryGetValue(part, out var stacked))
        {
            return new GgufPlace(tensor, $"blk.{parts[2]}.{stacked}{suffix}", int.Parse(expert), GgufChange.None);
        }
        if (name.StartsWith("mixer.", StringComparison.Ordinal) || name.StartsWith("mamba.", StringComparison.Ordinal)) name = name[6..];
        if (!Layer.TryGetValue(name, out var inner)) throw new NotSupportedException($"Tensor '{tensor.Name}' has no name in GGUF files.");
        return new GgufPlace(tensor, $"blk.{parts[2]}.{inner}{suffix}", -1, name switch
        {
            "self_attn.q_proj" when neighbours => GgufChange.QueryRows,
            "self_attn.k_proj" when neighbours => GgufChange.KeyRows,
            "A_log" => GgufChange.NegativeExponential,
            _ => GgufChange.None,
        });
    }
}
