using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Dolmen.Artifacts;

namespace Dolmen.Data.Mixing;

/// <summary><c>PATH=VALUE</c> settings on a tree of JSON, and the record they make.</summary>
internal static class JsonSettings
{
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 8 };

    public static JsonObject? Parse(string text) => JsonNode.Parse(text, documentOptions: Lenient) as JsonObject;

    // Only the first point divides: names of sources and languages may hold points.
    public static void Set(JsonObject tree, string set)
    {
        var equals = set.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0) throw new UserErrorException($"--set {set} is no setting: write PATH=VALUE, such as --set alpha=0.5.");
        var (path, text) = (set[..equals], set[(equals + 1)..]);
        JsonNode? value;
        try
        {
            value = JsonNode.Parse(text, documentOptions: Lenient);
        }
        catch (JsonException)
        {
            value = JsonValue.Create(text);                              // a bare word is text
        }
        var point = path.IndexOf('.', StringComparison.Ordinal);
        if (point < 0)
        {
            tree[path] = value;
            return;
        }
        if (tree[path[..point]] is not JsonObject inner) tree[path[..point]] = inner = [];
        inner[path[(point + 1)..]] = value;
    }

    /// <param name="origin">Where the tree comes from, for the message.</param>
    public static T To<T>(JsonObject tree, JsonTypeInfo<T> type, string origin)
        where T : class
    {
        try
        {
            return tree.Deserialize(type) ?? throw new UserErrorException($"{origin} holds nothing.");
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{origin}: {error.Message} What can be set: {string.Join(", ", type.Properties.Select(p => p.Name))}.", error);
        }
    }

    public static T To<T>(IReadOnlyList<string> sets, JsonTypeInfo<T> type)
        where T : class
    {
        var tree = new JsonObject();
        foreach (var set in sets) Set(tree, set);
        return To(tree, type, "--set");
    }
}
