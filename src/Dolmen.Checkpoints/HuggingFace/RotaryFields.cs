using System.Text.Json;

namespace Dolmen.Checkpoints;

/// <summary>Rotary positions in config.json: <c>rope_theta</c> and <c>rope_scaling</c>, or both within <c>rope_parameters</c>.</summary>
internal static class RotaryFields
{
    public static double Theta(ConfigFields fields) =>
        fields.Object("rope_parameters")?.NumberOrNull("rope_theta") ?? fields.NumberOrNull("rope_theta") ?? 10000;

    public static RotaryScaling? Scaling(ConfigFields fields)
    {
        foreach (var name in (string[])["rope_scaling", "rope_parameters"])
        {
            if (fields.Object(name) is not { } scaling) continue;
            var kind = scaling.Text("rope_type") ?? scaling.Text("type") ?? (name == "rope_parameters" ? "default" : "unnamed");
            int Original() => scaling.WholeOrNull("original_max_position_embeddings") ?? fields.Whole("max_position_embeddings");
            RotaryScaling? read = kind switch
            {
                "default" => null,
                "linear" => new LinearScaling(scaling.Number("factor")),
                "llama3" => new Llama3Scaling(
                    scaling.Number("factor"), scaling.Number("low_freq_factor"), scaling.Number("high_freq_factor"), Original()),
                "yarn" => new YarnScaling(
                    scaling.Number("factor"), Original(), scaling.Number("beta_fast", 32), scaling.Number("beta_slow", 1),
                    Temperature(scaling), scaling.Flag("truncate", true)),
                _ => throw fields.Bad($"{name} has the type '{kind}'",
                    "only 'default', 'linear', 'llama3' and 'yarn' positions are supported. Choose a model with one of those"),
            };
            if (read is { Factor: <= 0 }) throw fields.Bad($"{name}.factor is {read.Factor}", "it must be above 0");
            if (read is not null) return read;
        }
        return null;
    }

    public static void Write(Utf8JsonWriter writer, RotaryScaling? scaling)
    {
        if (scaling is null)
        {
            writer.WriteNull("rope_scaling");
            return;
        }
        writer.WriteStartObject("rope_scaling");
        writer.WriteNumber("factor", scaling.Factor);
        switch (scaling)
        {
            case LinearScaling:
                writer.WriteString("rope_type", "linear");
                break;
            case Llama3Scaling llama:
                writer.WriteNumber("high_freq_factor", llama.HighFrequencyFactor);
                writer.WriteNumber("low_freq_factor", llama.LowFrequencyFactor);
                writer.WriteNumber("original_max_position_embeddings", llama.OriginalContext);
                writer.WriteString("rope_type", "llama3");
                break;
            case YarnScaling yarn:
                writer.WriteNumber("attention_factor", yarn.Magnitude);
                writer.WriteNumber("beta_fast", yarn.BetaFast);
                writer.WriteNumber("beta_slow", yarn.BetaSlow);
                writer.WriteNumber("original_max_position_embeddings", yarn.OriginalContext);
                writer.WriteString("rope_type", "yarn");
                writer.WriteBoolean("truncate", yarn.Truncate);
                break;
        }
        writer.WriteEndObject();
    }

    /// <summary>Given outright, or from DeepSeek's two mscale fields.</summary>
    private static double? Temperature(ConfigFields scaling)
    {
        if (scaling.NumberOrNull("attention_factor") is { } given) return given;
        var factor = scaling.Number("factor");
        double Scale(double mscale) => factor <= 1 ? 1 : 0.1 * mscale * Math.Log(factor) + 1;
        return scaling.NumberOrNull("mscale") is { } mscale && scaling.NumberOrNull("mscale_all_dim") is { } all && mscale != 0 && all != 0
            ? Scale(mscale) / Scale(all) : null;
    }
}
