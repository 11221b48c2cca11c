using System.Globalization;
using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints;

/// <summary>The fields of a config.json, each checked when it is asked for. A missing one has the family's own default; a null is as good
/// as missing, unless the caller asks with <see cref="IsNull"/>.</summary>
internal sealed class ConfigFields(string path, JsonElement root, ModelFamily? family = null)
{
    public string Path => path;

    public JsonElement Root => root;

    public int Int32(string name) => Int32OrNull(name) ?? throw Missing(name);

    public int? Int32OrNull(string name)
    {
        if (!Find(name, out var value)) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
            ? number : throw Bad($"{name} is {value.GetRawText()}", "it must be a whole number below 2^31");
    }

    public double Number(string name) => NumberOrNull(name) ?? throw Missing(name);

    public double? NumberOrNull(string name)
    {
        if (!Find(name, out var value)) return null;
        return AsDouble(value) ?? throw Bad($"{name} is {value.GetRawText()}", "it must be a number");
    }

    public bool Flag(string name) => FlagOrNull(name) ?? throw Missing(name);

    public bool? FlagOrNull(string name)
    {
        if (!Find(name, out var value)) return null;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean() : throw Bad($"{name} is {value.GetRawText()}", "it must be true or false");
    }

    public string? Text(string name)
    {
        if (!Find(name, out var value))
            return null;
        return value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : throw Bad($"{name} is {value.GetRawText()}", "it must be text");
    }

    public ConfigFields? Object(string name)
    {
        if (!Present(name, out var value)) return null;
        return value.ValueKind == JsonValueKind.Object
            ? new ConfigFields(path, value) : throw Bad($"{name} is {value.GetRawText()}", "it must be an object or null");
    }

    public IReadOnlyList<string>? Texts(string name)
    {
        if (!Present(name, out var value)) return null;
        return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(item => item.GetString()!)]
            : throw Bad($"{name} is {value.GetRawText()}", "it must be a list of texts");
    }

    public IReadOnlyList<double>? Numbers(string name)
    {
        if (!Present(name, out var value)) return null;
        return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => AsDouble(item) is not null)
            ? [.. value.EnumerateArray().Select(item => AsDouble(item)!.Value)]
            : throw Bad($"{name} is {value.GetRawText()}", "it must be a list of numbers");
    }

    /// <summary>Two numbers, infinity included.</summary>
    public (double Low, double High)? Range(string name)
    {
        if (!Present(name, out var value)) return null;
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 2
            && AsDouble(value[0], infinite: true) is { } low && AsDouble(value[1], infinite: true) is { } high) return (low, high);
        throw Bad($"{name} is {value.GetRawText()}", "it must be two numbers");
    }

    /// <summary>A token id, or the first of several.</summary>
    public int? FirstId(string name) => Ids(name) is [var first, ..] ? first : null;

    /// <summary>One id or a list of them; none where the field is missing or says −1, as some files do for "none".</summary>
    public IReadOnlyList<int> Ids(string name)
    {
        if (!Present(name, out var value)) return [];
        JsonElement[] items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
        int[] ids = [.. items.Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var id)
            ? id : throw Bad($"{name} is {value.GetRawText()}", "it must be a token id or a list of token ids"))];
        return [.. ids.Where(id => id >= 0)];
    }

    /// <summary>An activation by any of the names Hugging Face has for it.</summary>
    public ActivationKind Activation(string name)
    {
        var text = Text(name) ?? throw Missing(name);
        return ActivationNames.Find(text)
            ?? throw Bad(
                $"{name} is '{text}'",
                $"only {string.Join(", ", ActivationNames.All)} can be run. Choose a model with one of those"
            );
    }

    /// <summary>Whether the file has the key with a value other than null.</summary>
    public bool Present(string name, out JsonElement value)
    {
        if (root.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null) return true;
        var other = family?.Find(name) is { } key ? key.Name == name ? key.Alias : key.Name : null;
        return other is not null && root.TryGetProperty(other, out value) && value.ValueKind != JsonValueKind.Null;
    }

    /// <summary>Whether the file has the key with the value null.</summary>
    public bool IsNull(string name) => root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Null;

    public UserErrorException Bad(string what, string rule) => new($"'{path}': {what}: {rule}.");

    private UserErrorException Missing(string name) => Bad($"{name} is missing", "this architecture needs it");

    /// <summary>Finds the key's value in the file, or else the family's default.</summary>
    private bool Find(string name, out JsonElement value)
    {
        if (Present(name, out value)) return true;
        value = family?.Find(name)?.Default ?? default;
        return value.ValueKind != JsonValueKind.Undefined;
    }

    /// <summary>A number, or where infinity may stand, what Python and transformers write for it: a bare Infinity (here a string, see
    /// <see cref="PythonJson"/>) or {"__float__": "Infinity"}.</summary>
    private static double? AsDouble(JsonElement value, bool infinite = false)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)) return number;
        if (!infinite) return null;
        if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("__float__", out var inner)) value = inner;
        return value.ValueKind == JsonValueKind.String
            && double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out number)
            && !double.IsNaN(number) ? number : null;
    }
}
