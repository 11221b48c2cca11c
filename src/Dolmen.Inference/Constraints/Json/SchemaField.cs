using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Inference.Constraints.Json;

/// <summary>Reads keywords of a JSON schema and names the place of those that are wrong.</summary>
internal static class SchemaField
{
    public static UserErrorException Problem(string at, string what) =>
        new($"The JSON schema at {ShownName.Of(at)} cannot be used: {what}.");

    public static string? Text(JsonElement schema, string key, string at)
    {
        if (!schema.TryGetProperty(key, out var value)) return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw Problem(at, $"'{key}' must be a string");
    }

    /// <summary>The items of a list, or none where the key is missing.</summary>
    public static IReadOnlyList<JsonElement> List(JsonElement schema, string key, string at)
    {
        if (!schema.TryGetProperty(key, out var value)) return [];
        return value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : throw Problem(at, $"'{key}' must be a list");
    }

    public static bool Flag(JsonElement schema, string key, string at)
    {
        if (!schema.TryGetProperty(key, out var value)) return false;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
            : throw Problem(at, $"'{key}' must be true or false");
    }

    /// <summary>A lower limit, 0 where it is missing, and an upper one, null where it is missing.</summary>
    public static (int Least, int? Most) Limits(JsonElement schema, string least, string most, string at)
    {
        var limits = (Least: Count(least) ?? 0, Most: Count(most));
        return limits.Most < limits.Least ? throw Problem(at, $"'{least}' is larger than '{most}'") : limits;

        int? Count(string key)
        {
            if (!schema.TryGetProperty(key, out var value)) return null;
            // A count may be written as 3.0 (JSON Schema 2020-12, core §4.2.3).
            return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number is >= 0 and <= 1e6
                && number == Math.Floor(number) ? (int)number : throw Problem(at, $"'{key}' must be a whole number between 0 and 1000000");
        }
    }
}
