using System.Text.Json;
using System.Text.Json.Nodes;

namespace Dolmen.Serving.OpenAIResponses;

/// <summary>Writes a request to <c>/v1/responses</c> as the body of <c>/v1/chat/completions</c>, so that both mean the same.</summary>
internal static class ResponsesBody
{
    /// <summary>Names that a complaint about the chat's fields has here.</summary>
    private static readonly (string Chat, string Own)[] Names =
    [
        ("messages", "input"), ("max_completion_tokens", "max_output_tokens"), ("max_tokens", "max_output_tokens"),
        ("response_format.json_schema.schema", "text.format.schema"), ("response_format", "text.format"),
    ];

    /// <exception cref="ApiErrorException">A field is wrong, or not known.</exception>
    public static JsonObject Of(JsonElement body)
    {
        RequestTable.Check(body, Endpoints.Responses);
        var fields = new RequestFields(body);
        var chat = new JsonObject();
        foreach (var member in body.EnumerateObject())
        {
            // What chats know by the same name says the same there; the rest is written below.
            if (member.Value.ValueKind != JsonValueKind.Null && RequestTable.IsHonoured(member.Name, Endpoints.Chat | Endpoints.Responses))
                chat[member.Name] = Node(member.Value);
        }
        chat["messages"] = ResponsesInput.Messages(fields);
        if (fields.Integer("max_output_tokens", 1, int.MaxValue) is { } most) chat["max_completion_tokens"] = most;
        if (fields["tools"] is { } tools) chat["tools"] = Tools(tools);
        if (fields["tool_choice"] is { ValueKind: JsonValueKind.Object } choice && new RequestFields(choice).Text("type") != "function")
            throw RequestFields.Wrong("tool_choice", "'none', 'auto', 'required' or {\"type\":\"function\",\"name\":…}", choice);
        if (Format(fields) is { } format) chat["response_format"] = format;
        chat.Remove("stream_options");                                   // usage always comes with the last event
        if (WantsLogprobs(fields)) chat["logprobs"] = true;
        else chat.Remove("top_logprobs");
        return chat;
    }

    /// <summary>A complaint about the chat's body in the names that the client has sent.</summary>
    public static ApiErrorException InOwnNames(ApiErrorException error)
    {
        var (message, param) = (error.Error.Message, error.Error.Param);
        foreach (var (chat, own) in Names)
        {
            message = message.Replace($"'{chat}", $"'{own}", StringComparison.Ordinal);
            if (param is not null && param.StartsWith(chat, StringComparison.Ordinal)) param = own + param[chat.Length..];
        }
        return new ApiErrorException(error.Status, error.Error with { Message = message, Param = param });
    }

    /// <summary>A function stands by itself here and within <c>function</c> there.</summary>
    private static JsonArray Tools(JsonElement tools)
    {
        if (tools.ValueKind != JsonValueKind.Array) throw RequestFields.Wrong("tools", "an array of functions", tools);
        return [.. tools.EnumerateArray().Select((tool, i) =>
        {
            if (tool.ValueKind != JsonValueKind.Object || new RequestFields(tool).Text("type") != "function")
            {
                throw ApiErrorException.Invalid($"'tools[{i}]' must be an object of type 'function': the server runs no tools of its own.",
                    $"tools[{i}]");
            }
            var function = new JsonObject();
            foreach (var member in tool.EnumerateObject().Where(member => member.Name is "name" or "description" or "parameters"))
                if (member.Value.ValueKind != JsonValueKind.Null) function[member.Name] = Node(member.Value);
            return (JsonNode)new JsonObject { ["type"] = "function", ["function"] = function };
        })];
    }

    private static JsonObject? Format(RequestFields fields)
    {
        if (fields["text"] is not { } text) return null;
        if (text.ValueKind != JsonValueKind.Object) throw RequestFields.Wrong("text", "an object with a format", text);
        foreach (var member in text.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null || member.Name == "format") continue;
            if (member.Name == "verbosity" && member.Value.ValueEquals("medium")) continue;
            throw ApiErrorException.Invalid($"'text.{member.Name}' is not supported: only the format is.", $"text.{member.Name}",
                "unsupported_parameter");
        }
        if (new RequestFields(text)["format"] is not { } format) return null;
        if (format.ValueKind != JsonValueKind.Object) throw RequestFields.Wrong("text.format", "an object with a type", format);
        var wanted = new RequestFields(format);
        switch (wanted.Text("type"))
        {
            case "text" or "json_object":
                return new JsonObject { ["type"] = wanted.Text("type") };
            case "json_schema" when wanted["schema"] is { } schema:
                return new JsonObject { ["type"] = "json_schema", ["json_schema"] = new JsonObject { ["schema"] = Node(schema) } };
            case "json_schema":
                throw ApiErrorException.Invalid("'text.format.schema' is missing: it must be a JSON schema.", "text.format");
            default:
                throw ApiErrorException.Invalid("'text.format.type' must be text, json_object or json_schema.", "text.format.type");
        }
    }

    private static bool WantsLogprobs(RequestFields fields)
    {
        const string logprobs = "message.output_text.logprobs";
        var wanted = false;
        foreach (var part in fields.Texts("include", 16))
        {
            if (part != logprobs)
            {
                throw ApiErrorException.Invalid($"'include' asks for '{part}': only {logprobs} is known here.", "include",
                    "unsupported_parameter");
            }
            wanted = true;
        }
        return wanted || fields.Integer("top_logprobs", 0, 20) > 0;
    }

    private static JsonNode? Node(JsonElement element) => JsonNode.Parse(element.GetRawText());
}
