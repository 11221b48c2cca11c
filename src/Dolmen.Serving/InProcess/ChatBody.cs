using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Dolmen.Serving;

/// <summary>Writes a conversation and its options as the body of <c>/v1/chat/completions</c>, so that both ways into a model mean the
/// same.</summary>
internal static class ChatBody
{
    /// <param name="client">Whom <see cref="ChatOptions.RawRepresentationFactory"/> is asked for.</param>
    /// <exception cref="NotSupportedException">A message holds what a model of text cannot read, or an option cannot be
    /// honoured.</exception>
    public static JsonObject Of(IEnumerable<ChatMessage> messages, ChatOptions? options, IChatClient client)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var list = new JsonArray();
        if (options?.Instructions is { Length: > 0 } instructions) list.Add(Message("system", instructions));
        foreach (var message in messages)
        {
            foreach (var one in Messages(message)) list.Add(one);
        }
        if (options is null) return new JsonObject { ["messages"] = list };
        RefuseWhatIsNotKept(options);
        var body = Begun(options, client);
        body["messages"] = list;
        Set("model", options.ModelId);
        Set("temperature", options.Temperature);
        Set("top_p", options.TopP);
        Set("top_k", options.TopK);
        Set("max_completion_tokens", options.MaxOutputTokens);
        Set("frequency_penalty", options.FrequencyPenalty);
        Set("presence_penalty", options.PresencePenalty);
        Set("seed", options.Seed);
        Set("parallel_tool_calls", options.AllowMultipleToolCalls);
        if (options.StopSequences is { Count: > 0 } stops) body["stop"] = new JsonArray([.. stops.Select(stop => (JsonNode)stop)]);
        if (options.ResponseFormat is ChatResponseFormatJson json)
        {
            body["response_format"] = json.Schema is not { } schema ? new JsonObject { ["type"] = "json_object" } : new JsonObject
            {
                ["type"] = "json_schema",
                ["json_schema"] = new JsonObject { ["name"] = json.SchemaName ?? "answer", ["schema"] = Node(schema) },
            };
        }
        AddTools(body, options);
        foreach (var (name, value) in options.AdditionalProperties ?? [])
            body[name] = JsonSerializer.SerializeToNode(value, AIJsonUtilities.DefaultOptions);
        if (body["n"] is JsonValue count && (!count.TryGetValue(out int n) || n != 1))
        {
            throw new NotSupportedException(
                $"'n' is {count.ToJsonString()}: one request has one answer here. Ask several times at once, each with its own seed.");
        }
        return body;

        void Set<T>(string name, T? value)
        {
            // A float's shortest digits: 0.7f is 0.7 and not 0.699999988.
            if (value is not null) body[name] = JsonNode.Parse(JsonSerializer.Serialize(value, AIJsonUtilities.DefaultOptions));
        }
    }

    /// <summary>What would need a memory of earlier requests.</summary>
    private static void RefuseWhatIsNotKept(ChatOptions options)
    {
        if (options.ConversationId is { } conversation)
        {
            throw new NotSupportedException(
                $"ConversationId is '{conversation}', and no conversations are kept here: send all of its messages each time. What they "
                    + "begin with is not computed again.");
        }
        if (options.ContinuationToken is not null)
            throw new NotSupportedException("ContinuationToken is given, and no answer goes on in the background here: leave it out.");
        if (options.Reasoning is { Effort: not (null or ReasoningEffort.None) } or { Output: not (null or ReasoningOutput.None) })
        {
            throw new NotSupportedException(
                "Reasoning is given, and its effort cannot be set: leave it out. A chat template may know it as a name in "
                    + "AdditionalProperties[\"chat_template_kwargs\"].");
        }
    }

    /// <summary>The fields that the caller wrote in the server's own form.</summary>
    private static JsonObject Begun(ChatOptions options, IChatClient client) => options.RawRepresentationFactory?.Invoke(client) switch
    {
        null => [],
        JsonObject fields => (JsonObject)fields.DeepClone(),
        var other => throw new NotSupportedException(
            $"RawRepresentationFactory made a {other.GetType().Name}: it must be a JsonObject with fields of /v1/chat/completions."),
    };

    private static void AddTools(JsonObject body, ChatOptions options)
    {
        if (options.Tools is not { Count: > 0 } tools) return;
        body["tools"] = new JsonArray([.. tools.Select(tool => (JsonNode)new JsonObject
        {
            ["type"] = "function",
            ["function"] = tool is AIFunctionDeclaration function
                ? new JsonObject
                {
                    ["name"] = function.Name, ["description"] = function.Description, ["parameters"] = Parameters(function.JsonSchema),
                }
                : throw new NotSupportedException($"The tool '{tool.Name}' is a {tool.GetType().Name}: only functions can be called."),
        })]);
        body["tool_choice"] = options.ToolMode switch
        {
            NoneChatToolMode => "none",
            RequiredChatToolMode { RequiredFunctionName: { } name } =>
                new JsonObject { ["type"] = "function", ["function"] = new JsonObject { ["name"] = name } },
            RequiredChatToolMode => "required",
            _ => "auto",
        };
    }

    /// <summary>A function without parameters may be described by <c>{}</c> or <c>true</c>.</summary>
    private static JsonObject Parameters(JsonElement schema) =>
        Node(schema) as JsonObject is { Count: > 0 } described ? described
            : new JsonObject { ["type"] = "object", ["properties"] = new JsonObject() };

    /// <summary>Each result of a tool is a message of its own.</summary>
    private static IEnumerable<JsonObject> Messages(ChatMessage message)
    {
        var (text, calls) = ("", new JsonArray());
        foreach (var content in message.Contents)
        {
            switch (content)
            {
                case TextContent part:
                    text += part.Text;
                    break;
                case FunctionCallContent call:
                    calls.Add(new JsonObject
                    {
                        ["id"] = call.CallId, ["type"] = "function",
                        ["function"] = new JsonObject
                        {
                            ["name"] = call.Name,
                            ["arguments"] = JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(),
                                AIJsonUtilities.DefaultOptions),
                        },
                    });
                    break;
                case FunctionResultContent result:
                    var said = result.Result as string ?? JsonSerializer.Serialize(result.Result, AIJsonUtilities.DefaultOptions);
                    yield return new JsonObject { ["role"] = "tool", ["tool_call_id"] = result.CallId, ["content"] = said };
                    break;
                case TextReasoningContent or UsageContent:
                    break;                                               // not part of what was said
                default:
                    throw new NotSupportedException($"A message holds {content.GetType().Name}: the model reads text only.");
            }
        }
        if (text.Length == 0 && calls.Count == 0) yield break;
        var written = Message(message.Role.Value, text.Length > 0 || calls.Count == 0 ? text : null);
        if (calls.Count > 0) written["tool_calls"] = calls;
        yield return written;
    }

    private static JsonObject Message(string role, string? content) => new() { ["role"] = role, ["content"] = content };

    private static JsonNode? Node(JsonElement element) => JsonNode.Parse(element.GetRawText());
}
