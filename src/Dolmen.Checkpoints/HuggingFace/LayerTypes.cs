using System.Text.Json;

namespace Dolmen.Checkpoints;

/// <summary>Which layers see the whole context and which a window, as config.json writes it.</summary>
internal static class LayerTypes
{
    public const string Full = "full_attention";
    public const string Sliding = "sliding_attention";

    /// <summary>Qwen 2 and 3: <c>use_sliding_window</c> switches windows on; which layers slide is said by <c>layer_types</c> or, where
    /// that is missing, are those from <c>max_window_layers</c> on.</summary>
    public static (int? Window, string? Layers) QwenWindows(ConfigFields fields, int layers)
    {
        var window = fields.Flag("use_sliding_window") && !fields.IsNull("sliding_window") ? fields.Int32OrNull("sliding_window") : null;
        var types = fields.Texts("layer_types");
        if (types is not null) Check(fields, types, layers);
        if (window is null)
        {
            if (types is not null && types.Contains(Sliding, StringComparer.Ordinal))
            {
                throw fields.Bad("layer_types has sliding layers", "then use_sliding_window must be true and sliding_window a number");
            }
            return (null, null);
        }
        var first = fields.Int32("max_window_layers");
        var slides = Enumerable.Range(0, layers).Select(i => types is null ? i >= first : types[i] == Sliding).ToArray();
        if (!slides.Contains(true)) return (null, null);
        return (window, slides.All(slide => slide) ? null : string.Concat(slides.Select(slide => slide ? 'S' : 'F')));
    }

    /// <summary>Families whose layers are all alike may say so, and nothing else.</summary>
    public static void RequireSame(ConfigFields fields, IReadOnlyList<string> kinds)
    {
        if (fields.Texts("layer_types") is not { } types) return;
        Check(fields, types, kinds.Count);
        for (var i = 0; i < kinds.Count; i++)
        {
            if (types[i] == kinds[i]) continue;
            throw fields.Bad($"layer_types says that layer {i} is '{types[i]}'", $"by the rest of the configuration it is '{kinds[i]}'");
        }
    }

    public static void WriteQwen(TransformerConfig config, Utf8JsonWriter writer)
    {
        writer.WriteBoolean("use_sliding_window", config.Window is not null);
        if (config.Window is not { } window) return;
        writer.WriteNumber("sliding_window", window);
        writer.WriteNumber("max_window_layers", Math.Max(0, config.WindowLayers?.IndexOf('S') ?? 0));
        writer.WriteStartArray("layer_types");
        for (var i = 0; i < config.Layers; i++) writer.WriteStringValue(config.WindowLayers?[i] == 'F' ? Full : Sliding);
        writer.WriteEndArray();
    }

    private static void Check(ConfigFields fields, IReadOnlyList<string> types, int layers)
    {
        if (types.Count != layers)
            throw fields.Bad($"layer_types has {types.Count} entries", $"it must have one for each of the {layers} layers");
        if (types.FirstOrDefault(type => type is not (Full or Sliding)) is { } other)
        {
            throw fields.Bad($"layer_types has '{other}'", $"only '{Full}' and '{Sliding}' can be run");
        }
    }
}
