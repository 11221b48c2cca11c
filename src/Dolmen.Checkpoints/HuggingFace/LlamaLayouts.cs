using System.Text.Json;

namespace Dolmen.Checkpoints;

/// <summary>Llama and the layouts that differ from it in a few fields.</summary>
internal abstract class LlamaFamilyLayout : ConfigLayout
{
    public sealed override ModelConfig Read(ConfigFields fields)
    {
        var heads = fields.Whole("num_attention_heads");
        var dModel = fields.Whole("hidden_size");
        if (heads < 1) throw fields.Bad($"num_attention_heads is {heads}", "it must be at least 1");
        fields.Only("hidden_act", "silu", "only 'silu' is supported");
        return ReadMore(fields, new TransformerConfig(
            fields.Whole("vocab_size"), dModel, fields.Whole("num_hidden_layers"), heads, fields.Whole("num_key_value_heads", heads),
            fields.Whole("head_dim", DefaultHeadDim ?? dModel / heads), fields.Whole("intermediate_size"),
            fields.Whole("max_position_embeddings", 2048), RotaryFields.Theta(fields), fields.Number("rms_norm_eps", 1e-6),
            fields.Flag("tie_word_embeddings"), RotaryFields.Scaling(fields)));
    }

    public sealed override bool CanWrite(ModelConfig config) =>
        config is TransformerConfig { Positions: PositionKind.Rotary } transformer && Fits(transformer);

    public sealed override void Write(ModelConfig config, Utf8JsonWriter writer)
    {
        var c = (TransformerConfig)config;
        writer.WriteNumber("attention_dropout", 0.0);
        writer.WriteNumber("head_dim", c.HeadDim);
        writer.WriteString("hidden_act", "silu");
        writer.WriteNumber("hidden_size", c.DModel);
        writer.WriteNumber("initializer_range", 0.02);
        writer.WriteNumber("intermediate_size", c.DFeedForward);
        writer.WriteNumber("max_position_embeddings", c.ContextLength);
        writer.WriteNumber("num_attention_heads", c.Heads);
        writer.WriteNumber("num_hidden_layers", c.Layers);
        writer.WriteNumber("num_key_value_heads", c.KvHeads);
        writer.WriteNumber("rms_norm_eps", c.NormEps);
        RotaryFields.Write(writer, c.RopeScaling);
        writer.WriteNumber("rope_theta", c.RopeTheta);
        writer.WriteBoolean("tie_word_embeddings", c.TieEmbeddings);
        WriteMore(c, writer);
    }

    /// <summary>Where head_dim is left out and not the width divided by the heads.</summary>
    protected virtual int? DefaultHeadDim => null;

    protected abstract bool Fits(TransformerConfig config);

    protected abstract TransformerConfig ReadMore(ConfigFields fields, TransformerConfig config);

    protected abstract void WriteMore(TransformerConfig config, Utf8JsonWriter writer);
}

internal sealed class LlamaLayout : LlamaFamilyLayout
{
    public override string ModelType => "llama";

    public override string Architecture => "LlamaForCausalLM";

    protected override bool Fits(TransformerConfig config) => config is { Window: null, QkvBias: false, QkNorm: false, Experts: null };

    protected override TransformerConfig ReadMore(ConfigFields fields, TransformerConfig config) =>
        config with { AttentionBias = fields.Flag("attention_bias"), MlpBias = fields.Flag("mlp_bias") };

    protected override void WriteMore(TransformerConfig config, Utf8JsonWriter writer)
    {
        writer.WriteBoolean("attention_bias", config.AttentionBias);
        writer.WriteBoolean("mlp_bias", config.MlpBias);
    }
}

internal sealed class MistralLayout : LlamaFamilyLayout
{
    public override string ModelType => "mistral";

    public override string Architecture => "MistralForCausalLM";

    protected override bool Fits(TransformerConfig config) =>
        config is { Window: not null, QkvBias: false, AttentionBias: false, MlpBias: false, QkNorm: false, Experts: null };

    // Left out, the window is the 4096 of the first release; null means none.
    protected override TransformerConfig ReadMore(ConfigFields fields, TransformerConfig config) =>
        config with { Window = fields.Root.TryGetProperty("sliding_window", out _) ? fields.WholeOrNull("sliding_window") : 4096 };

    protected override void WriteMore(TransformerConfig config, Utf8JsonWriter writer)
    {
        if (config.Window is { } window) writer.WriteNumber("sliding_window", window);
        else writer.WriteNull("sliding_window");
    }
}

internal sealed class Qwen2Layout : LlamaFamilyLayout
{
    public override string ModelType => "qwen2";

    public override string Architecture => "Qwen2ForCausalLM";

    protected override bool Fits(TransformerConfig config) =>
        config is { Window: null, QkvBias: true, AttentionBias: false, MlpBias: false, QkNorm: false, Experts: null };

    protected override TransformerConfig ReadMore(ConfigFields fields, TransformerConfig config)
    {
        fields.Only("use_sliding_window", "False", "only attention to the whole context is supported in this architecture");
        return config with { QkvBias = true };
    }

    protected override void WriteMore(TransformerConfig config, Utf8JsonWriter writer) => writer.WriteBoolean("use_sliding_window", false);
}

internal sealed class Qwen3Layout : LlamaFamilyLayout
{
    public override string ModelType => "qwen3";

    public override string Architecture => "Qwen3ForCausalLM";

    protected override int? DefaultHeadDim => 128;

    protected override bool Fits(TransformerConfig config) => config is { Window: null, QkvBias: false, MlpBias: false, QkNorm: true, Experts: null };

    protected override TransformerConfig ReadMore(ConfigFields fields, TransformerConfig config)
    {
        fields.Only("use_sliding_window", "False", "only attention to the whole context is supported in this architecture");
        return config with { QkNorm = true, AttentionBias = fields.Flag("attention_bias") };
    }

    protected override void WriteMore(TransformerConfig config, Utf8JsonWriter writer)
    {
        writer.WriteBoolean("attention_bias", config.AttentionBias);
        writer.WriteBoolean("use_sliding_window", false);
    }
}

internal sealed class MixtralLayout : LlamaFamilyLayout
{
    public override string ModelType => "mixtral";

    public override string Architecture => "MixtralForCausalLM";

    protected override bool Fits(TransformerConfig config) =>
        config is { QkvBias: false, AttentionBias: false, MlpBias: false, QkNorm: false, Experts: not null };

    protected override TransformerConfig ReadMore(ConfigFields fields, TransformerConfig config) => config with
    {
        Window = fields.WholeOrNull("sliding_window"),
        Experts = new MixtureConfig(fields.Whole("num_local_experts", 8), fields.Whole("num_experts_per_tok", 2), fields.Number("router_aux_loss_coef", 0.001)),
    };

    protected override void WriteMore(TransformerConfig config, Utf8JsonWriter writer)
    {
        writer.WriteNumber("num_local_experts", config.Experts!.Count);
        writer.WriteNumber("num_experts_per_tok", config.Experts.TopK);
        writer.WriteNumber("router_aux_loss_coef", config.Experts.AuxLossCoefficient);
        if (config.Window is { } window) writer.WriteNumber("sliding_window", window);
        else writer.WriteNull("sliding_window");
    }
}
