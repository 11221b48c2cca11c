using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>A turn of a conversation as a training file has it, in OpenAI's terms.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>.</param>
/// <param name="Content">Null beside tool calls.</param>
/// <param name="Learned">Whether the model is to learn to say it.</param>
/// <param name="More">The turn's other keys (<c>tool_calls</c>, <c>name</c> …), for the chat template; null where there are none.</param>
/// <param name="Place">Its key in the row: "messages[2]".</param>
public sealed record TrainingTurn(string Role, string? Content, bool Learned, JsonObject? More, string Place)
{
    public bool HasToolCalls => More?.ContainsKey("tool_calls") == true;

    /// <summary>An assistant's turn that says nothing and calls nothing.</summary>
    public bool IsEmptyAnswer => Role == "assistant" && !HasToolCalls && string.IsNullOrWhiteSpace(Content);

    public bool SameAs(TrainingTurn other) =>
        Role == other.Role && Content == other.Content && JsonNode.DeepEquals(More, other.More);
}

/// <summary>An example to learn to answer from: turns of a conversation, or a text and how it goes on.</summary>
/// <param name="Turns">Empty where the example is a text.</param>
/// <param name="Tools">Schemas of the tools that may be called; null for none.</param>
/// <param name="Text">A text that goes on without turns; null where the example is a conversation.</param>
public sealed record TrainingConversation(IReadOnlyList<TrainingTurn> Turns, JsonArray? Tools, ContinuedText? Text, DataPlace Place)
{
    public static TrainingConversation Of(IReadOnlyList<TrainingTurn> turns, JsonArray? tools, DataPlace place) =>
        new(turns, tools, null, place);

    public static TrainingConversation Of(string prompt, string completion, DataPlace place) =>
        new([], null, new ContinuedText(prompt, completion), place);

    /// <summary>The same with further turns, of which alone the model learns.</summary>
    public TrainingConversation Answered(IReadOnlyList<TrainingTurn> answer) =>
        this with { Turns = [.. Turns.Select(turn => turn with { Learned = false }), .. answer] };
}

/// <summary>A text, and the part that follows it and is learned.</summary>
public sealed record ContinuedText(string Prompt, string Completion);
