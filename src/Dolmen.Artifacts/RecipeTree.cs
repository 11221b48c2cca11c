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
            foreach (var (inner, innerType, place) in RecipeVariants.Below(value, TypeOf(known), at))
            {
                var (contract, below) = (RecipeVariants.Of(innerType, inner, place), innerType.PolymorphismOptions);
                foreach (var problem in UnknownKeys(inner, contract, place, below?.TypeDiscriminatorPropertyName)) yield return problem;
            }
        }
    }

    /// <param name="assignment"><c>training.precision=float32</c>.</param>
    /// <exception cref="UserErrorException">No such key, or a value of another type.</exception>
    public static void Set(JsonObject tree, string assignment, JsonTypeInfo root) => RecipeAssignment.Parse(assignment).Apply(tree, root);

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

    internal static JsonNode? ParseNode(string text, string source)
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

    internal static JsonTypeInfo TypeOf(JsonPropertyInfo property) => property.Options.GetTypeInfo(property.PropertyType);

    internal static string Suggestion(string key, JsonTypeInfo type)
    {
        var names = type.Properties.Select(property => property.Name).ToList();
        return NearestName.Of(key, names) is { } near ? $": did you mean '{near}'?" : $": known there are {string.Join(", ", names)}.";
    }
}
