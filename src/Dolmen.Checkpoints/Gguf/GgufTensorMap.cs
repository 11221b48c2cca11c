namespace Dolmen.Checkpoints.Gguf;

/// <summary>How a tensor's values differ between the Hugging Face folder and the GGUF file.</summary>
internal enum GgufChange
{
    None,

    /// <summary>Rows of a query or key projection in the order of their rotary pairs: <see cref="RotaryRows"/>.</summary>
    QueryRows, KeyRows,

    /// <summary>A_log there, −exp(A_log) here.</summary>
    NegativeExponential,

    /// <summary>(inputs, outputs) there, (outputs, inputs) here: GPT-2.</summary>
    Transposed,
}

/// <summary>A tensor of the folder and where it is in the file.</summary>
/// <param name="Expert">Its place in a tensor that holds all experts, or −1.</param>
/// <param name="Column">A vector that is a column, (n, 1), in the file: Mamba-2's A and D. With <paramref name="Row"/> it is a row, (1, n):
/// Mamba-2's norm of one group.</param>
internal sealed record GgufPlace(TensorShape Tensor, string Name, int Expert, GgufChange Change, bool Column = false, bool Row = false);

/// <summary>Names of tensors in Hugging Face folders and in the files of llama.cpp.</summary>
internal static class GgufTensorMap
{
    /// <summary>Names of a layer's tensors, without ".weight" or ".bias".</summary>
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
        ["ln_1"] = "attn_norm",
        ["ln_2"] = "ffn_norm",
        ["attn.c_attn"] = "attn_qkv",
        ["attn.c_proj"] = "attn_output",
        ["mlp.c_fc"] = "ffn_up",
        ["mlp.c_proj"] = "ffn_down",
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
        ["transformer.wte.weight"] = "token_embd.weight", ["transformer.wpe.weight"] = "position_embd.weight",
        ["transformer.ln_f.weight"] = "output_norm.weight", ["transformer.ln_f.bias"] = "output_norm.bias",
    };

    /// <param name="architecture">llama.cpp's name: the same layers lie differently in the files of another.</param>
    public static IReadOnlyList<GgufPlace> Of(ModelConfig config, string architecture)
    {
        return [.. config.Tensors().Select(tensor => Place(tensor, architecture))];
    }

    /// <summary>The tensor's shape in the file, a convolution's middle dimension left out; (experts, …) where it holds all of
    /// them.</summary>
    public static long[] Shape(GgufPlace place, int experts)
    {
        var shape = place.Tensor.Shape;
        if (shape is [_, 1, _]) shape = [shape[0], shape[2]];
        if (place.Change == GgufChange.Transposed) shape = [shape[1], shape[0]];
        if (place.Column) shape = [shape[0], 1];
        if (place.Row) shape = [1, shape[0]];
        return place.Expert < 0 ? shape : [experts, .. shape];
    }

    private static GgufPlace Place(TensorShape tensor, string architecture)
    {
        if (Global.TryGetValue(tensor.Name, out var global)) return new GgufPlace(tensor, global, -1, GgufChange.None);
        // model.layers.7.rest, backbone.layers.7.rest, transformer.h.7.rest
        var parts = tensor.Name.Split('.', 4);
        var rest = parts.Length == 4 && parts[1] is "layers" or "h" ? parts[3] : "";
        var (name, suffix) =
            rest.LastIndexOf('.') is var dot and > 0 && rest[dot..] is ".weight" or ".bias" ? (rest[..dot], rest[dot..]) : (rest, "");
        if (name.Split('.') is [_, "experts", var expert, var part] && Expert.TryGetValue(part, out var stacked))
        {
            return new GgufPlace(tensor, $"blk.{parts[2]}.{stacked}{suffix}", int.Parse(expert), GgufChange.None);
        }
        if (architecture == "mamba2" && Mamba2(tensor, parts[2], name) is { } own) return own;
        if (name.StartsWith("mixer.", StringComparison.Ordinal) || name.StartsWith("mamba.", StringComparison.Ordinal)) name = name[6..];
        if (!Layer.TryGetValue(name, out var inner)) throw new NotSupportedException($"Tensor '{tensor.Name}' has no name in GGUF files.");
        return new GgufPlace(tensor, $"blk.{parts[2]}.{inner}{suffix}", -1, name switch
        {
            "self_attn.q_proj" when architecture == "llama" => GgufChange.QueryRows,
            "self_attn.k_proj" when architecture == "llama" => GgufChange.KeyRows,
            "A_log" => GgufChange.NegativeExponential,
            _ when architecture == "gpt2" && tensor.Shape.Length == 2 => GgufChange.Transposed,
            _ => GgufChange.None,
        });
    }

    /// <summary>What Mamba-2 has in other shapes or under other names than Mamba; null for the rest.</summary>
    private static GgufPlace? Mamba2(TensorShape tensor, string layer, string name) => name switch
    {
        "mixer.A_log" => new(tensor, $"blk.{layer}.ssm_a", -1, GgufChange.NegativeExponential, Column: true),
        "mixer.D" => new(tensor, $"blk.{layer}.ssm_d", -1, GgufChange.None, Column: true),
        "mixer.dt_bias" => new(tensor, $"blk.{layer}.ssm_dt.bias", -1, GgufChange.None),
        "mixer.norm" => new(tensor, $"blk.{layer}.ssm_norm.weight", -1, GgufChange.None, Row: true),
        _ => null,
    };
}
