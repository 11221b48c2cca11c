using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary><paramref name="LossMask"/>[i] is true where token i was written by the assistant (its end token included), that is, where a
/// model is to be taught.</summary>
public sealed record TokenizedConversation(int[] Tokens, bool[] LossMask);

/// <summary>Conversations to tokens: by the chat template of the tokenizer's folder, or in Dolmen's own format, which is that of
/// <see cref="JinjaTemplate"/>.</summary>
public static class ChatFormat
{
    /// <summary>Content is never parsed for special tokens: a user cannot forge a turn, here or in another template
    /// (<see cref="ChatTokens"/>).</summary>
    public const string JinjaTemplate =
        "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}" +
        "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

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

    /// <summary>The folder's template where it is not this format's; null where the vocabulary has this format's tokens.</summary>
    internal static ChatTemplate? TemplateOf(Tokenizer tokenizer)
    {
        if (tokenizer.ChatTemplate is { } template && template.Source != JinjaTemplate) return template;
        return tokenizer.Special.User >= 0 ? null : throw new UserErrorException(
            "This model has no chat template and its vocabulary no tokens for the turns of a conversation: it can only continue text. " +
            "Use 'dolmen generate', a model that was taught to chat, or put its chat_template.jinja into its folder.");
    }

    private static int RoleToken(SpecialTokens special, string role) => role switch
    {
        "system" => special.System,
        "user" => special.User,
        "assistant" => special.Assistant,
        _ => throw new ArgumentException($"Role '{role}' is not one of system, user, assistant.", nameof(role)),
    };
}
