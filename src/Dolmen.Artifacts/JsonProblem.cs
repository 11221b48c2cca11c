using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Dolmen.Artifacts;

/// <summary>Says in the file's own words why JSON does not fit a type: which key, its value, and what it must be.</summary>
public static class JsonProblem
{
    private const string Missing = "missing required properties including: ";
    private const int LongestValueShown = 60;

    /// <returns>Such as "messages[0].content is 5: it must be a string", without a full stop.</returns>
    public static string Explain(JsonException error, JsonElement root, JsonTypeInfo type)
    {
        var (place, value, wanted) = Walk(error.Path ?? "$", root, type);
        var at = error.Message.IndexOf(Missing, StringComparison.Ordinal);
        if (at >= 0)
        {
            var names = error.Message[(at + Missing.Length)..].Split('\'').Where((_, i) => i % 2 == 1).ToList();
            var owner = place.Length == 0 ? "" : $"{place}.";
            return $"{string.Join(", ", names.Select(name => owner + name))} {(names.Count == 1 ? "is" : "are")} missing: "
                + "the format needs " + (names.Count == 1 ? "it" : "them");
        }
        if (wanted is null || value is not { } found) return Reason(error).TrimEnd('.');
        if (found.ValueKind == JsonValueKind.Object && wanted.Kind == JsonTypeInfoKind.Object) return Reason(error).TrimEnd('.');
        return $"{(place.Length == 0 ? "it" : place)} is {Shown(found)}: it must be {Kind(wanted)}";
    }

    /// <summary>What a value of the type is called in JSON.</summary>
    public static string Kind(JsonTypeInfo type)
    {
        var plain = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        return plain switch
        {
            _ when plain == typeof(bool) => "true or false",
            _ when plain == typeof(int) || plain == typeof(long) || plain == typeof(ulong) || plain == typeof(uint) => "a whole number",
            _ when plain == typeof(double) || plain == typeof(float) => "a number",
            { IsEnum: true } => "one of " + string.Join(", ", Enum.GetNames(plain).Select(new RecipeNaming().ConvertName)),
            _ when plain == typeof(string) => "a string",
            _ when type.Kind == JsonTypeInfoKind.Enumerable && type.ElementType == typeof(string) => "a list of strings",
            _ when type.Kind == JsonTypeInfoKind.Enumerable => "a list",
            _ => "an object",
        };
    }

    /// <summary>The reader's reason without the place and the path that it appends.</summary>
    public static string Reason(JsonException error)
    {
        var end = error.Message.Length;
        foreach (var tail in (ReadOnlySpan<string>)[" LineNumber: ", " Path: "])
        {
            var found = error.Message.IndexOf(tail, StringComparison.Ordinal);
            if (found >= 0) end = Math.Min(end, found);
        }
        return error
            .Message[..end]
            .Replace(
                " at the end which is not supported in this mode. Change the reader options.",
                " at its end, which JSON does not allow.",
                StringComparison.Ordinal
            )
            .Replace(
                "Expected depth to be zero at the end of the JSON payload. There is an open JSON object or array that should be closed.",
                "It ends before an object or array in it is closed.",
                StringComparison.Ordinal
            );
    }

    /// <summary>Follows a path such as <c>$.messages[0].content</c> through the value and the type side by side.</summary>
    private static (string Place, JsonElement? Value, JsonTypeInfo? Type) Walk(string path, JsonElement root, JsonTypeInfo type)
    {
        JsonElement? value = root;
        JsonTypeInfo? wanted = type;
        var place = "";
        foreach (var step in Steps(path))
        {
            if (int.TryParse(step, out var index) && value is { ValueKind: JsonValueKind.Array } list)
            {
                place += $"[{index}]";
                value = index < list.GetArrayLength() ? list[index] : null;
                wanted = wanted?.ElementType is { } element ? wanted.Options.GetTypeInfo(element) : null;
                continue;
            }
            place += place.Length == 0 ? step : $".{step}";
            value = value is { ValueKind: JsonValueKind.Object } item && item.TryGetProperty(step, out var inner) ? inner : null;
            wanted = wanted switch
            {
                { Kind: JsonTypeInfoKind.Dictionary, ElementType: { } element } => wanted.Options.GetTypeInfo(element),
                { Kind: JsonTypeInfoKind.Object } => wanted.Properties.FirstOrDefault(property => property.Name == step) is { } known
                    ? known.Options.GetTypeInfo(known.PropertyType) : null,
                _ => null,
            };
        }
        return (place, value, wanted);
    }

    /// <summary>The names and indexes of a path; a name with unusual characters stands in it as <c>['name']</c>.</summary>
    private static IEnumerable<string> Steps(string path)
    {
        for (var at = 1; at < path.Length;)
        {
            if (path[at] == '.')
            {
                var end = path.AsSpan(at + 1).IndexOfAny('.', '[');
                var stop = end < 0 ? path.Length : at + 1 + end;
                yield return path[(at + 1)..stop];
                at = stop;
                continue;
            }
            var quoted = at + 1 < path.Length && path[at + 1] == '\'';
            var close = path.IndexOf(quoted ? "']" : "]", at, StringComparison.Ordinal);
            if (close < 0) yield break;
            yield return path[(at + (quoted ? 2 : 1))..close];
            at = close + (quoted ? 2 : 1);
        }
    }

    private static string Shown(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= LongestValueShown ? text : text[..(LongestValueShown - 1)] + "…";
    }
}
