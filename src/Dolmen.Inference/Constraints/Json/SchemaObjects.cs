using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Inference.Constraints.Json;

/// <summary>Objects of a JSON schema: named members in the order of the schema, those that are not required written or left out, then
/// further members where the schema says what they are.</summary>
internal static class SchemaObjects
{
    public static IReadOnlyList<string> Keywords { get; } =
        ["properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties"];

    /// <param name="at">Where the schema stands, for messages.</param>
    /// <param name="read">Reads the schema of a member.</param>
    public static Expression Read(JsonElement schema, string at, Func<JsonElement, string, Expression> read)
    {
        var required = SchemaField.List(schema, "required", at).Select(name => name.ValueKind == JsonValueKind.String ? name.GetString()!
            : throw SchemaField.Problem(at, "'required' must be a list of names")).ToHashSet(StringComparer.Ordinal);
        var named = Named(schema, at);
        var members = new List<(Expression Member, bool Required)>();
        foreach (var (name, value) in named)
        {
            var isRequired = required.Remove(name);
            if (value.ValueKind == JsonValueKind.False && !isRequired) continue;
            members.Add((JsonExpressions.Member(JsonExpressions.Name(name), read(value, $"{at}/properties/{name}")), isRequired));
        }
        var isOpen = !schema.TryGetProperty("additionalProperties", out var further) || further.ValueKind != JsonValueKind.False;
        var furtherAt = $"{at}/additionalProperties";
        foreach (var name in required)
        {
            if (!isOpen) throw SchemaField.Problem(at, $"'required' names '{ShownName.Of(name)}', which is not among its 'properties'");
            members.Add((JsonExpressions.Member(JsonExpressions.Name(name), Further()), true));
        }
        var (least, most) = SchemaField.Limits(schema, "minProperties", "maxProperties", at);
        // Further members are written where the schema describes them, or where there is nothing else to write.
        if (isOpen && (named.Count == 0 && required.Count == 0 || further.ValueKind == JsonValueKind.Object))
        {
            if (members.Count > 0 && (least > members.Count(member => member.Required) || most is not null)) throw Uncounted();
            // A name may be written twice and then counts once, so that more than one cannot be promised.
            if (least > 1 && members.Count == 0) throw Uncounted();
            var names = Names(schema, [.. named.Select(member => member.Name), .. required], at);
            members.Add(JsonExpressions.Repeated(JsonExpressions.Member(names, Further()), members.Count == 0 ? least : 0, most));
        }
        else if (least > members.Count(member => member.Required) || most < members.Count) throw Uncounted();
        return JsonExpressions.Members(members);

        Expression Further() => further.ValueKind == JsonValueKind.Object ? read(further, furtherAt)
            : new Expression.Call(JsonExpressions.Value);

        UserErrorException Uncounted() => SchemaField.Problem(at,
            "'minProperties' and 'maxProperties' are only supported where the members that must be there already satisfy them, or for maps "
                + "with at least one entry or at most a number of entries");
    }

    private static List<(string Name, JsonElement Schema)> Named(JsonElement schema, string at)
    {
        if (!schema.TryGetProperty("properties", out var properties)) return [];
        return properties.ValueKind == JsonValueKind.Object
            ? [.. properties.EnumerateObject().Select(property => (property.Name, property.Value))]
            : throw SchemaField.Problem(at, "'properties' must be an object");
    }

    /// <summary>The names of further members: none of those that have a schema of their own.</summary>
    private static Expression Names(JsonElement schema, IReadOnlyList<string> taken, string at)
    {
        var names = CharacterAutomaton.Repeated(CodePoints.All, 0, null);
        if (schema.TryGetProperty("propertyNames", out var rule) && rule.ValueKind == JsonValueKind.Object)
        {
            foreach (var keyword in rule.EnumerateObject()
                .Where(keyword => keyword.Name != "type" && !SchemaStrings.Keywords.Contains(keyword.Name)))
                throw SchemaField.Problem($"{at}/propertyNames", $"the keyword '{ShownName.Of(keyword.Name)}' is not supported");
            names = SchemaStrings.Read(rule, $"{at}/propertyNames");
        }
        if (taken.Count > 0)
        {
            var own = CharacterAutomaton.Of(new Expression.Choice([.. taken.Select(Expression.Text)]));
            names = names.Intersect(own.Complement());
        }
        return JsonExpressions.String(names);
    }
}
