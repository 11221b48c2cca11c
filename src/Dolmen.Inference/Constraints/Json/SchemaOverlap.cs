using System.Text.Json;

namespace Dolmen.Inference.Constraints.Json;

/// <summary>Whether no value can be valid under two of several schemas, as <c>oneOf</c> needs it.</summary>
internal static class SchemaOverlap
{
    /// <param name="resolve">Follows a <c>$ref</c>.</param>
    /// <returns>True only if it is certain.</returns>
    public static bool AreApart(IReadOnlyList<JsonElement> options, Func<string, JsonElement?> resolve)
    {
        var followed = options.Select(option => Follow(option, resolve)).ToList();
        for (var i = 0; i < followed.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (!AreApart(followed[i], followed[j], resolve)) return false;
            }
        }
        return true;
    }

    private static bool AreApart(JsonElement a, JsonElement b, Func<string, JsonElement?> resolve)
    {
        if (a.ValueKind != JsonValueKind.Object || b.ValueKind != JsonValueKind.Object) return false;
        if (Values(a) is { } some && Values(b) is { } others) return !some.Any(value =>
            others.Any(other => JsonElement.DeepEquals(value, other)));
        if (Kinds(a) is not { } kinds || Kinds(b) is not { } otherKinds) return false;
        if (!kinds.Intersect(otherKinds).Any()) return true;
        if (kinds is not ["object"] || otherKinds is not ["object"]) return false;
        // A member that both require, with values of its own in each, tells objects apart.
        return Required(a).Intersect(Required(b)).Any(name => Member(a, name) is { } mine && Member(b, name) is { } theirs
            && Values(Follow(mine, resolve)) is { } ours && Values(Follow(theirs, resolve)) is { } theirValues
            && !ours.Any(value => theirValues.Any(other => JsonElement.DeepEquals(value, other))));
    }

    private static JsonElement Follow(JsonElement schema, Func<string, JsonElement?> resolve)
    {
        for (var steps = 0; steps < 64; steps++)
        {
            if (schema.ValueKind != JsonValueKind.Object || !schema.TryGetProperty("$ref", out var pointer)
                || pointer.ValueKind != JsonValueKind.String || resolve(pointer.GetString()!) is not { } target)
            {
                return schema;
            }
            schema = target;
        }
        return schema;
    }

    private static List<JsonElement>? Values(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object) return null;
        if (schema.TryGetProperty("const", out var one)) return [one];
        return schema.TryGetProperty("enum", out var several) && several.ValueKind == JsonValueKind.Array ? [.. several.EnumerateArray()]
            : null;
    }

    /// <summary>Types, "number" for integers too.</summary>
    private static string[]? Kinds(JsonElement schema)
    {
        if (Values(schema) is { } values)
        {
            return [.. values.Select(value => value.ValueKind switch
            {
                JsonValueKind.True or JsonValueKind.False => "boolean",
                var kind => kind.ToString().ToLowerInvariant(),
            }).Distinct()];
        }
        if (!schema.TryGetProperty("type", out var type)) return null;
        var names = type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(name => name.ToString()) : [type.ToString()];
        return [.. names.Select(name => name == "integer" ? "number" : name).Distinct()];
    }

    private static IEnumerable<string> Required(JsonElement schema) =>
        schema.TryGetProperty("required", out var names) && names.ValueKind == JsonValueKind.Array
            ? names.EnumerateArray().Select(name => name.ToString()) : [];

    private static JsonElement? Member(JsonElement schema, string name) =>
        schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
            && properties.TryGetProperty(name, out var member) ? member : null;
}
