namespace Dolmen.Tokenization;

/// <summary><paramref name="Role"/> is <c>system</c>, <c>user</c> or <c>assistant</c>.</summary>
public sealed record ChatMessage(string Role, string Content);

/// <summary>One line of the chat file that a corpus build writes: <c>{"messages":[{"role":…,"content":…}]}</c>.</summary>
public sealed record Conversation(IReadOnlyList<ChatMessage> Messages);

/// <summary>One line of the preference file that a corpus build writes: a user's prompt, the answer to prefer and the answer to
/// avoid.</summary>
public sealed record PreferencePair(string Prompt, string Chosen, string Rejected);
