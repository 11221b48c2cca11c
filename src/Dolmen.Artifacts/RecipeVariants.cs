using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Dolmen.Artifacts;

/// <summary>
/// Parts of a recipe that come in several kinds, such as optimizers, and lists of such parts, such as evaluation tasks: a key of the part
/// names its kind, and the kind decides which other keys it has. A part that names none is of the kind that was registered first; an entry
/// of a list must name its own.
/// </summary>
internal static class RecipeVariants
{
    /// <summary>The contract of the kind that <paramref name="part"/> names; <paramref name="type"/> itself where there are no
    /// kinds.</summary>
    /// <exception cref="UserErrorException">There is no kind of that name.</exception>
    public static JsonTypeInfo Of(JsonTypeInfo type, JsonObject part, string path)
    {
        if (type.PolymorphismOptions is not { } kinds) return type;
        var name = NameOf(part, kinds.TypeDiscriminatorPropertyName);
        foreach (var kind in kinds.DerivedTypes)
        {
            if (name is null || name == (string?)kind.TypeDiscriminator) return type.Options.GetTypeInfo(kind.DerivedType);
        }
        throw new UserErrorException($"{path}.{kinds.TypeDiscriminatorPropertyName} is '{name}': it must be one of {Names(kinds)}.");
    }

    /// <summary>The kind that a part names, as it stands there; null where it names none.</summary>
    public static string? NameOf(JsonObject part, string kindKey) =>
        part[kindKey] is JsonValue value && value.TryGetValue<string>(out var text) ? text
        : part.ContainsKey(kindKey) ? part[kindKey]?.ToJsonString() ?? "null"
        : null;

    /// <summary>The contract of the entries of a list of records; null for every other type.</summary>
    public static JsonTypeInfo? ListOf(JsonTypeInfo type) =>
        type is { Kind: JsonTypeInfoKind.Enumerable, ElementType: { } element }
        && type.Options.GetTypeInfo(element) is { Kind: JsonTypeInfoKind.Object } contract ? contract : null;

    /// <summary>The records that a value of a recipe holds: itself, or the entries of a list, each with its path.</summary>
    /// <exception cref="UserErrorException">An entry of a list names no kind.</exception>
    public static IEnumerable<(JsonObject Part, JsonTypeInfo Type, string Path)> Below(JsonNode? value, JsonTypeInfo type, string path)
    {
        if (value is JsonObject part && type.Kind == JsonTypeInfoKind.Object) yield return (part, type, path);
        if (value is not JsonArray list || ListOf(type) is not { } element) yield break;
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] is not JsonObject entry) continue;
            if (element.PolymorphismOptions is { } kinds && !entry.ContainsKey(kinds.TypeDiscriminatorPropertyName))
            {
                throw new UserErrorException(
                    $"{path}.{i}.{kinds.TypeDiscriminatorPropertyName} is missing: it must be one of {Names(kinds)}.");
            }
            yield return (entry, element, $"{path}.{i}");
        }
    }

    /// <summary>Writes the kind into every part that does not name its own, as the serializer needs it.</summary>
    public static void NameDefaults(JsonObject tree, JsonTypeInfo type, string path = "")
    {
        if (type.PolymorphismOptions is { } kinds)
        {
            type = Of(type, tree, path);
            if (!tree.ContainsKey(kinds.TypeDiscriminatorPropertyName))
            {
                tree.Insert(0, kinds.TypeDiscriminatorPropertyName, (string?)kinds.DerivedTypes[0].TypeDiscriminator);
            }
        }
        foreach (var property in type.Properties)
        {
            var (value, at) = (tree[property.Name], path.Length == 0 ? property.Name : $"{path}.{property.Name}");
            foreach (var (part, below, place) in Below(value, RecipeTree.TypeOf(property), at))
            {
                NameDefaults(part, below, place);
            }
        }
    }

    private static string Names(JsonPolymorphismOptions kinds) =>
        string.Join(", ", kinds.DerivedTypes.Select(kind => kind.TypeDiscriminator));
}
