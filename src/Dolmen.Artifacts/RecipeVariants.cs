using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Dolmen.Artifacts;

/// <summary>
/// Parts of a recipe that come in several kinds, such as optimizers: a key of the part names its kind, and the kind decides which other
/// keys
/// it has. A part that names none is of the kind that was registered first.
/// </summary>
internal static class RecipeVariants
{
    /// <summary>The contract of the kind that <paramref name="part"/> names; <paramref name="type"/> itself where there are no
    /// kinds.</summary>
    /// <exception cref="UserErrorException">There is no kind of that name.</exception>
    public static JsonTypeInfo Of(JsonTypeInfo type, JsonObject part, string path)
    {
        if (type.PolymorphismOptions is not { } kinds) return type;
        var name = part[kinds.TypeDiscriminatorPropertyName] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
        if (name is null && part.ContainsKey(kinds.TypeDiscriminatorPropertyName))
            name = part[kinds.TypeDiscriminatorPropertyName]?.ToJsonString() ?? "null";
        foreach (var kind in kinds.DerivedTypes)
        {
            if (name is null || name == (string?)kind.TypeDiscriminator) return type.Options.GetTypeInfo(kind.DerivedType);
        }
        throw new UserErrorException($"{path}.{kinds.TypeDiscriminatorPropertyName} is '{name}': it must be one of "
            + $"{string.Join(", ", kinds.DerivedTypes.Select(kind => kind.TypeDiscriminator))}.");
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
            if (tree[property.Name] is not JsonObject inner) continue;
            var below = property.Options.GetTypeInfo(property.PropertyType);
            if (below.Kind == JsonTypeInfoKind.Object)
                NameDefaults(inner, below, path.Length == 0 ? property.Name : $"{path}.{property.Name}");
        }
    }
}
