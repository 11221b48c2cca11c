using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Inference.Constraints;

namespace Dolmen.Serving;

/// <summary>The form that a request holds its answers to, in the fields of OpenAI (<c>response_format</c>), vLLM
/// (<c>structured_outputs</c>, <c>guided_…</c>) and llama.cpp (<c>grammar</c>, <c>json_schema</c>).</summary>
internal static class ConstraintField
{
    private const int MostChoices = 1000;

    private static readonly string[] Names =
        ["response_format", "structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar", "grammar",
            "json_schema"];

    /// <summary>Null where the answers are free.</summary>
    public static TextConstraint? Read(RequestFields fields, ServedModel served)
    {
        string[] given = [.. Names.Where(name => fields[name] is not null)];
        var read = given.Select(name => (Name: name, Form: Of(name, fields[name]!.Value, served))).Where(one => one.Form is not null)
            .ToList();
        return read.Count switch
        {
            0 => null,
            1 => read[0].Form,
            _ => throw ApiErrorException.Invalid($"'{read[0].Name}' and '{read[1].Name}' cannot be given together: an answer has one form.",
                read[1].Name),
        };
    }

    private static TextConstraint? Of(string name, JsonElement value, ServedModel served)
    {
        try
        {
            return name switch
            {
                "response_format" => ResponseFormat(value, served),
                "structured_outputs" => StructuredOutputs(value, served),
                "guided_json" or "json_schema" => Schema(name, value, served),
                "guided_regex" => Regex(name, value, served),
                "guided_choice" => Choice(name, value, served),
                _ => Grammar(name, value, served),
            };
        }
        catch (UserErrorException error)
        {
            throw ApiErrorException.Invalid(error.Message, name);
        }
    }

    private static TextConstraint? ResponseFormat(JsonElement value, ServedModel served)
    {
        const string name = "response_format";
        if (value.ValueKind != JsonValueKind.Object) throw RequestFields.Wrong(name, "an object with a type", value);
        var fields = new RequestFields(value);
        switch (fields.Text("type"))
        {
            case "text":
                return null;
            case "json_object":
                // llama.cpp's clients put a schema beside this type.
                return fields["schema"] is { } schema ? Schema($"{name}.schema", schema, served) : AnyObject(served);
            case "json_schema":
                if (fields["json_schema"] is not { ValueKind: JsonValueKind.Object } described
                    || new RequestFields(described)["schema"] is not { } inner)
                {
                    throw ApiErrorException.Invalid($"'{name}.json_schema.schema' is missing: it must be a JSON schema.", name);
                }
                return Schema($"{name}.json_schema.schema", inner, served);
            default:
                throw ApiErrorException.Invalid($"'{name}.type' must be text, json_object or json_schema.", $"{name}.type");
        }
    }

    private static TextConstraint? StructuredOutputs(JsonElement value, ServedModel served)
    {
        const string name = "structured_outputs";
        if (value.ValueKind != JsonValueKind.Object) throw RequestFields.Wrong(name, "an object", value);
        var fields = new RequestFields(value);
        var given = value.EnumerateObject().Where(member => member.Value.ValueKind is not (JsonValueKind.Null or JsonValueKind.False))
            .ToList();
        if (given.Count != 1)
            throw ApiErrorException.Invalid($"'{name}' must hold one of json, json_object, regex, choice and grammar.", name);
        return given[0].Name switch
        {
            "json" => Schema($"{name}.json", given[0].Value, served),
            "json_object" => fields.Flag("json_object") == true ? AnyObject(served) : null,
            "regex" => Regex($"{name}.regex", given[0].Value, served),
            "choice" => Choice($"{name}.choice", given[0].Value, served),
            "grammar" => Grammar($"{name}.grammar", given[0].Value, served),
            _ => throw ApiErrorException.Invalid($"'{name}.{given[0].Name}' is not supported.", $"{name}.{given[0].Name}",
                "unsupported_parameter"),
        };
    }

    private static TextConstraint AnyObject(ServedModel served) => served.Constraints.Get("object", "", TextConstraint.JsonObject);

    /// <summary>A schema, or a text that holds one, as some clients send it.</summary>
    private static TextConstraint Schema(string name, JsonElement value, ServedModel served)
    {
        using var written = value.ValueKind == JsonValueKind.String
            ? JsonInput.Parse(System.Text.Encoding.UTF8.GetBytes(RequestFields.Unicode(name, value)), $"'{name}'") : null;
        var schema = written?.RootElement ?? value;
        return served.Constraints.Get("schema", schema.GetRawText(), tokenizer => TextConstraint.JsonSchema(schema, tokenizer));
    }

    private static TextConstraint Regex(string name, JsonElement value, ServedModel served)
    {
        var pattern = Text(name, value);
        return served.Constraints.Get("regex", pattern, tokenizer => TextConstraint.Regex(pattern, tokenizer));
    }

    private static TextConstraint Grammar(string name, JsonElement value, ServedModel served)
    {
        var grammar = Text(name, value);
        return served.Constraints.Get("grammar", grammar, tokenizer => TextConstraint.Grammar(grammar, tokenizer));
    }

    private static TextConstraint Choice(string name, JsonElement value, ServedModel served)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > MostChoices)
            throw RequestFields.Wrong(name, $"an array of at most {MostChoices} strings", value);
        string[] texts = [.. value.EnumerateArray().Select(item => Text(name, item))];
        return served.Constraints.Get("choice", JsonSerializer.Serialize(texts, ServingJson.Plain.StringArray),
            tokenizer => TextConstraint.Choice(texts, tokenizer));
    }

    private static string Text(string name, JsonElement value) => value.ValueKind == JsonValueKind.String
        ? RequestFields.Unicode(name, value)
        : throw RequestFields.Wrong(name, "a string", value);
}
