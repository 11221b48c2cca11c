using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Inference.Constraints;

namespace Dolmen.Serving.Tools;

/// <summary>Tools of a request, and how the model is to use them.</summary>
/// <param name="Schemas">As the chat template is given them.</param>
/// <param name="Constraint">Holds the answer to a call, where the request asks for one.</param>
internal sealed record ToolUse(JsonArray Schemas, ToolStyle Style, IReadOnlySet<string> Names, TextConstraint? Constraint)
{
    public ToolCallReader Reader() => new(Style, Names);
}

/// <summary>The fields <c>tools</c>, <c>tool_choice</c> and <c>parallel_tool_calls</c>.</summary>
internal static class ToolField
{
    private const int MostTools = 128;

    /// <summary>Null where the model is to call nothing.</summary>
    public static ToolUse? Read(RequestFields fields, ServedModel served)
    {
        var choice = fields["tool_choice"];
        if (fields["tools"] is not { } tools)
        {
            return choice is null or { ValueKind: JsonValueKind.String } && choice?.GetString() is null or "none" or "auto" ? null
                : throw ApiErrorException.Invalid("'tool_choice' needs 'tools' to choose from.", "tool_choice");
        }
        if (tools.ValueKind != JsonValueKind.Array || tools.GetArrayLength() > MostTools)
            throw RequestFields.Wrong("tools", $"an array of at most {MostTools} tools", tools);
        var functions = tools.EnumerateArray().Select(Function).ToList();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, _) in functions)
        {
            if (!names.Add(name)) throw ApiErrorException.Invalid($"'tools' names '{name}' twice.", "tools");
        }
        if (functions.Count == 0 || choice is { ValueKind: JsonValueKind.String } none && none.GetString() == "none") return null;
        if (ToolStyles.Of(served.Tokenizer) is not { } style)
            throw ApiErrorException.Invalid("This model's chat template does not take tools: leave 'tools' out.", "tools");
        var parallel = fields.Flag("parallel_tool_calls") ?? true;
        var wanted = Wanted(choice, functions);
        var schemas = JsonNode.Parse(tools.GetRawText())!.AsArray();
        return new ToolUse(schemas, style, names, wanted is null ? null : Constraint(wanted, style, parallel && wanted.Count > 1, served));
    }

    private static (string Name, JsonElement? Parameters) Function(JsonElement tool, int index)
    {
        var place = $"tools[{index}]";
        if (tool.ValueKind != JsonValueKind.Object || new RequestFields(tool).Text("type") != "function"
            || new RequestFields(tool)["function"] is not { ValueKind: JsonValueKind.Object } described)
        {
            throw ApiErrorException.Invalid($"'{place}' must be an object of type 'function' with a 'function'.", place);
        }
        var fields = new RequestFields(described);
        var name = fields.Text("name") ?? "";
        if (name.Length is 0 or > 64 || !name.All(sign => char.IsAsciiLetterOrDigit(sign) || sign is '_' or '-'))
            throw ApiErrorException.Invalid($"'{place}.function.name' must be 1 to 64 letters, digits, '_' and '-'.",
                $"{place}.function.name");
        var parameters = fields["parameters"];
        if (parameters is { ValueKind: not JsonValueKind.Object } wrong)
            throw RequestFields.Wrong($"{place}.function.parameters", "a JSON schema", wrong);
        return (name, parameters);
    }

    /// <summary>The tools of which one must be called; null where the model decides.</summary>
    private static List<(string Name, JsonElement? Parameters)>? Wanted(
        JsonElement? choice, List<(string Name, JsonElement? Parameters)> functions)
    {
        const string forms = "'none', 'auto', 'required' or {\"type\":\"function\",\"function\":{\"name\":…}}";
        switch (choice)
        {
            case null:
                return null;
            case { ValueKind: JsonValueKind.String } word:
                return word.GetString() switch
                {
                    "auto" => null,
                    "required" => functions,
                    _ => throw RequestFields.Wrong("tool_choice", forms, word),
                };
            case { ValueKind: JsonValueKind.Object } named:
                var fields = new RequestFields(named);
                var name = fields["function"] is { ValueKind: JsonValueKind.Object } function ? new RequestFields(function).Text("name")
                    : fields.Text("name");
                var chosen = functions.FindAll(one => one.Name == name);
                return chosen.Count == 1 ? chosen
                    : throw ApiErrorException.Invalid($"'tool_choice' names '{name}', which is not among 'tools'.", "tool_choice");
            case { } other:
                throw RequestFields.Wrong("tool_choice", forms, other);
        }
    }

    private static TextConstraint Constraint(
        List<(string Name, JsonElement? Parameters)> functions, ToolStyle style, bool several, ServedModel served)
    {
        var key = ToolStyles.ArgumentsKey(served.Tokenizer);
        var schema = new JsonObject
        {
            ["anyOf"] = new JsonArray([.. functions.Select((function, i) => (JsonNode)new JsonObject
            {
                ["type"] = "object",
                ["properties"] = new JsonObject
                {
                    ["name"] = new JsonObject { ["const"] = function.Name },
                    [key] = Moved(function.Parameters, $"#/anyOf/{i}/properties/{key}"),
                },
                ["required"] = new JsonArray("name", key),
                ["additionalProperties"] = false,
            })]),
        };
        var (open, close) = style == ToolStyle.Tagged ? (ToolStyles.Open + "\n", "\n" + ToolStyles.Close) : ("", "");
        try
        {
            return served.Constraints.Get($"calls {several} {style}", schema.ToJsonString(), tokenizer =>
                TextConstraint.JsonSchema(JsonSerializer.SerializeToElement(schema, ServingJson.Default.JsonObject), tokenizer, open, close,
                    several && style == ToolStyle.Tagged));
        }
        catch (UserErrorException error)
        {
            throw ApiErrorException.Invalid(error.Message, "tools");
        }
    }

    /// <summary>The schema of a tool's parameters, its references as they are once it lies at <paramref name="place"/>.</summary>
    private static JsonNode Moved(JsonElement? parameters, string place)
    {
        if (parameters is not { } given) return new JsonObject { ["type"] = "object", ["additionalProperties"] = false };
        var schema = JsonNode.Parse(given.GetRawText())!;
        var waiting = new Stack<JsonNode?>([schema]);
        while (waiting.TryPop(out var node))
        {
            if (node is JsonArray list)
            {
                foreach (var item in list) waiting.Push(item);
            }
            if (node is not JsonObject members) continue;
            if (members["$ref"] is JsonValue reference && reference.TryGetValue<string>(out var pointer)
                && pointer.StartsWith('#'))
            {
                members["$ref"] = place + pointer[1..];
            }
            foreach (var (name, member) in members)
            {
                // What these hold are values, not schemas.
                if (name is not ("const" or "enum" or "default" or "examples")) waiting.Push(member);
            }
        }
        return schema;
    }
}
