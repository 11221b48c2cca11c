using System.Globalization;
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
        var dModel = fields.Int32("hidden_size");
        return new MambaConfig(
            fields.Int32("vocab_size"),
            dModel,
            fields.Int32("num_hidden_layers"),
            RecurrentContext.Tokens,
            fields.Int32OrNull("intermediate_size") ?? Times(fields, dModel, fields.Number("expand")),
            Rank(fields, "time_step_rank", dModel),
            fields.Int32("state_size"),
            fields.Int32("conv_kernel"),
            fields.Number("layer_norm_epsilon"),
            fields.Flag("tie_word_embeddings"),
            fields.Flag("use_bias"),
            fields.Flag("use_conv_bias")
        );
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
        fields.Present(name, out var value) && value.ValueKind == JsonValueKind.Number ? fields.Int32(name) : (int)((dModel + 15L) / 16);

    internal static int Times(ConfigFields fields, int dModel, double expand)
    {
        var product = expand * dModel;
        return product is >= 1 and <= int.MaxValue
            ? (int)product
            : throw fields.Bad($"expand is {expand}", "expand·width must be a size of at least 1");
    }
}

/// <summary>Mamba with RMS norms without weights on Δ, B and C: the same tensors.</summary>
internal sealed class FalconMambaLayout : MambaLayout
{
    public override string ModelType => "falcon_mamba";

    public override string Architecture => "FalconMambaForCausalLM";

    public override bool CanWrite(ModelConfig config) => config is MambaConfig { MixerNormEps: not null };

    public override ModelConfig Read(ConfigFields fields) =>
        (MambaConfig)base.Read(fields) with { MixerNormEps = fields.Number("mixer_rms_eps") };

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
        var (dModel, heads, headDim) = (fields.Int32("hidden_size"), fields.Int32("num_heads"), fields.Int32("head_dim"));
        var inner = MambaLayout.Times(fields, dModel, fields.Number("expand"));
        if ((long)heads * headDim != inner)
        {
            throw fields.Bad($"num_heads is {heads} and head_dim {headDim}", $"their product must be expand·hidden_size, which is {inner}");
        }
        var (low, high) = fields.Range("time_step_limit") ?? (0, double.PositiveInfinity);
        // The largest float stands for no bound where we had to write one.
        if (high >= float.MaxValue) high = double.PositiveInfinity;
        return new Mamba2Config(
            fields.Int32("vocab_size"), dModel, fields.Int32("num_hidden_layers"), RecurrentContext.Tokens, heads, headDim,
            fields.Int32("state_size"), fields.Int32("n_groups"), fields.Int32("conv_kernel"), fields.Number("layer_norm_epsilon"),
            fields.Flag("tie_word_embeddings"), fields.Flag("use_bias"), fields.Flag("use_conv_bias"), low, high);
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
        WriteLimit(c, writer);
        writer.WriteBoolean("use_bias", c.Bias);
        writer.WriteBoolean("use_conv_bias", c.ConvBias);
    }

    /// <summary>Two floats, as transformers 5 wants them, and left out where they bound nothing: plain JSON has no infinity.</summary>
    private static void WriteLimit(Mamba2Config c, Utf8JsonWriter writer)
    {
        if (c.MinDt <= 0 && double.IsPositiveInfinity(c.MaxDt)) return;
        writer.WriteStartArray("time_step_limit");
        foreach (var bound in (double[])[c.MinDt, Math.Min(c.MaxDt, float.MaxValue)])
        {
            var text = bound.ToString("R", CultureInfo.InvariantCulture);
            writer.WriteRawValue(text.AsSpan().IndexOfAny('.', 'E') < 0 ? text + ".0" : text);
        }
        writer.WriteEndArray();
    }
}
