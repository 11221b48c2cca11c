using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary><paramref name="LossMask"/>[i] is true where token i was written by the assistant (its end token included), that is, where a
/// model is to be taught.</summary>
public sealed record TokenizedConversation(int[] Tokens, bool[] LossMask);

/// <summary>Conversations to tokens. The same format as <see cref="JinjaTemplate"/>, which other software reads.</summary>
public static class ChatFormat
{
    /// <summary>Content is never parsed for special tokens: a user cannot forge a turn. Other software's templates cannot promise that.</summary>
    public const string JinjaTemplate =
        "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}" +
        "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

    public static TokenizedConversation Tokenize(Tokenizer tokenizer, IReadOnlyList<ChatMessage> messages)
    {
        if (tokenizer.Special.User < 0)
        {
            throw new UserErrorException("This model's vocabulary has no tokens for the turns of a conversation: it can only continue " +
                "text. Use 'dolmen generate', or a model that was taught to chat.");
        }
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
    public static int[] TokenizePrompt(Tokenizer tokenizer, IReadOnlyList<ChatMessage> messages) =>
        [.. Tokenize(tokenizer, messages).Tokens, tokenizer.Special.Assistant];

    private static int RoleToken(SpecialTokens special, string role) => role switch
    {
        "system" => special.System,
        "user" => special.User,
        "assistant" => special.Assistant,
        _ => throw new ArgumentException($"Role '{role}' is not one of system, user, assistant.", nameof(role)),
    };
}
