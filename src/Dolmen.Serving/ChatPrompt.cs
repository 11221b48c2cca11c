using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Serving.Tools;
using Dolmen.Tokenization;

namespace Dolmen.Serving;

/// <summary>The field <c>messages</c> as the model reads it. A model with a chat template of its own is given the messages whole;
/// in Dolmen's format calls of tools and their results are text (<see cref="ChatFormat"/>).</summary>
internal static class ChatPrompt
{
    /// <param name="tools">What the model is told that it may call.</param>
    /// <param name="withText">Also the prompt's text, control tokens included.</param>
    /// <param name="asked">What the model reads instead of what the user said last; null for that itself.</param>
    public static Prompt Read(
        RequestFields fields, ServedModel served, ToolUse? tools = null, bool withText = false, string? asked = null)
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
            if (template is null)
            {
                var tokens = Own(served.Tokenizer, Asked([.. messages.EnumerateArray().Select(OwnMessage)], asked), opens, tools);
                return new Prompt(tokens, withText ? served.Tokenizer.Decode(tokens) : "");
            }
            var input = Input(template, messages, fields, opens, tools, asked);
            return new Prompt(template.TokenizePrompt(served.Tokenizer, input), withText ? template.Render(input).Text : "");
        }
        catch (UserErrorException error)
        {
            // The model's chat template refuses the conversation, or it has none.
            throw ApiErrorException.Invalid(served.WithoutPaths(error.Message), "messages");
        }
    }

    private static int[] Own(Tokenizer tokenizer, JsonObject[] messages, bool opens, ToolUse? tools)
    {
        var turns = ChatFormat.OwnTurns(messages, i => $"messages[{i}]", tools?.Schemas);
        return opens ? ChatFormat.TokenizePrompt(tokenizer, turns) : ChatFormat.Tokenize(tokenizer, turns).Tokens;
    }

    /// <summary>What the user said last; null where the messages hold nothing of a user. Messages that are wrong are told of when they are
    /// read.</summary>
    public static string? LastQuestion(RequestFields fields)
    {
        if (fields["messages"] is not { ValueKind: JsonValueKind.Array } messages) return null;
        var index = messages.GetArrayLength() - 1;
        foreach (var message in messages.EnumerateArray().Reverse())
        {
            if (message.ValueKind != JsonValueKind.Object) return null;
            var one = new RequestFields(message);
            if (one.Text("role") == "user") return Content(one, $"messages[{index}]");
            index--;
        }
        return null;
    }

    /// <summary>Earlier turns keep the question alone: only the last one is read with its passages.</summary>
    private static JsonObject[] Asked(JsonObject[] messages, string? asked)
    {
        if (asked is not null && messages.LastOrDefault(message => (string?)message["role"] == "user") is { } last) last["content"] = asked;
        return messages;
    }

    private static ChatInput Input(
        ChatTemplate template, JsonElement messages, RequestFields fields, bool opens, ToolUse? tools, string? asked)
    {
        var developers = template.Source.Contains("developer", StringComparison.Ordinal);
        JsonNode?[] read = Asked([.. messages.EnumerateArray().Select((message, i) => Plain(message, i, developers))], asked);
        var plain = new JsonArray(read);
        JsonElement? described = tools is null ? null : JsonSerializer.SerializeToElement(tools.Schemas, ServingJson.Default.JsonArray);
        var input = new ChatInput(JsonSerializer.SerializeToElement(plain, ServingJson.Default.JsonArray),
            described) { AddGenerationPrompt = opens };
        if (fields["chat_template_kwargs"] is { } names)
        {
            if (names.ValueKind != JsonValueKind.Object) throw RequestFields.Wrong("chat_template_kwargs", "an object", names);
            foreach (var name in names.EnumerateObject()) input.With(name.Name, name.Value);
        }
        return input;
    }

    /// <summary>A message as templates expect it: content is text or null, the arguments of a call are an object.</summary>
    private static JsonObject Plain(JsonElement message, int index, bool developers)
    {
        var name = $"messages[{index}]";
        if (message.ValueKind != JsonValueKind.Object) throw RequestFields.Wrong(name, "an object with role and content", message);
        var fields = new RequestFields(message);
        var role =
            fields.Text("role") ?? throw ApiErrorException.Invalid($"'{name}.role' is missing: it must be a string.", name + ".role");
        var plain = WithoutTwins(message, name);
        plain["role"] = role == "developer" && !developers ? "system" : role;
        plain["content"] = Content(fields, name);
        ToolCalls.ReadArguments(plain);
        return plain;
    }

    /// <summary>A key that stands twice has two values, of which one would be left out unseen.</summary>
    private static JsonObject WithoutTwins(JsonElement message, string name)
    {
        try
        {
            return JsonNode.Parse(message.GetRawText(), null, new JsonDocumentOptions { AllowDuplicateProperties = false })!.AsObject();
        }
        catch (JsonException)
        {
            throw ApiErrorException.Invalid($"'{name}' has a key twice: which one counts cannot be told.", name);
        }
    }

    /// <summary>A message in the terms of Dolmen's format; OpenAI's older names of tool turns are read as the newer ones.</summary>
    private static JsonObject OwnMessage(JsonElement message, int index)
    {
        var plain = Plain(message, index, developers: false);
        var role = (string?)plain["role"];
        if (role == "function") plain["role"] = role = "tool";
        if (role is not ("system" or "user" or "assistant" or "tool"))
        {
            throw ApiErrorException.Invalid(
                $"'messages[{index}].role' must be system, user, assistant or tool, not '{role}'.",
                $"messages[{index}].role"
            );
        }
        if (role == "assistant" && plain["function_call"] is { } call)
        {
            plain[ToolCalls.Member] = new JsonArray(new JsonObject { ["function"] = call.DeepClone() });
            ToolCalls.ReadArguments(plain);
        }
        if (plain[ToolCalls.Member] is not (null or JsonArray { Count: 0 }) && role != "assistant")
        {
            throw ApiErrorException.Invalid(
                $"'messages[{index}].{ToolCalls.Member}' stands in a message of the role '{role}': only the assistant calls tools.",
                $"messages[{index}].{ToolCalls.Member}"
            );
        }
        return plain;
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
