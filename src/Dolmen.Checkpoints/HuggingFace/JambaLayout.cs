using System.Text.Json;

namespace Dolmen.Checkpoints;

internal sealed class JambaLayout : ConfigLayout
{
    public override string ModelType => "jamba";

    public override string Architecture => "JambaForCausalLM";

    public override bool CanWrite(ModelConfig config) => config is JambaConfig;

    public override ModelConfig Read(ConfigFields fields)
    {
        var heads = fields.Int32("num_attention_heads");
        var dModel = fields.Int32("hidden_size");
        return new JambaConfig(
            fields.Int32("vocab_size"),
            dModel,
            fields.Int32("num_hidden_layers"),
            heads,
            fields.IsNull("num_key_value_heads") ? heads : fields.Int32("num_key_value_heads"),
            fields.Int32("intermediate_size"),
            fields.Int32("max_position_embeddings"),
            MambaLayout.Times(fields, dModel, fields.Number("mamba_expand")),
            MambaLayout.Rank(fields, "mamba_dt_rank", dModel),
            new MixtureConfig(fields.Int32("num_experts"), fields.Int32("num_experts_per_tok"), fields.Number("router_aux_loss_coef")),
            fields.Int32("attn_layer_period"), fields.Int32("attn_layer_offset"), fields.Int32("expert_layer_period"),
            fields.Int32("expert_layer_offset"), fields.Int32("mamba_d_state"), fields.Int32("mamba_d_conv"),
            fields.Flag("mamba_conv_bias"), fields.Flag("mamba_proj_bias"), fields.Number("rms_norm_eps"),
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
