using System.Text.Json;

namespace Dolmen.Checkpoints;

/// <summary>Looks at every key of a config.json before any is used: what changes the model's function is understood or refused, and what is
/// not known at all is named once.</summary>
internal static class ConfigCheck
{
    /// <summary>A key that is not known but speaks of one of these may change what the model computes.</summary>
    private static readonly string[] Telling =
    [
        "rope", "rotary", "attn", "attention", "position", "alibi", "window", "norm", "bias", "activation", "softcap", "multiplier", "clip",
        "scale", "scaling", "logit", "theta",
    ];

    /// <exception cref="Artifacts.UserErrorException">A key changes the model's function in a way that cannot be run, or is there
    /// twice.</exception>
    public static void Run(ConfigFields fields, ModelFamily family, ModelReading reading)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var unknown = new List<string>();
        foreach (var property in fields.Root.EnumerateObject())
        {
            if (!names.Add(property.Name)) throw fields.Bad($"{property.Name} is there twice", "each key may be given once");
            if (family.Find(property.Name) is { } key) Known(fields, key, property, names);
            else if (!Unchanging(fields, family, property)) unknown.Add(property.Name);
        }
        if (unknown.Count > 0)
        {
            reading.LeaveOut($"'{fields.Path}' has keys that Dolmen does not know for model_type '{family.ModelType}': " +
                $"{string.Join(", ", unknown)}", "They were left out of account");
        }
    }

    /// <summary>The keys of an object that must all be known.</summary>
    public static void OnlyKeys(ConfigFields fields, string where, string kind, IReadOnlyCollection<string> known)
    {
        foreach (var property in fields.Root.EnumerateObject())
        {
            if (known.Contains(property.Name) || property.Value.ValueKind == JsonValueKind.Null) continue;
            throw fields.Bad($"{where} has '{property.Name}', which is not understood for the type '{kind}'",
                $"every key there may change the positions, so only {string.Join(", ", known)} are taken. Choose a model without it");
        }
    }

    private static void Known(ConfigFields fields, ConfigKey key, JsonProperty property, HashSet<string> names)
    {
        if (key.Alias is { } alias && names.Contains(key.Name) && names.Contains(alias)
            && !ConfigKey.Same(fields.Root.GetProperty(key.Name), fields.Root.GetProperty(alias)))
        {
            throw fields.Bad($"{key.Name} and {alias} differ", "they are two names of one key: give one");
        }
        if (key.Use != KeyUse.Fixed || property.Value.ValueKind == JsonValueKind.Null || key.Name == "layer_types") return;
        if (!key.Allows(property.Value)) throw fields.Bad($"{property.Name} is {property.Value.GetRawText()}", key.Note);
    }

    /// <summary>Whether a key that is not the family's is known to change nothing.</summary>
    private static bool Unchanging(ConfigFields fields, ModelFamily family, JsonProperty property)
    {
        var (name, value) = (property.Name, property.Value);
        var isOff = value.ValueKind is JsonValueKind.Null or JsonValueKind.False || IsEmpty(value);
        if (isOff || ModelFamilies.HarmlessEverywhere.Contains(name, StringComparer.Ordinal)) return true;
        if (ModelFamilies.NeutralElsewhere.TryGetValue(name, out var neutral))
        {
            if (new ConfigKey(name, KeyUse.Fixed, neutral).Allows(value)) return true;
            var allowed = neutral.Length == 0 ? "null" : $"{neutral} or null";
            throw fields.Bad($"{name} is {Shown(value)}", $"it changes what the model computes, and models of type '{family.ModelType}' " +
                $"do not have it here: only {allowed} can be run. Choose a model without it");
        }
        if (Told(property) is { } told)
        {
            throw fields.Bad(
                $"{name} is {Shown(value)}",
                $"the key is not known for models of type '{family.ModelType}', and its name, or one in "
                    + $"it, speaks of '{told}', so it may change what the model computes. Choose another model, or take the key out if you "
                    + $"know that it does not"
            );
        }
        return false;
    }

    /// <summary>The word by which a key, or one inside its object, may change what the model computes.</summary>
    private static string? Told(JsonProperty property) =>
        Telling.FirstOrDefault(part => property.Name.Contains(part, StringComparison.OrdinalIgnoreCase))
            ?? (property.Value.ValueKind == JsonValueKind.Object
                ? property.Value.EnumerateObject().Select(Told).FirstOrDefault(told => told is not null) : null);

    private static bool IsEmpty(JsonElement value) => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0
        || value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any();

    private static string Shown(JsonElement value)
    {
        var text = value.GetRawText().ReplaceLineEndings(" ");
        return text.Length <= 80 ? text : $"{text[..80]}…";
    }
}
