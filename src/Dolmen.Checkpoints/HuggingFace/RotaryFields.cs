using System.Text.Json;

namespace Dolmen.Checkpoints;

/// <summary>Rotary positions in config.json: <c>rope_theta</c> and <c>rope_scaling</c> of older files, or <c>rope_parameters</c> with both,
/// perhaps one for each type of layer. As in transformers 5, what stands inside goes before what stands outside.</summary>
internal static class RotaryFields
{
    private static readonly string[] Always = ["rope_type", "type", "rope_theta", "partial_rotary_factor"];

    private static readonly Dictionary<string, string[]> Known = new(StringComparer.Ordinal)
    {
        ["default"] = [],
        ["linear"] = ["factor"],
        ["dynamic"] = ["factor", "original_max_position_embeddings"],
        ["llama3"] = ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"],
        ["yarn"] =
        [
            "factor",
            "original_max_position_embeddings",
            "attention_factor",
            "beta_fast",
            "beta_slow",
            "mscale",
            "mscale_all_dim",
            "truncate",
            "finetuned",                                              // how the model came to be: it changes no position
        ],
        ["longrope"] = ["factor", "original_max_position_embeddings", "attention_factor", "short_factor", "long_factor"],
    };

    /// <summary>The kinds of scaling, with the keys each may have.</summary>
    public static IReadOnlyDictionary<string, string[]> Kinds => Known;

