using System.Text.Json;

namespace Dolmen.Checkpoints;

/// <summary>What is done with a key of config.json.</summary>
public enum KeyUse
{
    /// <summary>Its value is used.</summary>
    Honoured,

    /// <summary>It does not change what a trained model computes: settings of training, of other programs, or of how results come
    /// back.</summary>
    Harmless,

    /// <summary>It changes what the model computes, and only some values can be run.</summary>
    Fixed,
}

/// <summary>One key of one model family.</summary>
/// <param name="Value">JSON: what a missing honoured key means, null where <paramref name="Note"/> says; of a fixed key, the values that
/// can be run, the first of which a missing key means.</param>
/// <param name="Note">For people: what it is, or the rule it must keep.</param>
/// <param name="Alias">Another name upstream gives the same key.</param>
public sealed record ConfigKey(string Name, KeyUse Use, string? Value = null, string Note = "", string? Alias = null)
{
    /// <summary>The value of a missing key; null where there is none.</summary>
    internal JsonElement? Default => Use == KeyUse.Honoured && Value is { } json ? JsonElement.Parse(json) : null;

    /// <summary>Whether a fixed key may hold the value.</summary>
    internal bool Allows(JsonElement value) => JsonElement.Parse($"[{Value}]").EnumerateArray().Any(allowed => Same(allowed, value));

    /// <summary>Equal JSON, numbers by their value.</summary>
    internal static bool Same(JsonElement a, JsonElement b) => a.ValueKind == JsonValueKind.Number && b.ValueKind == JsonValueKind.Number
        ? a.GetDouble().Equals(b.GetDouble()) : JsonElement.DeepEquals(a, b);
}

/// <summary>One model_type: the class other software loads it with, and every key its configuration has.</summary>
public sealed record ModelFamily(string ModelType, string Architecture, IReadOnlyList<ConfigKey> Keys)
{
    public ConfigKey? Find(string name)
    {
        foreach (var key in Keys) if (key.Name == name || key.Alias == name) return key;
        return null;
    }
}
