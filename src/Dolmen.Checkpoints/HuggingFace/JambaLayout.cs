using System.Text.Json;

namespace Dolmen.Checkpoints;

internal sealed class JambaLayout : ConfigLayout
{
    public override string ModelType => "jamba";

    public override string Architecture => "JambaForCausalLM";

    public override bool CanWrite(ModelConfig config) => config is JambaConfig;

    public override ModelConfig Read(ConfigFields fields)
    {
        fields.Only("hidden_act", "silu", "only 'silu' is supported");
        if (fields.WholeOrNull("sliding_window") is { } window)
        {
            throw fields.Bad($"sliding_window is {window}", "only attention to the whole context is supported in this architecture");
        }
        var dModel = fields.Whole("hidden_size", 4096);
        return new JambaConfig(
            fields.Whole("vocab_size", 65536), dModel, fields.Whole("num_hidden_layers", 32), fields.Whole("num_attention_heads", 32),
            fields.Whole("num_key_value_heads", 8), fields.Whole("intermediate_size", 14336), fields.Whole("max_position_embeddings", 262144),
            MambaLayout.Times(fields, dModel, fields.Number("mamba_expand", 2)), MambaLayout.Rank(fields, "mamba_dt_rank", dModel),
            new MixtureConfig(fields.Whole("num_experts", 16), fields.Whole("num_experts_per_tok", 2), fields.Number("router_aux_loss_coef", 0.001)),
            fields.Whole("attn_layer_period", 8), fields.Whole("attn_layer_offset", 4), fields.Whole("expert_layer_period", 2),
            fields.Whole("expert_layer_offset", 1), fields.Whole("mamba_d_state", 16), fields.Whole("mamba_d_conv", 4),
            fields.Flag("mamba_conv_bias", true), fields.Flag("mamba_proj_bias"), fields.Number("rms_norm_eps", 1e-6),
            fields.Flag("tie_word_embeddings"));
    }

    public override void Write(ModelConfig config, Utf8JsonWriter writer)
    {
        var c = (JambaConfig)config;
        writer.WriteNumber("attention_dropout", 0.0);
        writer.WriteNumber("attn_layer_offset", c.AttentionOffset);
        writer.WriteNumber("attn_layer_period", c.AttentionPeriod);
        writer.WriteNumber("expert_layer_offset", c.ExpertOffset);
        writer.WriteNumber("expert_layer_period", c.ExpertPeriod);
        writer.WriteString("hidden_act", "silu");
        writer.WriteNumber("hidden_size", c.DModel);
        writer.WriteNumber("initializer_range", 0.02);
        writer.WriteNumber("intermediate_size", c.DFeedForward);
        writer.WriteBoolean("mamba_conv_bias", c.ConvBias);
        writer.WriteNumber("mamba_d_conv", c.DConv);
        writer.WriteNumber("mamba_d_state", c.DState);
        writer.WriteNumber("mamba_dt_rank", c.DtRank);
        writer.WriteNumber("mamba_expand", c.DInner / c.DModel);
        writer.WriteBoolean("mamba_proj_bias", c.Bias);
        writer.WriteNumber("max_position_embeddings", c.ContextLength);
        writer.WriteNumber("num_attention_heads", c.Heads);
        writer.WriteNumber("num_experts", c.Experts.Count);
        writer.WriteNumber("num_experts_per_tok", c.Experts.TopK);
        writer.WriteNumber("num_hidden_layers", c.Layers);
        writer.WriteNumber("num_key_value_heads", c.KvHeads);
        writer.WriteNumber("rms_norm_eps", c.NormEps);
        writer.WriteNumber("router_aux_loss_coef", c.Experts.AuxLossCoefficient);
        writer.WriteNull("sliding_window");
        writer.WriteBoolean("tie_word_embeddings", c.TieEmbeddings);
        writer.WriteBoolean("use_mamba_kernels", false);
    }
}
