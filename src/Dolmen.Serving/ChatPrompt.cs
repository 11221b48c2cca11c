using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Serving;

/// <summary>The field <c>messages</c> as the model reads it. A model with a chat template of its own is given the messages whole, tool
/// turns
/// and calls included; Dolmen's format has the turns of system, user and assistant.</summary>
internal static class ChatPrompt
{
    public static Prompt Read(RequestFields fields, ServedModel served)
    {
        if (fields["messages"] is not { } messages)
        {
            throw ApiErrorException.Invalid("'messages' is missing: it must be an array of {role, content}.", "messages");
        }
        if (messages.ValueKind != JsonValueKind.Array) throw RequestFields.Wrong("messages", "an array of {role, content}", messages);
        if (messages.GetArrayLength() == 0)
        {
            throw ApiErrorException.Invalid("'messages' is empty: it needs at least one message.", "messages");
        }
        var opens = fields.Flag("add_generation_prompt") ?? true;
        try
        {
            var template = ChatFormat.TemplateOf(served.Tokenizer);
            var tokens = template is not null ? Rendered(template, messages, fields, served.Tokenizer, opens)
                : Own(served.Tokenizer, [.. messages.EnumerateArray().Select(Message)], opens);
            return new Prompt(tokens, "");
        }
        catch (UserErrorException error)
        {
            // The model's chat template refuses the conversation, or it has none.
            throw ApiErrorException.Invalid(served.WithoutPaths(error.Message), "messages");
        }
    }

    private static int[] Own(Tokenizer tokenizer, ChatMessage[] turns, bool opens) =>
        opens ? ChatFormat.TokenizePrompt(tokenizer, turns) : ChatFormat.Tokenize(tokenizer, turns).Tokens;

    private static int[] Rendered(ChatTemplate template, JsonElement messages, RequestFields fields, Tokenizer tokenizer, bool opens)
    {
        var developers = template.Source.Contains("developer", StringComparison.Ordinal);
        var plain = new JsonArray([.. messages.EnumerateArray().Select((message, i) => (JsonNode?)Plain(message, i, developers))]);
        var input = new ChatInput(JsonSerializer.SerializeToElement(plain, ServingJson.Default.JsonArray)) { AddGenerationPrompt = opens };
        if (fields["chat_template_kwargs"] is { } names)
        {
            if (names.ValueKind != JsonValueKind.Object) throw RequestFields.Wrong("chat_template_kwargs", "an object", names);
            foreach (var name in names.EnumerateObject()) input.With(name.Name, name.Value);
        }
        return template.TokenizePrompt(tokenizer, input);
    }

    /// <summary>A message as templates expect it: content is text or null, the arguments of a call are an object.</summary>
    private static JsonObject Plain(JsonElement message, int index, bool developers)
    {
        var name = $"messages[{index}]";
        if (message.ValueKind != JsonValueKind.Object) throw RequestFields.Wrong(name, "an object with role and content", message);
        var fields = new RequestFields(message);
        var role =
            fields.Text("role") ?? throw ApiErrorException.Invalid($"'{name}.role' is missing: it must be a string.", name + ".role");
        var plain = JsonObject.Create(message.Clone())!;
        plain["role"] = role == "developer" && !developers ? "system" : role;
        plain["content"] = Content(fields, name);
        if (plain["tool_calls"] is JsonArray calls)
        {
            foreach (var call in calls.OfType<JsonObject>().Select(call => call["function"]).OfType<JsonObject>()) ReadArguments(call);
        }
        return plain;
    }

    /// <summary>Clients send arguments as JSON within a string; templates write them out as JSON again.</summary>
    private static void ReadArguments(JsonObject function)
    {
        if (function["arguments"] is not JsonValue value || !value.TryGetValue<string>(out var text)) return;
        try
        {
            if (JsonNode.Parse(text) is JsonObject arguments) function["arguments"] = arguments;
        }
        catch (JsonException)
        {
            // What a model once wrote wrongly stays as it was written.
        }
    }

    private static ChatMessage Message(JsonElement message, int index)
    {
        var name = $"messages[{index}]";
        if (message.ValueKind != JsonValueKind.Object) throw RequestFields.Wrong(name, "an object with role and content", message);
        var fields = new RequestFields(message);
        var role = fields.Text("role") switch
        {
            "system" or "developer" => "system",
            "user" => "user",
            "assistant" => "assistant",
            "tool" or "function" => throw ApiErrorException.Invalid(
                $"'{name}' is a tool's result, for which this model's chat format has no "
                    + "turn: the roles are system, user and assistant. Put the result into a user's message.",
                name + ".role"
            ),
            var other => throw ApiErrorException.Invalid(
                $"'{name}.role' must be system, user or assistant, not " + $"{(other is null ? "left out" : $"'{other}'")}.",
                name + ".role"
            ),
        };
        foreach (var calls in (string[])["tool_calls", "function_call"])
        {
            if (fields[calls] is not { } value || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0))
                continue;
            throw ApiErrorException.Invalid(
                $"'{name}' is a call of a tool, for which this model's chat format has no turn: the format holds "
                    + "text. Leave the call and its result out, or write them as text.",
                $"{name}.{calls}",
                "unsupported_parameter"
            );
        }
        return new ChatMessage(role, Content(fields, name) ?? "");
    }

    /// <summary>Text; null is legal beside a call or a refusal, and the words of a refusal are then what the assistant said.</summary>
    private static string? Content(RequestFields message, string name)
    {
        name += ".content";
        switch (message["content"])
        {
            case { ValueKind: JsonValueKind.String } text:
                return RequestFields.Unicode(name, text);
            case { ValueKind: JsonValueKind.Array } parts:
                return string.Concat(parts.EnumerateArray().Select((part, i) => Part(part, name, i)));
            case { } value:
                throw RequestFields.Wrong(name, "a string", value);
        }
        if (message.Text("role") == "assistant" && message.Text("refusal") is { } refusal) return refusal;
        return message.Text("role") == "assistant" && (message["tool_calls"] is not null || message["function_call"] is not null) ? null
            : throw ApiErrorException.Invalid($"'{name}' is missing: it must be a string.", name);
    }

    private static string Part(JsonElement part, string name, int index)
    {
        var fields = part.ValueKind == JsonValueKind.Object ? new RequestFields(part) : null;
        var text = fields?.Text("type") switch
        {
            "text" or "input_text" or "output_text" => fields.Text("text"),
            "refusal" => fields.Text("refusal"),
            _ => null,
        };
        return text ?? throw ApiErrorException.Invalid($"'{name}' may hold only parts of type text.", $"{name}[{index}]");
    }
}
