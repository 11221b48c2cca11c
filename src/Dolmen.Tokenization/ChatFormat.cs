using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary><paramref name="LossMask"/>[i] is true where token i was written by the assistant (its end token included), that is, where a
/// model is to be taught.</summary>
public sealed record TokenizedConversation(int[] Tokens, bool[] LossMask);

/// <summary>Conversations to tokens: by the chat template of the tokenizer's folder, or in Dolmen's own format, which is that of
/// <see cref="JinjaTemplate"/>. Calls of tools and their results are text within the turns of the assistant and the user, in the form that
/// Hermes and Qwen write them.</summary>
public static class ChatFormat
{
    /// <summary>What stands in the turn of <c>message</c>.</summary>
    private const string TurnText =
        "{% if message['role'] == 'tool' %}{{ '<tool_response>\\n' + message['content'] + '\\n</tool_response>' }}" +
        "{% else %}{% if message['content'] %}{{ message['content'] }}{% endif %}" +
        "{% if message['role'] == 'assistant' and message['tool_calls'] %}{% for call in message['tool_calls'] %}" +
        "{% if message['content'] or not loop.first %}{{ '\\n' }}{% endif %}" +
        "{% set function = call['function'] if call['function'] else call %}" +
        "{{ '<tool_call>\\n{\"name\": ' + (function['name'] | tojson) + ', \"arguments\": ' }}" +
        "{% if function['arguments'] is string %}{{ function['arguments'] }}" +
        "{% elif function['arguments'] %}{{ function['arguments'] | tojson }}{% else %}{{ '{}' }}{% endif %}" +
        "{{ '}\\n</tool_call>' }}{% endfor %}{% endif %}{% endif %}";

    /// <summary>What the system's turn says of <c>tools</c>, behind the system's own words.</summary>
    private const string ToolsText =
        "{% if messages and messages[0]['role'] == 'system' and messages[0]['content'] %}{{ messages[0]['content'] + '\\n\\n' }}{% endif %}"
        + "{{ 'Tools that can be called:\\n<tools>\\n' }}{% for tool in tools %}{{ (tool | tojson) + '\\n' }}{% endfor %}"
        + "{{ '</tools>\\nA call is written like this:\\n<tool_call>\\n{\"name\": \"tool\", \"arguments\": {}}\\n</tool_call>' }}";

    /// <summary>Content is never parsed for special tokens: a user cannot forge a turn, here or in another template
    /// (<see cref="ChatTokens"/>).</summary>
    public const string JinjaTemplate =
        "{{ bos_token }}{% if tools %}{{ '<|system|>' }}" + ToolsText + "{{ '<|end|>' }}{% endif %}" +
        "{% for message in messages %}{% if not (tools and loop.first and message['role'] == 'system') %}" +
        "{{ '<|' + ('user' if message['role'] == 'tool' else message['role']) + '|>' }}" + TurnText + "{{ '<|end|>' }}" +
        "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

    /// <summary>What was written before the format had tools. Models that have it are in the same format.</summary>
    private const string TemplateWithoutTools =
        "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}" +
        "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

    // The template's own parts write these turns, so that both renderers agree.
    private static readonly ChatTemplate Turn = ChatTemplate.Parse(TurnText, name: "The chat format");
    private static readonly ChatTemplate ToolsTurn = ChatTemplate.Parse(ToolsText, name: "The chat format");

    /// <summary>Messages in OpenAI's terms as turns of Dolmen's own format: a tool's result is a turn of the user, calls are part of the
    /// assistant's text, and tools are described in the system's turn.</summary>
    /// <param name="messages">Objects with <c>role</c> (system, user, assistant or tool), <c>content</c> and <c>tool_calls</c>.</param>
    /// <param name="place">The name of a message in complaints.</param>
    /// <param name="tools">Schemas of tools; null for none.</param>
    /// <exception cref="UserErrorException">A call names no tool.</exception>
    public static IReadOnlyList<ChatMessage> OwnTurns(IReadOnlyList<JsonObject> messages, Func<int, string> place, JsonArray? tools = null)
    {
        var turns = new List<ChatMessage>(messages.Count + 1);
        if (tools is { Count: > 0 })
        {
            var input = new ChatInput(Element(new JsonArray([.. messages.Take(1).Select(one => one.DeepClone())])), Element(tools));
            turns.Add(new ChatMessage("system", ToolsTurn.Render(input).Text));
        }
        for (var i = 0; i < messages.Count; i++)
        {
            var role = (string?)messages[i]["role"] ?? "";
            if (i == 0 && turns.Count > 0 && role == "system") continue; // stands before the tools
            if (role == "assistant") ToolCalls.Check(messages[i], place(i));
            var text = Turn.Render(new ChatInput([]).With("message", Element(messages[i]))).Text;
            turns.Add(new ChatMessage(role == "tool" ? "user" : role, text));
        }
        return turns;
    }

    private static JsonElement Element(JsonNode node)
    {
        using var document = JsonDocument.Parse(node.ToJsonString(), new JsonDocumentOptions { MaxDepth = 256 });
        return document.RootElement.Clone();
    }

    public static TokenizedConversation Tokenize(Tokenizer tokenizer, IReadOnlyList<ChatMessage> messages)
    {
        if (TemplateOf(tokenizer) is { } template) return template.Tokenize(tokenizer, new ChatInput(messages));
        List<int> tokens = [tokenizer.Special.Bos];
        List<bool> mask = [false];
        foreach (var message in messages)
        {
            tokens.Add(RoleToken(tokenizer.Special, message.Role));
            mask.Add(false);
            tokenizer.Encode(message.Content, tokens);
            tokens.Add(tokenizer.Special.End);
            while (mask.Count < tokens.Count) mask.Add(message.Role == "assistant");
        }
        return new TokenizedConversation([.. tokens], [.. mask]);
    }

    /// <summary>The conversation so far and the opening of the assistant's turn.</summary>
    public static int[] TokenizePrompt(Tokenizer tokenizer, IReadOnlyList<ChatMessage> messages) => TemplateOf(tokenizer) is { } template
        ? template.TokenizePrompt(tokenizer, new ChatInput(messages) { AddGenerationPrompt = true })
        : [.. Tokenize(tokenizer, messages).Tokens, tokenizer.Special.Assistant];

    /// <summary>The folder's template where it is not this format's.</summary>
    /// <exception cref="UserErrorException">The model has neither a template nor this format's tokens.</exception>
    public static ChatTemplate? TemplateOf(Tokenizer tokenizer)
    {
        if (tokenizer.ChatTemplate is { } template && template.Source is not (JinjaTemplate or TemplateWithoutTools)) return template;
        return tokenizer.Special.User >= 0 ? null : throw new UserErrorException(
            "This model has no chat template and its vocabulary no tokens for the turns of a conversation: it can only continue text. " +
            "Use 'dolmen generate', a model that was taught to chat, or put its chat_template.jinja into its folder.");
    }

    /// <summary>The template that goes along with a model: the folder's, or this format's where the vocabulary has its tokens. Null where
    /// there is neither.</summary>
    public static string? SourceOf(Tokenizer tokenizer) => tokenizer.ChatTemplate?.Source is { } source and not TemplateWithoutTools
        ? source : tokenizer.Special.User >= 0 ? JinjaTemplate : null;

    private static int RoleToken(SpecialTokens special, string role) => role switch
    {
        "system" => special.System,
        "user" => special.User,
        "assistant" => special.Assistant,
        _ => throw new ArgumentException($"Role '{role}' is not one of system, user, assistant.", nameof(role)),
    };
}
