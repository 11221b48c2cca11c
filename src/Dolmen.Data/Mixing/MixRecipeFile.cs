using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Data.Mixing;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true, MaxDepth = 8)]
[JsonSerializable(typeof(MixRecipe))]
[JsonSerializable(typeof(MixReport))]
internal sealed partial class MixJson : JsonSerializerContext;

/// <summary>A recipe in JSON with comments, and single settings on top of it.</summary>
public static class MixRecipeFile
{
    private const long MaxBytes = 1 << 20;

    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 8 };

    /// <param name="file">Null for a recipe of nothing but defaults.</param>
    /// <param name="sets"><c>path=value</c>, such as <c>alpha=0.5</c> or <c>sources.wiki=2</c>.</param>
    /// <exception cref="UserErrorException">The file is missing or wrong, or a setting is.</exception>
    public static MixRecipe Load(string? file, IReadOnlyList<string> sets)
    {
        var tree = file is null ? [] : Read(file);
        foreach (var set in sets) Set(tree, set);
        MixRecipe? recipe;
        try
        {
            recipe = tree.Deserialize(MixJson.Default.MixRecipe);
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{file ?? "--set"}: {error.Message} A mixing recipe has {Names()}.", error);
        }
        (recipe ??= new MixRecipe()).ThrowIfInvalid();
        return recipe;
    }

    private static JsonObject Read(string file)
    {
        if (!File.Exists(file)) throw new UserErrorException($"--recipe {file} does not exist: name a .jsonc file, or leave it out and use --set.");
        try
        {
            if (new FileInfo(file).Length > MaxBytes) throw new UserErrorException($"--recipe {file} has more than {MaxBytes >> 20} MB: that is no recipe.");
            return JsonNode.Parse(File.ReadAllText(file), documentOptions: Lenient) as JsonObject ?? throw new UserErrorException($"--recipe {file} is no JSON object.");
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"--recipe {file} cannot be read: {error.Message} Correct it.", error);
        }
    }

    // Only the first point divides: names of sources and languages may hold points.
    private static void Set(JsonObject tree, string set)
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

    private static string Names() => string.Join(", ", MixJson.Default.MixRecipe.Properties.Select(p => p.Name));
}
