using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>A prompt with the answer to prefer and the answer to avoid, each as a whole conversation of which only the answer is
/// learned.</summary>
public sealed record TrainingPair(TrainingConversation Chosen, TrainingConversation Rejected, DataPlace Place)
{
    public const string SameAnswers = "chosen-equals-rejected";

    /// <summary>Why nothing can be learned from the pair; null where something can.</summary>
    public string? Problem =>
        IsEmpty(Chosen) ? "chosen-empty" : IsEmpty(Rejected) ? "rejected-empty" : IsSame() ? SameAnswers : null;

    private static bool IsEmpty(TrainingConversation answer) => answer.Text is { } text ? string.IsNullOrWhiteSpace(text.Completion)
        : answer.Turns.Where(turn => turn.Learned).All(turn => turn.IsEmptyAnswer);

    private bool IsSame() => Chosen.Text == Rejected.Text && Chosen.Turns.Count == Rejected.Turns.Count
        && Chosen.Turns.Zip(Rejected.Turns).All(pair => pair.First.SameAs(pair.Second));
}

/// <summary>
/// Pairs of answers to choose from. <c>prompt</c>, <c>chosen</c> and <c>rejected</c> are strings (the user's turn and two answers) or, as
/// TRL has them, lists of turns; without a prompt, the turns that chosen and rejected begin with in common are the prompt. Also Alpaca's
/// and
/// ShareGPT's forms of LLaMA-Factory, and OpenAI's <c>input</c>, <c>preferred_output</c> and <c>non_preferred_output</c>.
/// </summary>
public static class PreferenceFiles
{
    /// <param name="tally">Counts the pairs read, and what was changed in them.</param>
    /// <exception cref="UserErrorException">The file cannot be read, or a row is in none of the formats; file, line and key are
    /// named.</exception>
    public static IEnumerable<TrainingPair> Read(string path, DataTally tally)
    {
        var turns = new TurnReader(tally);
        foreach (var row in JsonLines.Rows(path))
        {
            tally.Read();
            yield return Pair(row, turns, tally);
        }
    }

    private static TrainingPair Pair(JsonRow row, TurnReader turns, DataTally tally)
    {
        if (
            row.FindAny("chosen", "preferred_output") is not { } chosen
            || row.FindAny("rejected", "non_preferred_output") is not { } rejected
        )
            throw row.Error($"has {Missing(row)}{ConversationFiles.Seems(row)}");
        if (chosen.IsString != rejected.IsString)
            throw rejected.Error(
                $"is {rejected.Shown}, and {chosen.Place} is {chosen.Shown}: both must be strings, or both lists of turns"
            );
        var prompt = Prompt(row, turns, out var promptKey);
        ConversationFiles.CountUnread(row, tally, chosen.Place, rejected.Place, promptKey, "system", "tools",
            promptKey == "instruction" ? "input" : promptKey, promptKey == "instruction" ? "context" : promptKey);
        if (prompt is null && chosen.IsString) return Texts(row, chosen.Text(), rejected.Text());

        var (preferred, avoided) = (
            ConversationFiles.Turns(chosen, "assistant", turns),
            ConversationFiles.Turns(rejected, "assistant", turns)
        );
        var shared = Shared(preferred, avoided);
        // Some files name the prompt as a string and begin both answers with it as well.
        if (prompt is not null && shared > 0 && preferred[0].Role is "user" or "system")
        {
            if (
                prompt.Count > shared
                || !prompt.Zip(preferred.Take(shared).TakeLast(prompt.Count)).All(pair => pair.First.SameAs(pair.Second))
            )
                throw row.Error(
                    $"has a {promptKey} that is not what {chosen.Place} and {rejected.Place} begin with: of the two, one must be left out"
                );
            prompt = null;
        }
        if (prompt is null)
        {
            if (shared == 0)
                throw row.Error(
                    "has no prompt, and chosen and rejected do not begin with the same turns: that is needed where there is no prompt"
                );
            // Where one answer is the beginning of the other, or both are the same, the last turn is still the answer.
            if (shared == Math.Min(preferred.Count, avoided.Count)) shared--;
            prompt = preferred[..shared];
            (preferred, avoided) = (preferred[shared..], avoided[shared..]);
        }
        var asked = TrainingConversation.Of([.. ConversationFiles.System(row), .. prompt], Tools(row), row.At);
        RequireAnswer(preferred, chosen);
        RequireAnswer(avoided, rejected);
        return new TrainingPair(asked.Answered(preferred), asked.Answered(avoided), row.At);
    }

    private static string Missing(JsonRow row) =>
        row.FindAny("chosen", "preferred_output") is { } chosen ? $"{chosen.Place} and no answer rejected"
        : row.FindAny("rejected", "non_preferred_output") is { } rejected ? $"{rejected.Place} and no answer chosen"
        : "neither chosen nor rejected";

    private static List<TrainingTurn>? Prompt(JsonRow row, TurnReader turns, out string key)
    {
        key = "prompt";
        if (row.Find("prompt") is { } prompt) return ConversationFiles.Turns(prompt, "user", turns);
        if (row.FindAny("messages", "conversations", "conversation") is { } list)
        {
            key = list.Place;
            return turns.Turns(list);
        }
        if (row.Find("input") is { IsObject: true } input)
        {
            key = "input";
            return turns.Turns(input.Find("messages") ?? throw input.Error("has no messages"));
        }
        if (row.Find("instruction") is null) return null;
        key = "instruction";
        return ConversationFiles.AlpacaPrompt(row);
    }

    private static System.Text.Json.Nodes.JsonArray? Tools(JsonRow row) =>
        ConversationFiles.Tools(row.Find("input") is { IsObject: true } input ? input : row);

    private static int Shared(List<TrainingTurn> one, List<TrainingTurn> other)
    {
        var shared = 0;
        while (shared < Math.Min(one.Count, other.Count) && one[shared].SameAs(other[shared])) shared++;
        return shared;
    }

    private static void RequireAnswer(List<TrainingTurn> answer, JsonRow value)
    {
        if (!answer.Exists(turn => turn.Role == "assistant"))
            throw value.Error("holds no turn of the assistant behind the prompt: there is no answer to learn");
    }

    /// <summary>Two texts without a prompt of their own: what they begin with in common, up to the last space, is the prompt, and nothing
    /// is put between the two, as TRL does it.</summary>
    private static TrainingPair Texts(JsonRow row, string chosen, string rejected)
    {
        var common = chosen.AsSpan().CommonPrefixLength(rejected);
        if (common == Math.Min(chosen.Length, rejected.Length) || !char.IsWhiteSpace(chosen[common - 1 < 0 ? 0 : common - 1]))
            common = common == 0 ? 0 : chosen.LastIndexOf(' ', common - 1) is var space && space > 0 ? space : 0;
        if (common == 0) throw row.Error("has no prompt, and chosen and rejected do not begin alike: a pair needs a prompt");
        if (char.IsWhiteSpace(chosen[common - 1])) common--;
        return new TrainingPair(
            TrainingConversation.Of(chosen[..common], chosen[common..], row.At),
            TrainingConversation.Of(rejected[..common], rejected[common..], row.At),
            row.At
        );
    }
}