    /// <param name="layerTypes">The type of each layer, as <c>layer_types</c> has it.</param>
    public static (double Theta, RotaryScaling? Scaling) Read(ConfigFields fields, IReadOnlyCollection<string> layerTypes)
    {
        (double Theta, RotaryScaling? Scaling)? found = null;
        foreach (var name in (string[])["rope_scaling", "rope_parameters"])
        {
            if (fields.Object(name) is not { } rope || !rope.Root.EnumerateObject().Any()) continue;
            var read = OfLayers(fields, rope, name, layerTypes);
            if (found is { } other && other != read)
            {
                throw fields.Bad("rope_scaling and rope_parameters differ", "they are the old and the new name of one thing: give one");
            }
            found = read;
        }
        return found ?? (fields.Number("rope_theta"), null);
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
            case DynamicScaling:
                writer.WriteString("rope_type", "dynamic");
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
            case LongRopeScaling longRope:
                writer.WriteNumber("attention_factor", longRope.Magnitude);
                WriteList(writer, "long_factor", longRope.LongFactor);
                writer.WriteNumber("original_max_position_embeddings", longRope.OriginalContext);
                writer.WriteString("rope_type", "longrope");
                WriteList(writer, "short_factor", longRope.ShortFactor);
                break;
            default:
                throw new NotSupportedException($"{scaling.GetType().Name} has no name in config.json.");
        }
        writer.WriteEndObject();
        // Releases 4 of transformers look for LongRoPE's trained context here.
        if (scaling is LongRopeScaling outside) writer.WriteNumber("original_max_position_embeddings", outside.OriginalContext);
    }

    /// <summary>One object for all layers, or one for each type of layer, which must then agree.</summary>
    private static (double Theta, RotaryScaling? Scaling) OfLayers(
        ConfigFields fields, ConfigFields rope, string name, IReadOnlyCollection<string> layerTypes)
    {
        if (!rope.Root.EnumerateObject().Any(property => property.Value.ValueKind == JsonValueKind.Object)) return One(fields, rope, name);
        (double Theta, RotaryScaling? Scaling)? found = null;
        foreach (var property in rope.Root.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.Object || !property.Name.EndsWith("_attention", StringComparison.Ordinal))
            {
                throw fields.Bad($"{name} has '{property.Name}' beside objects for types of layers",
                    "it must either hold the positions of all layers or one object for each type of layer");
            }
        }
        foreach (var type in layerTypes.Distinct(StringComparer.Ordinal))
        {
            var own = rope.Object(type) ?? throw fields.Bad($"{name} has no '{type}'", "some layers are of that type");
            var read = One(fields, own, $"{name}.{type}");
            if (found is { } other && other != read)
            {
                throw fields.Bad($"{name} differs between types of layers", "only models whose layers all turn alike can be run");
            }
            found = read;
        }
        return found ?? throw fields.Bad($"{name} does not name a type of layer", "it must have one object for each type");
    }

    private static (double Theta, RotaryScaling? Scaling) One(ConfigFields fields, ConfigFields rope, string name)
    {
        var (kind, older) = (rope.Text("rope_type"), rope.Text("type"));
        if (kind is not null && older is not null && kind != older)
        {
            throw fields.Bad($"{name} has rope_type '{kind}' and type '{older}'", "they are two names of one key: give one");
        }
        kind ??= older ?? "default";
        if (kind == "su") kind = "longrope";                             // Phi-3's first name for it
        if (!Known.TryGetValue(kind, out var keys))
        {
            throw fields.Bad(
                $"{name} has the type '{kind}'",
                $"only {string.Join(", ", Known.Keys.Select(known => $"'{known}'"))} positions are supported. Choose a model with one of "
                    + $"those"
            );
        }
        if (kind == "default" && older is null && rope.Text("rope_type") is null && rope.Present("factor", out _))
        {
            throw fields.Bad(
                $"{name} has a factor but no rope_type",
                "the type says how positions are scaled: add it, for example \"rope_type\": \"linear\""
            );
        }
        ConfigCheck.OnlyKeys(rope, name, kind, [.. Always, .. keys]);
        if ((rope.NumberOrNull("partial_rotary_factor") ?? 1) is not 1.0 and var part)
        {
            throw fields.Bad($"{name}.partial_rotary_factor is {part}", "only heads that turn whole can be run");
        }
        var theta = rope.NumberOrNull("rope_theta") ?? fields.Number("rope_theta");
        var scaling = Scaling(fields, rope, kind);
        if (scaling is { Factor: <= 0 }) throw fields.Bad($"{name}.factor is {scaling.Factor}", "it must be above 0");
        return (theta, scaling);
    }

    private static RotaryScaling? Scaling(ConfigFields fields, ConfigFields rope, string kind)
    {
        var context = fields.Int32("max_position_embeddings");
        var original =
            fields.Int32OrNull("original_max_position_embeddings") ?? rope.Int32OrNull("original_max_position_embeddings") ?? context;
        if (original < 1)
            throw fields.Bad($"original_max_position_embeddings is {original}", "it must be at least 1");
        // Where yarn and longrope leave the factor out, it is how much longer the context has become.
        double Ratio() => rope.NumberOrNull("factor") ?? (double)context / original;
        switch (kind)
        {
            case "linear":
                return new LinearScaling(rope.Number("factor"));
            case "dynamic":
                // transformers measures growth by the configuration's own context, whatever else is said.
                return new DynamicScaling(rope.Number("factor"), context);
            case "llama3":
                return new Llama3Scaling(rope.Number("factor"), rope.Number("low_freq_factor"), rope.Number("high_freq_factor"), original);
            case "yarn":
                var factor =
                    rope.Present("original_max_position_embeddings", out _) || fields.Present("original_max_position_embeddings", out _)
                        ? Ratio()
                        : rope.Number("factor");
                return new YarnScaling(
                    factor,
                    original,
                    OrUsual(rope.NumberOrNull("beta_fast"), 32),
                    OrUsual(rope.NumberOrNull("beta_slow"), 1),
                    rope.NumberOrNull("attention_factor") ?? Temperature(rope, factor),
                    rope.FlagOrNull("truncate") ?? true
                );
            case "longrope":
                var lists = new LongRopeScaling(Ratio(), original,
                    rope.Numbers("short_factor") ?? throw fields.Bad("short_factor is missing", "longrope positions need it"),
                    rope.Numbers("long_factor") ?? throw fields.Bad("long_factor is missing", "longrope positions need it"),
                    rope.NumberOrNull("attention_factor"));
                return lists with { AttentionFactor = lists.Magnitude };
            default:
                return null;
        }
    }

    /// <summary>transformers takes a zero as if it were missing.</summary>
    private static double OrUsual(double? given, double usual) => given is null or 0 ? usual : given.Value;

    /// <summary>YaRN's temperature from DeepSeek's two mscale fields; null where they are not both there.</summary>
    private static double? Temperature(ConfigFields rope, double factor)
    {
        double Scale(double mscale) => factor <= 1 ? 1 : 0.1 * mscale * Math.Log(factor) + 1;
        return rope.NumberOrNull("mscale") is { } mscale && rope.NumberOrNull("mscale_all_dim") is { } all && mscale != 0 && all != 0
            ? Scale(mscale) / Scale(all) : null;
    }

    private static void WriteList(Utf8JsonWriter writer, string name, IReadOnlyList<double> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values) writer.WriteNumberValue(value);
        writer.WriteEndArray();
    }
}
