using System.Text.Json;

namespace Dolmen.Checkpoints;

/// <summary>Llama and the layouts that differ from it in a few fields.</summary>
internal abstract class LlamaFamilyLayout : ConfigLayout
{
    public sealed override ModelConfig Read(ConfigFields fields)
    {
        var (heads, dModel, layers) = (fields.Int32("num_attention_heads"), fields.Int32("hidden_size"), fields.Int32("num_hidden_layers"));
        if (heads < 1) throw fields.Bad($"num_attention_heads is {heads}", "it must be at least 1");
        if (layers is < 1 or > 1024) throw fields.Bad($"num_hidden_layers is {layers}", "it must be between 1 and 1024");
        var (window, windowLayers) = Windows(fields, layers);
        var kinds = Enumerable
            .Range(0, layers)
            .Select(i => window is null || windowLayers?[i] == 'F' ? LayerTypes.Full : LayerTypes.Sliding)
            .ToArray();
        LayerTypes.RequireSame(fields, kinds);
        var (theta, scaling) = RotaryFields.Read(fields, kinds);
        var context = fields.Int32("max_position_embeddings");
        return ReadMore(
            fields,
            new TransformerConfig(
                fields.Int32("vocab_size"),
                dModel,
                layers,
                heads,
                fields.IsNull("num_key_value_heads") ? heads : fields.Int32OrNull("num_key_value_heads") ?? heads,
                fields.Int32OrNull("head_dim") ?? dModel / heads,
                fields.Int32("intermediate_size"),
                scaling?.Context(context) ?? context,
                theta,
                fields.Number("rms_norm_eps"),
                fields.Flag("tie_word_embeddings"),
                scaling,
                window,
                Activation: fields.Activation("hidden_act"),
                WindowLayers: windowLayers
            )
        );
    }

    public sealed override bool CanWrite(ModelConfig config) =>
        config is TransformerConfig { Positions: PositionKind.Rotary } transformer && Fits(transformer);

    public sealed override void Write(ModelConfig config, Utf8JsonWriter writer)
    {
        var c = (TransformerConfig)config;
        writer.WriteNumber("attention_dropout", 0.0);
        writer.WriteNumber("head_dim", c.HeadDim);
        writer.WriteString("hidden_act", ActivationNames.Of(c.Activation));
        writer.WriteNumber("hidden_size", c.DModel);
        writer.WriteNumber("initializer_range", 0.02);
        writer.WriteNumber("intermediate_size", c.DFeedForward);
        // Dynamic scaling begins where this ends.
        writer.WriteNumber("max_position_embeddings", c.RopeScaling is DynamicScaling dynamic ? dynamic.OriginalContext : c.ContextLength);
        writer.WriteNumber("num_attention_heads", c.Heads);
        writer.WriteNumber("num_hidden_layers", c.Layers);
        writer.WriteNumber("num_key_value_heads", c.KvHeads);
        writer.WriteNumber("rms_norm_eps", c.NormEps);
        RotaryFields.Write(writer, c.RopeScaling);
        writer.WriteNumber("rope_theta", c.RopeTheta);
        writer.WriteBoolean("tie_word_embeddings", c.TieEmbeddings);
        WriteMore(c, writer);
    }

    /// <summary>How far layers see, and which of them; no window unless the family says otherwise.</summary>
    protected virtual (int? Window, string? Layers) Windows(ConfigFields fields, int layers) => (null, null);

    protected abstract bool Fits(TransformerConfig config);

    protected virtual TransformerConfig ReadMore(ConfigFields fields, TransformerConfig config) => config;

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
        config
            is { Window: not null, WindowLayers: null, QkvBias: false, AttentionBias: false, MlpBias: false, QkNorm: false, Experts: null };

    protected override (int? Window, string? Layers) Windows(ConfigFields fields, int layers) =>
        (fields.IsNull("sliding_window") ? null : fields.Int32OrNull("sliding_window"), null);

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
        config is { QkvBias: true, AttentionBias: false, MlpBias: false, QkNorm: false, Experts: null };

    protected override (int? Window, string? Layers) Windows(ConfigFields fields, int layers) => LayerTypes.QwenWindows(fields, layers);

    protected override TransformerConfig ReadMore(ConfigFields fields, TransformerConfig config) => config with { QkvBias = true };

    protected override void WriteMore(TransformerConfig config, Utf8JsonWriter writer) => LayerTypes.WriteQwen(config, writer);
}

internal sealed class Qwen3Layout : LlamaFamilyLayout
{
    public override string ModelType => "qwen3";

    public override string Architecture => "Qwen3ForCausalLM";

    protected override bool Fits(TransformerConfig config) => config is { QkvBias: false, MlpBias: false, QkNorm: true, Experts: null };

    protected override (int? Window, string? Layers) Windows(ConfigFields fields, int layers) => LayerTypes.QwenWindows(fields, layers);

    protected override TransformerConfig ReadMore(ConfigFields fields, TransformerConfig config)
    {
        if (fields.IsNull("head_dim")) throw fields.Bad("head_dim is null", "it must be a whole number; left out it is 128");
        return config with { QkNorm = true, AttentionBias = fields.Flag("attention_bias") };
    }

    protected override void WriteMore(TransformerConfig config, Utf8JsonWriter writer)
    {
        writer.WriteBoolean("attention_bias", config.AttentionBias);
        LayerTypes.WriteQwen(config, writer);
    }
}

internal sealed class MixtralLayout : LlamaFamilyLayout
{
    public override string ModelType => "mixtral";

    public override string Architecture => "MixtralForCausalLM";

    protected override bool Fits(TransformerConfig config) =>
        config is { WindowLayers: null, QkvBias: false, AttentionBias: false, MlpBias: false, QkNorm: false, Experts: not null };

    protected override (int? Window, string? Layers) Windows(ConfigFields fields, int layers) =>
        (fields.Int32OrNull("sliding_window"), null);

    protected override TransformerConfig ReadMore(ConfigFields fields, TransformerConfig config) =>
        config with
        {
            Experts = new MixtureConfig(
                fields.Int32("num_local_experts"),
                fields.Int32("num_experts_per_tok"),
                fields.Number("router_aux_loss_coef")
            ),
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
