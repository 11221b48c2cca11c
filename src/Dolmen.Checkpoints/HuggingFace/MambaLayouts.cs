using System.Text.Json;

namespace Dolmen.Checkpoints;

/// <summary>A recurrent model knows no longest context; where a length must be named, this one is.</summary>
internal static class RecurrentContext
{
    public const int Tokens = 1 << 20;
}

internal class MambaLayout : ConfigLayout
{
    public override string ModelType => "mamba";

    public override string Architecture => "MambaForCausalLM";

    public override bool CanWrite(ModelConfig config) => config is MambaConfig { MixerNormEps: null };

    public override ModelConfig Read(ConfigFields fields)
    {
        fields.Only("hidden_act", "silu", "only 'silu' is supported");
        var dModel = fields.Whole("hidden_size", 768);
        return new MambaConfig(
            fields.Whole("vocab_size", 50280), dModel, fields.Whole("num_hidden_layers", 32), RecurrentContext.Tokens,
            fields.WholeOrNull("intermediate_size") ?? Times(fields, dModel, fields.Number("expand", 2)), Rank(fields, "time_step_rank", dModel),
            fields.Whole("state_size", 16), fields.Whole("conv_kernel", 4), fields.Number("layer_norm_epsilon", 1e-5),
            fields.Flag("tie_word_embeddings", true), fields.Flag("use_bias"), fields.Flag("use_conv_bias", true));
    }

    public override void Write(ModelConfig config, Utf8JsonWriter writer)
    {
        var c = (MambaConfig)config;
        writer.WriteNumber("conv_kernel", c.DConv);
        writer.WriteNumber("expand", c.DInner / c.DModel);
        writer.WriteString("hidden_act", "silu");
        writer.WriteNumber("hidden_size", c.DModel);
        writer.WriteNumber("initializer_range", 0.1);
        writer.WriteNumber("intermediate_size", c.DInner);
        writer.WriteNumber("layer_norm_epsilon", c.NormEps);
        writer.WriteNumber("num_hidden_layers", c.Layers);
        writer.WriteBoolean("rescale_prenorm_residual", false);
        writer.WriteBoolean("residual_in_fp32", true);
        writer.WriteNumber("state_size", c.DState);
        writer.WriteBoolean("tie_word_embeddings", c.TieEmbeddings);
        writer.WriteNumber("time_step_rank", c.DtRank);
        writer.WriteBoolean("use_bias", c.Bias);
        writer.WriteBoolean("use_conv_bias", c.ConvBias);
    }

    /// <summary>A number, or "auto": a sixteenth of the width, rounded up.</summary>
    internal static int Rank(ConfigFields fields, string name, int dModel) =>
        fields.Present(name, out var value) && value.ValueKind == JsonValueKind.Number ? fields.Whole(name) : (int)((dModel + 15L) / 16);

    internal static int Times(ConfigFields fields, int dModel, double expand)
    {
        var product = expand * dModel;
        return product is >= 1 and <= int.MaxValue ? (int)product : throw fields.Bad($"expand is {expand}", "expand·width must be a size of at least 1");
    }
}

/// <summary>Mamba with RMS norms without weights on Δ, B and C: the same tensors.</summary>
internal sealed class FalconMambaLayout : MambaLayout
{
    public override string ModelType => "falcon_mamba";

    public override string Architecture => "FalconMambaForCausalLM";

    public override bool CanWrite(ModelConfig config) => config is MambaConfig { MixerNormEps: not null };

    public override ModelConfig Read(ConfigFields fields) =>
        (MambaConfig)base.Read(fields) with { MixerNormEps = fields.Number("mixer_rms_eps", 1e-6) };

    public override void Write(ModelConfig config, Utf8JsonWriter writer)
    {
        base.Write(config, writer);
        writer.WriteNumber("mixer_rms_eps", ((MambaConfig)config).MixerNormEps ?? 1e-6);
    }
}

internal sealed class Mamba2Layout : ConfigLayout
{
    public override string ModelType => "mamba2";

    public override string Architecture => "Mamba2ForCausalLM";

    public override bool CanWrite(ModelConfig config) => config is Mamba2Config;

    public override ModelConfig Read(ConfigFields fields)
    {
        fields.Only("hidden_act", "silu", "only 'silu' is supported");
        fields.Only("rms_norm", "True", "only the gated RMSNorm before the output projection is supported");
        var (dModel, heads, headDim) = (fields.Whole("hidden_size", 4096), fields.Whole("num_heads", 128), fields.Whole("head_dim", 64));
        var inner = MambaLayout.Times(fields, dModel, fields.Number("expand", 2));
        if ((long)heads * headDim != inner)
        {
            throw fields.Bad($"num_heads is {heads} and head_dim {headDim}", $"their product must be expand·hidden_size, which is {inner}");
        }
        var (low, high) = fields.Range("time_step_limit") ?? (0, double.PositiveInfinity);
        return new Mamba2Config(
            fields.Whole("vocab_size", 32768), dModel, fields.Whole("num_hidden_layers", 64), RecurrentContext.Tokens, heads, headDim,
            fields.Whole("state_size", 128), fields.Whole("n_groups", 8), fields.Whole("conv_kernel", 4), fields.Number("layer_norm_epsilon", 1e-5),
            fields.Flag("tie_word_embeddings"), fields.Flag("use_bias"), fields.Flag("use_conv_bias", true), low, high);
    }

    public override void Write(ModelConfig config, Utf8JsonWriter writer)
    {
        var c = (Mamba2Config)config;
        writer.WriteNumber("chunk_size", 256);
        writer.WriteNumber("conv_kernel", c.DConv);
        writer.WriteNumber("expand", (double)c.Heads * c.HeadDim / c.DModel);
        writer.WriteNumber("head_dim", c.HeadDim);
        writer.WriteString("hidden_act", "silu");
        writer.WriteNumber("hidden_size", c.DModel);
        writer.WriteNumber("initializer_range", 0.1);
        writer.WriteNumber("layer_norm_epsilon", c.NormEps);
        writer.WriteNumber("n_groups", c.Groups);
        writer.WriteNumber("num_heads", c.Heads);
        writer.WriteNumber("num_hidden_layers", c.Layers);
        writer.WriteBoolean("residual_in_fp32", true);
        writer.WriteBoolean("rms_norm", true);
        writer.WriteNumber("state_size", c.DState);
        writer.WriteBoolean("tie_word_embeddings", c.TieEmbeddings);
        writer.WriteStartArray("time_step_limit");
        writer.WriteNumberValue(c.MinDt);
        // Infinity as Python writes it, which is what other software reads here.
        if (double.IsFinite(c.MaxDt)) writer.WriteNumberValue(c.MaxDt);
        else writer.WriteRawValue("Infinity", skipInputValidation: true);
        writer.WriteEndArray();
        writer.WriteBoolean("use_bias", c.Bias);
        writer.WriteBoolean("use_conv_bias", c.ConvBias);
    }
}
