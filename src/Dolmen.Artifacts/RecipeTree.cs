using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Dolmen.Artifacts;

/// <summary>A recipe as the user wrote it, before it is bound: overrides are made and unknown keys found here, against the records' shape.</summary>
public static class RecipeTree
{
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 32 };

    /// <exception cref="UserErrorException">Not JSON, or not an object.</exception>
    public static JsonObject Parse(string text, string source)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: Lenient) as JsonObject
                ?? throw new UserErrorException($"{source} holds no recipe: a recipe is one JSON object. 'dolmen recipe copy quickstart FILE' gives one to start from.");
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{source} is not valid JSON at line {error.LineNumber + 1}, column {error.BytePositionInLine + 1}: {Reason(error)}", error);
        }
    }

    /// <summary>Puts <paramref name="changes"/> over <paramref name="tree"/>, object by object; the one named <paramref name="whole"/> is
    /// replaced.</summary>
    public static void Merge(JsonObject tree, JsonObject changes, string whole)
    {
        foreach (var (key, value) in changes.ToList())
        {
            if (key != whole && value is JsonObject inner && tree[key] is JsonObject outer) Merge(outer, inner, whole);
            else tree[key] = value?.DeepClone();
        }
    }

    /// <summary>Every key the records do not know, with the nearest one they do.</summary>
    public static IEnumerable<string> UnknownKeys(JsonObject tree, JsonTypeInfo type, string path = "")
    {
        foreach (var (key, value) in tree)
        {
            var at = path.Length == 0 ? key : $"{path}.{key}";
            if (type.Properties.FirstOrDefault(property => property.Name == key) is not { } known)
            {
                yield return $"'{at}' is no key of a recipe{Suggestion(key, type)}";
                continue;
            }
            if (value is not JsonObject inner || TypeOf(known) is not { Kind: JsonTypeInfoKind.Object } innerType) continue;
            foreach (var problem in UnknownKeys(inner, innerType, at)) yield return problem;
        }
    }

    /// <param name="assignment"><c>training.precision=float32</c>.</param>
    /// <exception cref="UserErrorException">No such key, or a value of another type.</exception>
    public static void Set(JsonObject tree, string assignment, JsonTypeInfo root)
    {
        var equals = assignment.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1) throw new UserErrorException($"--set {assignment} has no value: write --set path=value, such as --set training.precision=float32.");
        var (path, text) = (assignment[..equals].Trim(), assignment[(equals + 1)..].Trim());
        var keys = path.Split('.');
        var (at, type) = (tree, root);
        for (var i = 0; i < keys.Length; i++)
        {
            if (type.Kind != JsonTypeInfoKind.Object) throw new UserErrorException($"--set {assignment}: '{string.Join('.', keys[..i])}' has no keys below it.");
            var known = type.Properties.FirstOrDefault(property => property.Name == keys[i])
                ?? throw new UserErrorException($"--set {assignment}: '{string.Join('.', keys[..(i + 1)])}' is no key of a recipe{Suggestion(keys[i], type)}");
            if (i == keys.Length - 1)
            {
                at[keys[i]] = Value(assignment, path, text, TypeOf(known));
                return;
            }
            if (at[keys[i]] is not JsonObject below) at[keys[i]] = below = [];
            (at, type) = (below, TypeOf(known));
        }
    }

    public static string Reason(JsonException error)
    {
        var path = error.Message.IndexOf(" Path: ", StringComparison.Ordinal);
        return path < 0 ? error.Message : error.Message[..path];
    }

    private static JsonTypeInfo TypeOf(JsonPropertyInfo property) => property.Options.GetTypeInfo(property.PropertyType);

    private static string Suggestion(string key, JsonTypeInfo type)
    {
        var names = type.Properties.Select(property => property.Name).ToList();
        return NearestName.Of(key, names) is { } near ? $": did you mean '{near}'?" : $": known there are {string.Join(", ", names)}.";
    }

    private static JsonNode? Value(string assignment, string path, string text, JsonTypeInfo type)
    {
        var plain = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        if (plain == typeof(string) || plain.IsEnum) return JsonValue.Create(text);
        try
        {
            var node = JsonNode.Parse(text, documentOptions: Lenient);
            node.Deserialize(type);
            return node;
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"--set {assignment}: '{text}' is not {Kind(plain)}, which {path} takes.", error);
        }
    }

    public static string Kind(Type type) => type switch
    {
        _ when type == typeof(bool) => "true or false",
        _ when type == typeof(int) || type == typeof(long) || type == typeof(ulong) => "a whole number",
        _ when type == typeof(double) => "a number",
        { IsEnum: true } => "one of " + string.Join(", ", Enum.GetNames(type).Select(new RecipeNaming().ConvertName)),
        _ when type == typeof(IReadOnlyList<string>) => "a list of strings",
        _ when type == typeof(string) => "a string",
        _ => "an object",
    };
}
