using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Tests.Inference.Constraints;

/// <summary>Schemas of every supported kind, nested three deep, that some value satisfies.</summary>
internal sealed class RandomSchema
{
    private static readonly string[] Patterns = ["^[a-z]+$", "^\\d{3}-\\d{4}$", "x", "^(yes|no)$", "^[^\"]{2}"];

    private static readonly string[] Formats = ["date", "time", "date-time", "email", "ipv4", "ipv6", "uuid", "hostname", "duration"];

    private StableRandom _random;
    private readonly JsonObject _definitions = [];

    private RandomSchema(ulong seed) => _random = new StableRandom(seed);

    public static JsonObject Of(ulong seed)
    {
        var random = new RandomSchema(seed);
        var schema = random.Any(3);
        if (random._definitions.Count > 0) schema["$defs"] = random._definitions;
        return schema;
    }

    private int Below(int limit) => (int)(_random.NextDouble() * limit);

    private bool Coin() => Below(2) == 0;

    private JsonObject Any(int depth) => Below(depth > 0 ? 11 : 6) switch
    {
        0 => Number("integer"),
        1 => Number("number"),
        2 => String(),
        3 => new JsonObject { ["type"] = Coin() ? "boolean" : "null" },
        4 => new JsonObject { ["enum"] = new JsonArray("red", 2, null, new JsonArray(true, "\u00e9\"")) },
        5 => new JsonObject { ["type"] = new JsonArray("string", "null"), ["maxLength"] = 5, ["title"] = "A title" },
        6 => new JsonObject { ["anyOf"] = new JsonArray(Any(depth - 1), Any(depth - 1)) },
        7 => Array(depth),
        8 => Reference(depth),
        _ => Object(depth),
    };

    private JsonObject Number(string type)
    {
        var schema = new JsonObject { ["type"] = type };
        var low = Below(2000) - 1000;
        if (Coin()) schema[Coin() ? "minimum" : "exclusiveMinimum"] = type == "integer" ? low : low / 8.0;
        if (Coin()) schema[Coin() ? "maximum" : "exclusiveMaximum"] = type == "integer" ? low + 40 + Below(5000)
            : (low + 40 + Below(500)) / 8.0;
        if (Below(4) == 0) schema["multipleOf"] = type == "integer" ? 1 + Below(13) : new decimal[] { 0.5m, 0.25m, 0.1m, 2m }[Below(4)];
        return schema;
    }

    private JsonObject String()
    {
        var schema = new JsonObject { ["type"] = "string" };
        switch (Below(4))
        {
            case 0: schema["pattern"] = Patterns[Below(Patterns.Length)]; break;
            case 1: schema["format"] = Formats[Below(Formats.Length)]; break;
            case 2:
                schema["minLength"] = Below(4);
                schema["maxLength"] = 4 + Below(20);
                break;
        }
        return schema;
    }

    private JsonObject Array(int depth)
    {
        var schema = new JsonObject { ["type"] = "array" };
        if (Below(3) > 0) schema["items"] = Any(depth - 1);
        if (Below(3) == 0) schema["prefixItems"] = new JsonArray(Any(0), Any(0));
        var least = Below(3);
        if (Coin()) schema["minItems"] = least;
        if (Coin()) schema["maxItems"] = least + Below(3);
        return schema;
    }

    private JsonObject Object(int depth)
    {
        var (properties, required) = (new JsonObject(), new JsonArray());
        for (var i = Below(4); i > 0; i--)
        {
            var name = new[] { "name", "a b", "日本", "x\"y", "", "k" }[i];
            properties[name] = Any(depth - 1);
            if (Coin()) required.Add(name);
        }
        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = required };
        switch (Below(3))
        {
            case 0: schema["additionalProperties"] = false; break;
            case 1: schema["additionalProperties"] = Any(0); break;
        }
        return schema;
    }

    /// <summary>A list of nodes, each with a value and perhaps another node.</summary>
    private JsonObject Reference(int depth)
    {
        var name = $"node{_definitions.Count}";
        _definitions[name] = new JsonObject();
        _definitions[name] = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject
            {
                ["value"] = Any(Math.Min(depth - 1, 1)),
                ["next"] = new JsonObject
                {
                    ["anyOf"] = new JsonArray(new JsonObject { ["$ref"] = $"#/$defs/{name}" }, new JsonObject { ["type"] = "null" }),
                },
            },
            ["required"] = new JsonArray("value", "next"),
            ["additionalProperties"] = false,
        };
        return new JsonObject { ["$ref"] = $"#/$defs/{name}" };
    }
}
