using System.Globalization;
using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints;

/// <summary>The fields of a config.json, each checked when it is asked for. A null is as good as missing.</summary>
internal sealed class ConfigFields(string path, JsonElement root)
{
    public JsonElement Root => root;

    public int Whole(string name, int? otherwise = null)
    {
        if (!Present(name, out var value)) return otherwise ?? throw Bad($"{name} is missing", "this architecture needs it");
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
            ? number : throw Bad($"{name} is {value.GetRawText()}", "it must be a whole number below 2^31");
    }

    public int? WholeOrNull(string name) => Present(name, out _) ? Whole(name) : null;

    public double Number(string name, double? otherwise = null)
    {
        if (!Present(name, out var value)) return otherwise ?? throw Bad($"{name} is missing", "this architecture needs it");
        return Real(value) ?? throw Bad($"{name} is {value.GetRawText()}", "it must be a number");
    }

    public double? NumberOrNull(string name) => Present(name, out _) ? Number(name) : null;

    public bool Flag(string name, bool otherwise = false)
    {
        if (!Present(name, out var value)) return otherwise;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean() : throw Bad($"{name} is {value.GetRawText()}", "it must be true or false");
    }

    public string? Text(string name)
    {
        if (!Present(name, out var value)) return null;
        if (value.ValueKind != JsonValueKind.String) throw Bad($"{name} is {value.GetRawText()}", "it must be text");
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException error)                          // half a surrogate pair
        {
            throw new UserErrorException($"'{path}': {name} is {value.GetRawText()}: it must be text.", error);
        }
    }

    public ConfigFields? Object(string name)
    {
        if (!Present(name, out var value)) return null;
        return value.ValueKind == JsonValueKind.Object
            ? new ConfigFields(path, value) : throw Bad($"{name} is {value.GetRawText()}", "it must be an object or null");
    }

    /// <summary>Two numbers, infinity included.</summary>
    public (double Low, double High)? Range(string name)
    {
        if (!Present(name, out var value)) return null;
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 2
            && Real(value[0], infinite: true) is { } low && Real(value[1], infinite: true) is { } high) return (low, high);
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

    /// <exception cref="UserErrorException">The field says something else than the only value that can be run.</exception>
    public void Only(string name, string value, string rule)
    {
        if (Present(name, out var found) && found.ToString() != value) throw Bad($"{name} is {found.GetRawText()}", rule);
    }

    public bool Present(string name, out JsonElement value) =>
        root.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;

    public UserErrorException Bad(string what, string rule) => new($"'{path}': {what}: {rule}.");

    private static double? Real(JsonElement value, bool infinite = false)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)) return number;
        return infinite && value.ValueKind == JsonValueKind.String
            && double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out number)
            ? number : null;
    }
}
