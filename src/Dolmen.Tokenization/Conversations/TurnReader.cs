using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>Turns as OpenAI's format has them (<c>role</c>, <c>content</c>, <c>tool_calls</c>) and as ShareGPT's has them (<c>from</c>,
/// <c>value</c>), each brought into OpenAI's terms.</summary>
internal sealed class TurnReader(DataTally tally)
{
    public const string RoleRenamed = "role-renamed", RefusalRead = "refusal-read-as-content";

    private const string FunctionCall = "function_call";

    private static readonly Dictionary<string, string> Roles = new(StringComparer.OrdinalIgnoreCase)
    {
        ["system"] = "system", ["developer"] = "system",
        ["user"] = "user", ["human"] = "user",
        ["assistant"] = "assistant", ["gpt"] = "assistant", ["model"] = "assistant", ["chatgpt"] = "assistant", ["bot"] = "assistant",
        ["tool"] = "tool", ["observation"] = "tool", ["function"] = "tool", ["function_response"] = "tool", ["ipython"] = "tool",
    };

    /// <summary>OpenAI's own names, which do not count as a change: the older name of a tool's answer and the newer one of the system's
    /// turn.</summary>
    private static readonly HashSet<string> OpenAiRoles = new(
        ["system", "developer", "user", "assistant", "tool", "function"],
        StringComparer.Ordinal
    );

    private static readonly string[] OwnKeys = ["role", "content", "from", "value", "weight", "refusal", FunctionCall];

    public List<TrainingTurn> Turns(JsonRow list) => [.. list.Items().Select(Turn)];

    public TrainingTurn Turn(JsonRow turn)
    {
        turn.RequireObject();
        if (turn.Member("role") is { } role)
            return OpenAi(turn, role.Value.ValueKind == JsonValueKind.Null ? throw role.Error("is null: it must name who speaks") : role);
        if (turn.Member("from") is { } from) return ShareGpt(turn, from);
        throw turn.Error("has neither \"role\" and \"content\" nor \"from\" and \"value\": a turn says who speaks and what");
    }

    private TrainingTurn OpenAi(JsonRow turn, JsonRow role)
    {
        var name = RoleOf(role);
        if (!OpenAiRoles.Contains(role.Text())) tally.Note(RoleRenamed, turn.At);
        var more = More(turn);
        if (turn.Find("tool_calls") is { } calls && calls.Items().Count == 0) more?.Remove("tool_calls");
        if (turn.Find(FunctionCall) is { } call) (more ??= [])["tool_calls"] = new JsonArray(Called(call, call.Value));
        if (more is { Count: 0 }) more = null;
        var content = Content(turn, name, more?.ContainsKey("tool_calls") == true);
        return new TrainingTurn(name, content, name == "assistant" && Weight(turn), more, turn.Place);
    }

    private string? Content(JsonRow turn, string role, bool callsTools)
    {
        if (turn.Find("content") is { } content)
        {
            if (content.IsString)
                return content.Text();
            return content.IsList
                ? string.Concat(content.Items().Select(Part))
                : throw content.Error(
                    $"is {content.Shown}: it must be a string, a list of parts of type text, or null beside tool_calls or a refusal"
                );
        }
        if (role == "assistant" && turn.Find("refusal") is { } refusal)
        {
            tally.Note(RefusalRead, turn.At);
            return refusal.Text();
        }
        if (role == "assistant" && callsTools) return null;
        throw (turn.Member("content") ?? turn with { Place = $"{turn.Place}.content" }).Error(
            (turn.Member("content") is null ? "is missing" : "is null")
                + ": a turn needs its text, and only an assistant's turn with tool_calls or a refusal may have none"
        );
    }

    private static string Part(JsonRow part)
    {
        part.RequireObject();
        var type = part.Find("type")?.Text() ?? "text";
        return type == "text" && part.Find("text") is { } text ? text.Text()
            : throw part.Error($"is of type \"{type}\": only parts of type text are read");
    }

    /// <summary>OpenAI's fine-tuning format: 0 leaves an assistant's turn out of the loss.</summary>
    private static bool Weight(JsonRow turn)
    {
        if (turn.Find("weight") is not { } weight) return true;
        return weight.Value.ValueKind == JsonValueKind.Number && weight.Value.TryGetDouble(out var value) && value is 0 or 1 ? value == 1
            : throw weight.Error($"is {weight.Shown}: it must be 0 or 1");
    }

    private static TrainingTurn ShareGpt(JsonRow turn, JsonRow from)
    {
        if (turn.Find("value") is not { } value)
            throw (turn with { Place = $"{turn.Place}.value" }).Error("is missing or null: a turn needs its text");
        if (string.Equals(from.Text(), FunctionCall, StringComparison.OrdinalIgnoreCase))
        {
            using var document = JsonDocument.Parse(
                JsonInput.Checked(System.Text.Encoding.UTF8.GetBytes(value.Text()), $"{value.File}, line {value.Line}: {value.Place}")
            );
            var root = document.RootElement;
            JsonElement[] calls = root.ValueKind == JsonValueKind.Array ? [.. root.EnumerateArray()] : [root];
            var array = new JsonArray();
            foreach (var call in calls) array.Add(Called(value, call));
            return new TrainingTurn("assistant", null, true, new JsonObject { ["tool_calls"] = array }, turn.Place);
        }
        var role = RoleOf(from);
        return new TrainingTurn(role, value.Text(), role == "assistant" && Weight(turn), More(turn), turn.Place);
    }

    private static JsonObject Called(JsonRow at, JsonElement call)
    {
        if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("name", out var name) || name.ValueKind != JsonValueKind.String)
            throw at.Error("is not a call of a tool: it must be an object with a name and arguments");
        var arguments = call.TryGetProperty("arguments", out var given) ? JsonNode.Parse(given.GetRawText()) : new JsonObject();
        return new JsonObject
        {
            ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = name.GetString(), ["arguments"] = arguments },
        };
    }

    private static string RoleOf(JsonRow role) =>
        Roles.GetValueOrDefault(role.Text())
        ?? throw role.Error(
            $"is {role.Shown}: a turn is the system's, the user's, the assistant's or a tool's (system, user, assistant, tool; human and "
                + $"gpt as ShareGPT names them)"
        );

    private static JsonObject? More(JsonRow turn)
    {
        JsonObject? more = null;
        foreach (var member in turn.Value.EnumerateObject())
            if (!OwnKeys.Contains(member.Name, StringComparer.Ordinal) && member.Value.ValueKind != JsonValueKind.Null)
                (more ??= [])[member.Name] = JsonNode.Parse(member.Value.GetRawText());
        return more;
    }
}
