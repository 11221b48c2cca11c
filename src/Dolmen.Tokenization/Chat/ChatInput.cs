using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Templates;

namespace Dolmen.Tokenization;

/// <summary>What a chat template is rendered with.</summary>
public sealed class ChatInput
{
    /// <summary>Roles in use. One of these may be part of a control token ("&lt;|user|&gt;"); any other is data like the content.</summary>
    private static readonly HashSet<string> Roles = new(StringComparer.Ordinal)
    {
        "system", "developer", "user", "human", "assistant", "model", "gpt", "tool", "tools", "tool_response", "function", "ipython",
        "observation", "context", "documents", "environment",
    };

    private readonly IReadOnlyList<object> _messages;
    private readonly IReadOnlyList<object>? _tools;
    private readonly Dictionary<string, object> _variables = new(StringComparer.Ordinal);

    public ChatInput(IReadOnlyList<ChatMessage> messages) : this([.. messages.Select(Message)], null) { }

    /// <param name="messages">An array of objects, as OpenAI's interface has them: role, content, tool_calls …</param>
    /// <param name="tools">An array of tool schemas; null or empty for none.</param>
    /// <exception cref="UserErrorException">They are not.</exception>
    public ChatInput(JsonElement messages, JsonElement? tools = null)
        : this(
            Array(messages, "messages", Message),
            tools is { ValueKind: not JsonValueKind.Null } given
            && Array(given, "tools", (tool, _) => JsonValues.Of(tool)) is { Count: > 0 } some
                ? some
                : null
        ) { }

    private ChatInput(IReadOnlyList<object> messages, IReadOnlyList<object>? tools) => (_messages, _tools) = (messages, tools);

    /// <summary>Ends with the opening of the assistant's turn.</summary>
    public bool AddGenerationPrompt { get; init; }

    public bool HasTools => _tools is not null;

    internal int MessageCount => _messages.Count;

    /// <summary>More names for the template, such as <c>enable_thinking</c>; all their text is data.</summary>
    public ChatInput With(string name, JsonElement value)
    {
        try
        {
            _variables[name] = JsonValues.Of(value);
        }
        catch (TemplateException error)
        {
            throw new UserErrorException($"The variable '{name}' cannot be given to a chat template: {error.Message}.", error);
        }
        return this;
    }

    internal bool IsAssistant(int message) =>
        _messages[message] is Dict dict && dict.TryGet("role", out var role) && role is Text name && IsAssistant(name.Value);

    /// <summary>The conversation up to a message.</summary>
    internal ChatInput First(int messages, bool addGenerationPrompt)
    {
        var first = new ChatInput([.. _messages.Take(messages)], _tools) { AddGenerationPrompt = addGenerationPrompt };
        foreach (var (name, value) in _variables) first._variables[name] = value;
        return first;
    }

    internal Scope ToScope(IReadOnlyDictionary<string, string> controlTokens)
    {
        var scope = new Scope();
        foreach (var (name, value) in controlTokens) scope.Set(name, new Text(value));
        scope.Set("documents", None.Value);
        foreach (var (name, value) in _variables) scope.Set(name, value);
        scope.Set("messages", new Sequence(_messages));
        scope.Set("tools", _tools is null ? None.Value : new Sequence(_tools));
        scope.Set("add_generation_prompt", AddGenerationPrompt);
        return scope;
    }

    private static Dict Message(ChatMessage message)
    {
        var dict = new Dict();
        dict.Set(new Text("role"), Role(message.Role));
        dict.Set(new Text("content"), new Text(message.Content, OriginOf(message.Role)));
        return dict;
    }

    private static Dict Message(JsonElement message, int index)
    {
        if (
            message.ValueKind != JsonValueKind.Object
            || !message.TryGetProperty("role", out var role)
            || role.ValueKind != JsonValueKind.String
        )
            throw new UserErrorException($"messages[{index}] must be an object with a 'role'.");
        var name = role.GetString() ?? "";
        var dict = (Dict)JsonValues.Of(message, OriginOf(name));
        dict.Set(new Text("role"), Role(name));
        return dict;
    }

    private static bool IsAssistant(string role) => role is "assistant" or "model";

    private static Origin OriginOf(string role) => IsAssistant(role) ? Origin.Data : Origin.Data | Origin.Others;

    private static Text Role(string role) => new(role, Roles.Contains(role) ? Origin.Template : Origin.Data | Origin.Others);

    private static List<object> Array(JsonElement array, string name, Func<JsonElement, int, object> read)
    {
        if (array.ValueKind != JsonValueKind.Array) throw new UserErrorException($"'{name}' is {array.ValueKind}: it must be an array.");
        try
        {
            return [.. array.EnumerateArray().Select(read)];
        }
        catch (Exception error) when (error is TemplateException or InvalidOperationException)
        {
            // Invalid operation is what text with half a surrogate pair is to System.Text.Json.
            throw new UserErrorException($"'{name}' cannot be given to a chat template: {error.Message.TrimEnd('.')}.", error);
        }
    }
}
