using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>The calls of tools in an assistant's message, as OpenAI's interface has them.</summary>
public static class ToolCalls
{
    public const string Member = "tool_calls";

    private const string Function = "function", Arguments = "arguments";

    /// <summary>What stands around the arguments in a request or a row counts towards the 64 levels that JSON may have there.</summary>
    private static readonly JsonDocumentOptions Depth = new() { MaxDepth = 56, AllowDuplicateProperties = false };

    /// <summary>Makes an object of arguments that are JSON within a string: OpenAI's clients send them so, and chat templates write them
    /// out as JSON again.</summary>
    public static void ReadArguments(JsonObject message)
    {
        if (message[Member] is not JsonArray calls) return;
        foreach (var function in calls.OfType<JsonObject>().Select(call => call[Function] ?? call).OfType<JsonObject>())
        {
            if (function[Arguments] is not JsonValue value || !value.TryGetValue<string>(out var text)) continue;
            try
            {
                if (string.IsNullOrWhiteSpace(text)) function[Arguments] = new JsonObject();
                else if (JsonNode.Parse(text, null, Depth) is JsonObject arguments) function[Arguments] = arguments;
            }
            catch (JsonException)
            {
                // What a model once wrote wrongly stays as it was written.
            }
        }
    }

    /// <exception cref="UserErrorException">They are not a list of calls that each name a tool.</exception>
    internal static void Check(JsonObject message, string place)
    {
        if (message[Member] is not { } calls) return;
        if (calls is not JsonArray list) throw new UserErrorException($"{place}.{Member} must be a list of calls.");
        for (var i = 0; i < list.Count; i++)
        {
            var function = (list[i] as JsonObject)?[Function] ?? list[i];
            if (function is JsonObject && function["name"] is JsonValue name && name.GetValueKind() == JsonValueKind.String) continue;
            throw new UserErrorException(
                $"{place}.{Member}[{i}] does not say which tool is called: a call is an object whose function has a name and arguments."
            );
        }
    }
}
