using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Inference.Constraints.Json;

/// <summary>Reads a JSON schema (2020-12) as a grammar of texts that are valid under it: what OpenAI's structured outputs document, and
/// optional members, maps, tuples and lengths. Every text of the grammar is valid; of equal values one spelling is in it. Where a keyword
/// leaves something open (further members, say), nothing is written; a keyword that cannot be held is refused, never ignored.</summary>
internal sealed class SchemaReader
{
    private const string Pointer = "#";

    private static readonly string[] Annotations =
    [
        "$schema", "$id", "$comment", "$anchor", "$defs", "definitions", "title", "description", "default", "example", "examples",
            "deprecated",
        "readOnly", "writeOnly", "contentMediaType", "contentEncoding", "strict",
    ];

    private static readonly string[] ArrayKeywords = ["items", "prefixItems", "minItems", "maxItems", "uniqueItems"];

    private static readonly string[] Types = ["object", "array", "string", "number", "integer", "boolean", "null"];

    private readonly JsonElement _root;
    private readonly Dictionary<string, Expression> _rules = new(JsonExpressions.AnyValue);

    private SchemaReader(JsonElement root) => _root = root;

    /// <returns>The whole text, and the rules that it calls.</returns>
    /// <exception cref="UserErrorException">The schema cannot be held; the message says where and why.</exception>
    public static (Expression Root, IReadOnlyDictionary<string, Expression> Rules) Read(JsonElement schema)
    {
        var reader = new SchemaReader(schema);
        return (reader.Schema(schema, Pointer), reader._rules);
    }

    private Expression Schema(JsonElement schema, string at)
    {
        if (schema.ValueKind == JsonValueKind.True) return new Expression.Call(JsonExpressions.Value);
        if (schema.ValueKind == JsonValueKind.False) throw SchemaField.Problem(at, "'false' allows no value");
        if (schema.ValueKind != JsonValueKind.Object) throw SchemaField.Problem(at, "a schema must be an object, true or false");
        var keywords = schema.EnumerateObject().Select(property => property.Name)
            .Where(name => !Annotations.Contains(name) && !name.StartsWith("x-", StringComparison.Ordinal)).ToList();
        if (keywords.Count == 0) return new Expression.Call(JsonExpressions.Value);
        foreach (var alone in (string[])["$ref", "anyOf", "oneOf", "allOf"])
        {
            if (!keywords.Contains(alone)) continue;
            if (keywords.FirstOrDefault(name => name != alone) is { } beside)
                throw SchemaField.Problem(at, $"'{alone}' beside '{ShownName.Of(beside)}' is not supported; write all of it in one place");
            return alone == "$ref" ? Reference(schema, at) : Combination(schema, alone, at);
        }
        if (keywords.Contains("const")) return JsonExpressions.Literal(schema.GetProperty("const"));
        if (keywords.Contains("enum")) return Enumeration(schema, at);
        var types = TypesOf(schema, keywords, at);
        foreach (var keyword in keywords.Where(name => name != "type" && !Known(name)))
            throw SchemaField.Problem(at, $"the keyword '{ShownName.Of(keyword)}' is not supported");
        var options = types.Select(type => OfType(type, schema, at)).ToList();
        return options.Count == 1 ? options[0] : new Expression.Choice(options);
    }

    private static bool Known(string keyword) => SchemaObjects.Keywords.Contains(keyword) || ArrayKeywords.Contains(keyword)
        || SchemaStrings.Keywords.Contains(keyword) || SchemaNumbers.Keywords.Contains(keyword);

    private Expression OfType(string type, JsonElement schema, string at) => type switch
    {
        "object" => SchemaObjects.Read(schema, at, Schema),
        "array" => Array(schema, at),
        "string" => JsonExpressions.String(SchemaStrings.Read(schema, at)),
        "number" => SchemaNumbers.Read(schema, whole: false, at),
        "integer" => SchemaNumbers.Read(schema, whole: true, at),
        "boolean" => JsonExpressions.Boolean,
        "null" => JsonExpressions.Null,
        _ => throw new InvalidOperationException($"Unknown type {type}."),
    };

    /// <summary>As 'type' says; without it the type that the other keywords speak of, as they allow every other type unchanged.</summary>
    private static List<string> TypesOf(JsonElement schema, List<string> keywords, string at)
    {
        if (schema.TryGetProperty("type", out var type))
        {
            var names = type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().ToList() : [type];
            if (names.Count == 0) throw SchemaField.Problem(at, "'type' is an empty list");
            foreach (var name in names)
            {
                if (name.ValueKind == JsonValueKind.String && Types.Contains(name.GetString())) continue;
                var known = string.Join(", ", Types);
                throw SchemaField.Problem(at, $"'type' must be one of {known}, not {ShownName.Of(name.GetRawText())}");
            }
            return [.. names.Select(name => name.GetString()!).Distinct()];
        }
        if (keywords.Any(SchemaObjects.Keywords.Contains)) return ["object"];
        if (keywords.Any(ArrayKeywords.Contains)) return ["array"];
        if (keywords.Any(SchemaStrings.Keywords.Contains)) return ["string"];
        return keywords.Any(SchemaNumbers.Keywords.Contains) ? ["number"]
            : throw SchemaField.Problem(at, $"the keyword '{ShownName.Of(keywords[0])}' is not supported");
    }

