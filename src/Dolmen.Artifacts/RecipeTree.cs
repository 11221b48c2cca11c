using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Dolmen.Artifacts;

/// <summary>A recipe as the user wrote it, before it is bound: overrides are made and unknown keys found here, against the records'
/// shape.</summary>
public static class RecipeTree
{
    private static readonly JsonDocumentOptions Lenient = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        MaxDepth = JsonInput.MaxDepth,
        AllowDuplicateProperties = false,
    };

    /// <exception cref="UserErrorException">Not JSON, or not an object.</exception>
    public static JsonObject Parse(string text, string source)
    {
        return ParseNode(text, source) as JsonObject
            ?? throw new UserErrorException(
                $"{source} is not a recipe: a recipe is one JSON object. 'dolmen recipe copy quickstart FILE' gives one to start from.");
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
    public static IEnumerable<string> UnknownKeys(JsonObject tree, JsonTypeInfo type, string path = "") =>
        UnknownKeys(tree, type, path, kindKey: null);

    private static IEnumerable<string> UnknownKeys(JsonObject tree, JsonTypeInfo type, string path, string? kindKey)
    {
        foreach (var (key, value) in tree)
        {
            var at = path.Length == 0 ? key : $"{path}.{key}";
            if (key == kindKey) continue;
            if (type.Properties.FirstOrDefault(property => property.Name == key) is not { } known)
            {
                yield return $"'{at}' is not a key of a recipe{Suggestion(key, type)}";
                continue;
            }
            if (value is not JsonObject inner || TypeOf(known) is not { Kind: JsonTypeInfoKind.Object } innerType) continue;
            var (contract, below) = (RecipeVariants.Of(innerType, inner, at), innerType.PolymorphismOptions?.TypeDiscriminatorPropertyName);
            foreach (var problem in UnknownKeys(inner, contract, at, below)) yield return problem;
        }
    }

    /// <param name="assignment"><c>training.precision=float32</c>.</param>
    /// <exception cref="UserErrorException">No such key, or a value of another type.</exception>
    public static void Set(JsonObject tree, string assignment, JsonTypeInfo root)
    {
        var equals = assignment.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1)
            throw new UserErrorException(
                $"--set {assignment} has no value: write --set path=value, such as --set training.precision=float32."
            );
        var (path, text) = (assignment[..equals].Trim(), assignment[(equals + 1)..].Trim());
        var keys = path.Split('.');
        var (at, type) = (tree, root);
        for (var i = 0; i < keys.Length; i++)
        {
            // Names in a dictionary may hold points: all that is left of the path is one.
            if (type.Kind == JsonTypeInfoKind.Dictionary && type.ElementType is { } element)
            {
                at[string.Join('.', keys[i..])] = Value(assignment, path, text, type.Options.GetTypeInfo(element));
                return;
            }
            if (i == keys.Length - 1 && keys[i] == type.PolymorphismOptions?.TypeDiscriminatorPropertyName)
            {
                at[keys[i]] = text;
                RecipeVariants.Of(type, at, string.Join('.', keys[..i]));
                return;
            }
            type = RecipeVariants.Of(type, at, string.Join('.', keys[..i]));
            if (type.Kind != JsonTypeInfoKind.Object)
                throw new UserErrorException($"--set {assignment}: '{string.Join('.', keys[..i])}' has no keys below it.");
            var known =
                type.Properties.FirstOrDefault(property => property.Name == keys[i])
                ?? throw new UserErrorException(
                    $"--set {assignment}: '{string.Join('.', keys[..(i + 1)])}' is not a key of a recipe{Suggestion(keys[i], type)}"
                );
            if (i == keys.Length - 1)
            {
                at[keys[i]] = Value(assignment, path, text, TypeOf(known));
                return;
            }
            if (at[keys[i]] is not JsonObject below) at[keys[i]] = below = [];
            (at, type) = (below, TypeOf(known));
        }
    }

    /// <summary>The record a tree makes.</summary>
    /// <exception cref="UserErrorException">A key is unknown or missing, or a value of another type.</exception>
    public static T Bind<T>(JsonObject tree, JsonTypeInfo<T> type, string source)
    {
        if (UnknownKeys(tree, type).ToList() is { Count: > 0 } unknown)
            throw new UserErrorException(string.Join('\n', unknown.Select(problem => $"{problem} ({source})")));
        RecipeVariants.NameDefaults(tree, type);
        try
        {
            return tree.Deserialize(type) ?? throw new UserErrorException($"{source} holds no recipe.");
        }
        catch (JsonException error)
        {
            using var written = JsonDocument.Parse(tree.ToJsonString());
            throw new UserErrorException($"{JsonProblem.Explain(error, written.RootElement, type)}. ({source})", error);
        }
    }

    /// <summary>A record of nothing but settings from a command line.</summary>
    public static T Bind<T>(IReadOnlyList<string> assignments, JsonTypeInfo<T> type)
    {
        var tree = new JsonObject();
        foreach (var assignment in assignments) Set(tree, assignment, type);
        return Bind(tree, type, "--set");
    }

    /// <summary>Where a problem comes from: the <c>--set</c> that changed the key it begins with, or else the recipe.</summary>
    public static string Origin(string problem, string source, IReadOnlyList<string>? assignments) =>
        assignments?.LastOrDefault(assignment => problem.StartsWith(assignment.Split('=')[0].Trim() + " ", StringComparison.Ordinal))
            is { } guilty ? $"--set {guilty}" : source;

    private static JsonNode? ParseNode(string text, string source)
    {
        var utf8 = JsonInput.Checked(Encoding.UTF8.GetBytes(text), source, comments: true);
        try
        {
            return JsonNode.Parse(utf8.Span, documentOptions: Lenient);
        }
        catch (JsonException error)                                          // a key that stands there twice
        {
            throw new UserErrorException($"{source} is not valid JSON: {JsonProblem.Reason(error)}", error);
        }
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
        if (plain == typeof(string)) return JsonValue.Create(text);
        try
        {
            var node = plain.IsEnum && text != "null" ? JsonValue.Create(text) : ParseNode(text, assignment);
            node.Deserialize(type);
            return node;
        }
        catch (Exception error) when (error is JsonException or UserErrorException)
        {
            throw new UserErrorException($"--set {assignment}: '{text}' is not {JsonProblem.Kind(type)}, which {path} takes.", error);
        }
    }
}
