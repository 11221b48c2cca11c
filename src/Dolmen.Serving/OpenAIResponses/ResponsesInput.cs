using System.Text.Json;
using System.Text.Json.Nodes;

namespace Dolmen.Serving.OpenAIResponses;

/// <summary>The fields <c>instructions</c> and <c>input</c> as messages of a chat. Calls of tools stand by themselves in the input; in a
/// chat those of one turn are part of the assistant's message.</summary>
internal static class ResponsesInput
{
    private const string Forms = "a string or an array of items";

    public static JsonArray Messages(RequestFields fields)
    {
        var messages = new JsonArray();
        if (fields.Text("instructions") is { Length: > 0 } instructions) messages.Add(Message("system", instructions));
        switch (fields["input"])
        {
            case null:
                throw ApiErrorException.Invalid($"'input' is missing: it must be {Forms}.", "input");
            case { ValueKind: JsonValueKind.String } text:
                messages.Add(Message("user", RequestFields.Unicode("input", text)));
                break;
            case { ValueKind: JsonValueKind.Array } items:
                if (items.GetArrayLength() == 0)
                    throw ApiErrorException.Invalid("'input' is empty: it needs at least one item.", "input");
                foreach (var (i, item) in items.EnumerateArray().Index()) Add(messages, item, $"input[{i}]");
                break;
            case { } other:
                throw RequestFields.Wrong("input", Forms, other);
        }
        return messages;
    }

    private static void Add(JsonArray messages, JsonElement item, string place)
    {
        if (item.ValueKind != JsonValueKind.Object) throw RequestFields.Wrong(place, "an object", item);
        var fields = new RequestFields(item);
        switch (fields.Text("type") ?? "message")
        {
            case "message":
                var role = fields.Text("role");
                if (role is not ("system" or "developer" or "user" or "assistant"))
                {
                    throw ApiErrorException.Invalid(
                        $"'{place}.role' must be system, developer, user or assistant, not '{role}'.", $"{place}.role");
                }
                messages.Add(Message(role, Text(fields["content"], $"{place}.content")));
                break;
            case "function_call":
                AddCall(messages, new JsonObject
                {
                    ["id"] = Needed(fields, "call_id", place),
                    ["type"] = "function",
                    ["function"] = new JsonObject
                    {
                        ["name"] = Needed(fields, "name", place), ["arguments"] = Needed(fields, "arguments", place),
                    },
                });
                break;
            case "function_call_output":
                messages.Add(new JsonObject
                {
                    ["role"] = "tool", ["tool_call_id"] = Needed(fields, "call_id", place),
                    ["content"] = Text(fields["output"], $"{place}.output"),
                });
                break;
            case "reasoning":
                break;                                                   // of another model: not part of what was said
            case var type:
                throw ApiErrorException.Invalid(
                    $"'{place}.type' is '{type}': only message, function_call and function_call_output are known here.", $"{place}.type");
        }
    }

    private static void AddCall(JsonArray messages, JsonObject call)
    {
        if (messages is not [.., JsonObject last] || (string?)last["role"] != "assistant")
        {
            last = new JsonObject { ["role"] = "assistant", ["content"] = null };
            messages.Add(last);
        }
        if (last["tool_calls"] is JsonArray calls) calls.Add(call);
        else last["tool_calls"] = new JsonArray(call);
    }

    /// <summary>A string, or parts of text put one behind the other.</summary>
    private static string Text(JsonElement? content, string place)
    {
        switch (content)
        {
            case { ValueKind: JsonValueKind.String } text:
                return RequestFields.Unicode(place, text);
            case { ValueKind: JsonValueKind.Array } parts:
                return string.Concat(parts.EnumerateArray().Select((part, i) => Part(part, $"{place}[{i}]")));
            case { } other:
                throw RequestFields.Wrong(place, "a string or an array of parts", other);
            default:
                throw ApiErrorException.Invalid($"'{place}' is missing: it must be a string or an array of parts.", place);
        }
    }

    private static string Part(JsonElement part, string place)
    {
        var fields = part.ValueKind == JsonValueKind.Object ? new RequestFields(part) : null;
        var text = fields?.Text("type") switch
        {
            "input_text" or "output_text" or "text" => fields.Text("text"),
            "refusal" => fields.Text("refusal"),
            _ => null,
        };
        return text ?? throw ApiErrorException.Invalid(
            $"'{place}' is not text: the model reads parts of type input_text and output_text only.", place);
    }

    private static string Needed(RequestFields fields, string name, string place) =>
        fields.Text(name) ?? throw ApiErrorException.Invalid($"'{place}.{name}' is missing: it must be a string.", $"{place}.{name}");

    private static JsonObject Message(string role, string content) => new() { ["role"] = role, ["content"] = content };
}