    private static Expression.Choice Enumeration(JsonElement schema, string at)
    {
        var values = SchemaField.List(schema, "enum", at);
        if (schema.TryGetProperty("type", out _))
        {
            var types = TypesOf(schema, [], at);
            values = [.. values.Where(value => TypesOfValue(value).Any(types.Contains))];
        }
        return values.Count > 0 ? new Expression.Choice([.. values.Select(JsonExpressions.Literal)])
            : throw SchemaField.Problem(at, "'enum' holds no value of the type");
    }

    private static string[] TypesOfValue(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => ["object"],
        JsonValueKind.Array => ["array"],
        JsonValueKind.String => ["string"],
        JsonValueKind.True or JsonValueKind.False => ["boolean"],
        JsonValueKind.Null => ["null"],
        _ => value.TryGetDouble(out var number) && number == Math.Floor(number) ? ["integer", "number"] : ["number"],
    };

    private Expression Combination(JsonElement schema, string keyword, string at)
    {
        var options = SchemaField.List(schema, keyword, at);
        if (options.Count == 0) throw SchemaField.Problem(at, $"'{keyword}' must be a list that is not empty");
        if (keyword == "allOf" && options.Count > 1)
            throw SchemaField.Problem(at, "'allOf' of several schemas is not supported; write all of it in one schema");
        if (keyword == "oneOf" && !SchemaOverlap.AreApart(options, Resolve))
        {
            throw SchemaField.Problem(at,
                "the options of 'oneOf' may overlap, and then none of them is valid alone; use 'anyOf', or tell them apart by type or by a "
                    + "required member with its own 'const' in each");
        }
        var read = options.Select((option, i) => Schema(option, $"{at}/{keyword}/{i}")).ToList();
        return read.Count == 1 ? read[0] : new Expression.Choice(read);
    }

    /// <summary>A rule of its own, so that schemas may refer to themselves.</summary>
    private Expression.Call Reference(JsonElement schema, string at)
    {
        var pointer = SchemaField.Text(schema, "$ref", at)!;
        if (!_rules.ContainsKey(pointer))
        {
            var target = Resolve(pointer) ?? throw SchemaField.Problem(at,
                $"'$ref' names {ShownName.Of(pointer)}, which is not in the schema; only places within it, such as #/$defs/name, are "
                    + "supported");
            _rules[pointer] = Expression.Empty;                          // being read: a reference to it within itself is a call
            _rules[pointer] = Schema(target, pointer);
        }
        return new Expression.Call(pointer);
    }

    /// <summary>A JSON pointer as a URI fragment (RFC 6901 §6); null where nothing lies.</summary>
    private JsonElement? Resolve(string pointer)
    {
        if (!pointer.StartsWith(Pointer, StringComparison.Ordinal)) return null;
        var place = _root;
        foreach (var part in Uri.UnescapeDataString(pointer[1..]).Split('/').Skip(1))
        {
            var name = part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (place.ValueKind == JsonValueKind.Object && place.TryGetProperty(name, out var member)) place = member;
            else if (place.ValueKind == JsonValueKind.Array && int.TryParse(name, out var i) && i >= 0
                && i < place.GetArrayLength()) place = place[i];
            else return null;
        }
        return pointer.Length == 1 || pointer[1] == '/' ? place : null;
    }

    private Expression Array(JsonElement schema, string at)
    {
        var (least, most) = SchemaField.Limits(schema, "minItems", "maxItems", at);
        if (SchemaField.Flag(schema, "uniqueItems", at) && !(most <= 1))
            throw SchemaField.Problem(at, "'uniqueItems' is not supported: a grammar cannot remember the items before");
        var first = SchemaField.List(schema, "prefixItems", at).Select((item, i) => Schema(item, $"{at}/prefixItems/{i}")).ToList();
        Expression? rest = first.Count == 0 || least > first.Count ? new Expression.Call(JsonExpressions.Value) : null;
        if (schema.TryGetProperty("items", out var items))
            rest = items.ValueKind == JsonValueKind.False ? null : Schema(items, $"{at}/items");
        if (rest is null && least > first.Count) throw SchemaField.Problem(at, $"'minItems' asks for more than {first.Count} items");
        return JsonExpressions.Array(first, rest, least, most);
    }
}
