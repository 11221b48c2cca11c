using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Dolmen.Artifacts;

/// <summary>
/// One <c>--set path=value</c>. A path goes from key to key: <c>training.precision</c>. In a list the next key is a place from 0, or the
/// name of a kind, which stands for all entries of that kind: <c>evaluation.tasks.1.shots</c>, <c>evaluation.tasks.refusal.maxInvented</c>.
/// </summary>
internal sealed class RecipeAssignment
{
    private readonly string _whole, _path, _text;
    private readonly string[] _keys;

    private RecipeAssignment(string whole, string path, string text) =>
        (_whole, _path, _text, _keys) = (whole, path, text, path.Split('.'));

    public static RecipeAssignment Parse(string assignment)
    {
        var equals = assignment.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1)
            throw new UserErrorException(
                $"--set {assignment} has no value: write --set path=value, such as --set training.precision=float32."
            );
        return new RecipeAssignment(assignment, assignment[..equals].Trim(), assignment[(equals + 1)..].Trim());
    }

    /// <exception cref="UserErrorException">No such key, or a value of another type.</exception>
    public void Apply(JsonObject tree, JsonTypeInfo root) => ApplyToObject(tree, root, 0);

    private string Before(int i) => string.Join('.', _keys[..i]);

    private void ApplyToObject(JsonObject at, JsonTypeInfo type, int i)
    {
        // Names in a dictionary may hold points: all that is left of the path is one.
        if (type.Kind == JsonTypeInfoKind.Dictionary && type.ElementType is { } element)
        {
            at[string.Join('.', _keys[i..])] = Value(type.Options.GetTypeInfo(element));
            return;
        }
        var last = i == _keys.Length - 1;
        if (last && _keys[i] == type.PolymorphismOptions?.TypeDiscriminatorPropertyName)
        {
            at[_keys[i]] = _text;
            RecipeVariants.Of(type, at, Before(i));
            return;
        }
        type = RecipeVariants.Of(type, at, Before(i));
        if (type.Kind != JsonTypeInfoKind.Object) throw new UserErrorException($"--set {_whole}: '{Before(i)}' has no keys below it.");
        var known = type.Properties.FirstOrDefault(property => property.Name == _keys[i])
            ?? throw new UserErrorException(
                $"--set {_whole}: '{Before(i + 1)}' is not a key of a recipe{RecipeTree.Suggestion(_keys[i], type)}"
            );
        var below = RecipeTree.TypeOf(known);
        if (last)
        {
            at[_keys[i]] = Value(below);
            return;
        }
        if (RecipeVariants.ListOf(below) is { } kind)
        {
            ApplyToList(at[_keys[i]] as JsonArray ?? [], kind, i + 1);
            return;
        }
        if (at[_keys[i]] is not JsonObject inner) at[_keys[i]] = inner = [];
        ApplyToObject(inner, below, i + 1);
    }

    private void ApplyToList(JsonArray list, JsonTypeInfo element, int i)
    {
        var kindKey = element.PolymorphismOptions?.TypeDiscriminatorPropertyName;
        List<JsonObject> chosen = int.TryParse(_keys[i], NumberStyles.None, CultureInfo.InvariantCulture, out var place)
            ? [.. list.Skip(place).Take(1).OfType<JsonObject>()]
            : [.. list.OfType<JsonObject>().Where(entry => kindKey is not null && RecipeVariants.NameOf(entry, kindKey) == _keys[i])];
        if (chosen.Count == 0)
        {
            var names = list.OfType<JsonObject>().Select((entry, at) => $"{at} ({RecipeVariants.NameOf(entry, kindKey ?? "")})");
            throw new UserErrorException(
                $"--set {_whole}: {Before(i)} has no entry '{_keys[i]}': it has {string.Join(", ", names.DefaultIfEmpty("none"))}."
            );
        }
        if (i == _keys.Length - 1)
        {
            throw new UserErrorException(
                $"--set {_whole}: name a key of the entry, such as "
                    + $"{_path}.{RecipeVariants.Of(element, chosen[0], Before(i)).Properties[0].Name}."
            );
        }
        foreach (var entry in chosen) ApplyToObject(entry, element, i + 1);
    }

    private JsonNode? Value(JsonTypeInfo type)
    {
        var plain = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        if (plain == typeof(string)) return JsonValue.Create(_text);
        try
        {
            var node = plain.IsEnum && _text != "null" ? JsonValue.Create(_text) : RecipeTree.ParseNode(_text, _whole);
            // Entries of a list of kinds are checked with the whole recipe, where what they leave out is known.
            if (RecipeVariants.ListOf(type) is null) node.Deserialize(type);
            else if (node is not JsonArray) throw new JsonException("It is not a list.");
            return node;
        }
        catch (Exception error) when (error is JsonException or UserErrorException)
        {
            throw new UserErrorException($"--set {_whole}: '{_text}' is not {JsonProblem.Kind(type)}, which {_path} takes.", error);
        }
    }
}
