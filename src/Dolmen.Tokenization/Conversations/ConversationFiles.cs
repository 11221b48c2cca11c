using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>
/// Conversations to fine-tune on, in the formats the field's tools write: OpenAI's <c>messages</c>, ShareGPT's <c>conversations</c>,
/// Alpaca's <c>instruction</c>, <c>input</c>, <c>output</c> and <c>history</c>, and TRL's <c>prompt</c> and <c>completion</c>.
/// </summary>
public static class ConversationFiles
{
    private const string Unread = "key-not-read:";

    private static readonly string[] Lists = ["messages", "conversations", "conversation"];

    /// <param name="tally">Counts the examples read, and what was changed in them.</param>
    /// <exception cref="UserErrorException">The file cannot be read, or a row is in none of the formats; file, line and key are
    /// named.</exception>
    public static IEnumerable<TrainingConversation> Read(string path, DataTally tally)
    {
        var turns = new TurnReader(tally);
        foreach (var row in JsonLines.Rows(path))
        {
            tally.Read();
            yield return Conversation(row, turns, tally);
        }
    }

    private static TrainingConversation Conversation(JsonRow row, TurnReader turns, DataTally tally)
    {
        if (row.FindAny(Lists) is { } list)
        {
            CountUnread(row, tally, list.Place, "system", "tools");
            return TrainingConversation.Of([.. System(row), .. turns.Turns(list)], Tools(row), row.At);
        }
        if (row.Find("instruction") is not null && row.FindAny("output", "response") is { } output)
            return Alpaca(row, output, turns, tally);
        if (row.Find("prompt") is { } prompt && row.Find("completion") is { } completion)
        {
            CountUnread(row, tally, "prompt", "completion", "tools", "system");
            if (prompt.IsString && completion.IsString) return TrainingConversation.Of(prompt.Text(), completion.Text(), row.At);
            var opening = TrainingConversation.Of([.. System(row), .. Turns(prompt, "user", turns)], Tools(row), row.At);
            return opening.Answered(Turns(completion, "assistant", turns));
        }
        throw row.Error($"has none of messages, conversations, instruction with output, or prompt with completion{Seems(row)}");
    }

    /// <summary>Instruction and input stand in one turn with a line break between them, as LLaMA-Factory writes them; what was said before
    /// is in <c>history</c>, pairs of a question and an answer.</summary>
    private static TrainingConversation Alpaca(JsonRow row, JsonRow output, TurnReader turns, DataTally tally)
    {
        CountUnread(row, tally, "instruction", "input", "context", output.Place, "history", "system", "tools");
        var all = System(row);
        foreach (var exchange in row.Find("history")?.Items() ?? [])
        {
            if (exchange.Items() is not [var question, var answer])
                throw exchange.Error("is not a pair: history holds a question and its answer in each of its lists");
            all.Add(new TrainingTurn("user", question.Text(), false, null, question.Place));
            all.Add(new TrainingTurn("assistant", answer.Text(), true, null, answer.Place));
        }
        all.AddRange(AlpacaPrompt(row));
        all.AddRange(Turns(output, "assistant", turns));
        return TrainingConversation.Of(all, Tools(row), row.At);
    }

    internal static List<TrainingTurn> AlpacaPrompt(JsonRow row)
    {
        if (row.Find("instruction") is not { } instruction) throw row.Error("has no instruction");
        var input = row.FindAny("input", "context")?.Text() ?? "";
        var asked = input.Length == 0 ? instruction.Text() : instruction.Text().Length == 0 ? input : $"{instruction.Text()}\n{input}";
        return [new TrainingTurn("user", asked, false, null, "instruction")];
    }

    /// <summary>A string is one turn of the role; an object is a turn and a list is turns.</summary>
    internal static List<TrainingTurn> Turns(JsonRow value, string role, TurnReader turns) =>
        value.IsList ? turns.Turns(value)
        : value.IsObject ? [turns.Turn(value)]
        : value.IsString ? [new TrainingTurn(role, value.Text(), role == "assistant", null, value.Place)]
        : throw value.Error($"is {value.Shown}: it must be a string or a list of turns");

    internal static List<TrainingTurn> System(JsonRow row) => row.Find("system") is { } system && system.Text().Length > 0
        ? [new TrainingTurn("system", system.Text(), false, null, "system")] : [];

    /// <summary>A list of schemas, or the same as a string, as datasets that must have one type for a column write it.</summary>
    internal static JsonArray? Tools(JsonRow row)
    {
        if (row.Find("tools") is not { } tools) return null;
        if (tools.IsString)
        {
            if (string.IsNullOrWhiteSpace(tools.Text()))
                return null;
            using var parsed = JsonInput.Parse(
                global::System.Text.Encoding.UTF8.GetBytes(tools.Text()),
                $"{row.File}, line {row.Line}: tools"
            );
            return List(parsed.RootElement);
        }
        return List(tools.Value);

        JsonArray? List(JsonElement value) =>
            value.ValueKind != JsonValueKind.Array ? throw tools.Error($"is {tools.Shown}: it must be a list of schemas")
            : value.GetArrayLength() == 0 ? null
            : JsonNode.Parse(value.GetRawText())!.AsArray();
    }

    internal static void CountUnread(JsonRow row, DataTally tally, params ReadOnlySpan<string> read)
    {
        foreach (var member in row.Value.EnumerateObject())
            if (!read.Contains(member.Name)) tally.Note($"{Unread} {member.Name}", row.At);
    }

    /// <summary>What the row is instead, where that is recognised.</summary>
    internal static string Seems(JsonRow row)
    {
        bool Has(string name) => row.Find(name) is not null;
        if (Has("chosen") != Has("rejected"))
            return "";
        if (Has("chosen"))
            return ": it seems to be a pair of answers to choose from, which 'align dpo' reads";
        if (Lists.Any(Has))
            return ": it seems to be a conversation, which 'align sft' reads";
        if (Has("label") && Has("completion"))
            return ": it seems to be an answer with a label (KTO), which is not read";
        if (Has("role") || Has("from"))
            return ": it seems to be one turn of a conversation; a row holds all turns of one, in a list named messages";
        if (Has("source") && Has("target"))
            return ": it seems to be a pair of texts, which 'model pretrain --pairs' reads";
        if (Has("text"))
            return ": it seems to be a plain text, which 'corpus build' reads for pretraining";
        foreach (var list in Lists)
            if (row.Member(list) is not null) return $": its {list} is null";
        var names = string.Join(", ", row.Value.EnumerateObject().Take(8).Select(member => $"\"{member.Name}\""));
        return names.Length == 0 ? ": it is an empty object" : $": its keys are {names}";
    }
}
