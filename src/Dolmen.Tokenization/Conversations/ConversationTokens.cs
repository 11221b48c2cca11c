using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>Training examples to tokens: conversations by the model's chat format, texts as they are. Of the assistant's turns only those
/// that are to be learned are marked.</summary>
/// <param name="learnPrompts">Marks what others say too, and still no turn of the assistant that is not to be learned.</param>
public sealed class ConversationTokens(Tokenizer tokenizer, DataTally tally, bool learnPrompts = false)
{
    /// <summary>Keys of turns that a template of transformers sees, and Dolmen's own chat format has no place for.</summary>
    private const string KeyNotWritten = "key-not-in-chat-format:";

    private readonly ChatTemplate? _template = ChatFormat.TemplateOf(tokenizer);

    /// <exception cref="UserErrorException">The model's chat format cannot say the conversation; file and line are named.</exception>
    public TokenizedConversation Of(TrainingConversation example)
    {
        if (example.Text is { } text) return Continued(text);
        if (example.Turns.Count == 0) return new TokenizedConversation([], []);
        try
        {
            return _template is null ? Own(example) : Templated(example, _template);
        }
        catch (UserErrorException error)
        {
            throw new UserErrorException($"{example.Place.File}, line {example.Place.Line}: {error.Message}", error);
        }
    }

    /// <summary>A begin token where the vocabulary has one, the text, and an end token that is learned with the part that follows the
    /// prompt.</summary>
    private TokenizedConversation Continued(ContinuedText text)
    {
        int[] prompt = tokenizer.EncodePrompt(text.Prompt), whole = tokenizer.EncodePrompt(text.Prompt + text.Completion);
        var from = whole.AsSpan().CommonPrefixLength(prompt);
        var mask = new bool[whole.Length + 1];
        mask.AsSpan(learnPrompts ? 0 : from).Fill(!string.IsNullOrEmpty(text.Completion));
        return tokenizer.Special.Eos >= 0
            ? new TokenizedConversation([.. whole, tokenizer.Special.Eos], mask)
            : new TokenizedConversation(whole, mask[..^1]);
    }

    private TokenizedConversation Own(TrainingConversation example)
    {
        foreach (var turn in example.Turns)
        foreach (var (name, _) in turn.More ?? [])
            if (name != ToolCalls.Member || turn.Role != "assistant") tally.Note($"{KeyNotWritten} {name}", example.Place);
        return OnlyLearned(example, ChatFormat.Tokenize(tokenizer, First(example.Turns.Count)),
            count => ChatFormat.Tokenize(tokenizer, First(count)).Tokens);

        IReadOnlyList<ChatMessage> First(int count) =>
            ChatFormat.OwnTurns([.. example.Turns.Take(count).Select(Message)], i => example.Turns[i].Place, example.Tools);
    }

    private TokenizedConversation Templated(TrainingConversation example, ChatTemplate template)
    {
        using var messages = JsonDocument.Parse(new JsonArray([.. example.Turns.Select(Message)]).ToJsonString());
        using var tools = example.Tools is null ? null : JsonDocument.Parse(example.Tools.ToJsonString());
        var input = new ChatInput(messages.RootElement, tools?.RootElement);
        return OnlyLearned(example, template.Tokenize(tokenizer, input),
            count => template.TokenizePrompt(tokenizer, input.First(count, addGenerationPrompt: false)));
    }

    private static JsonObject Message(TrainingTurn turn)
    {
        var message = new JsonObject { ["role"] = turn.Role, ["content"] = turn.Content };
        foreach (var (name, value) in turn.More ?? []) message[name] = value?.DeepClone();
        ToolCalls.ReadArguments(message);
        return message;
    }

    /// <summary>Takes the mark from the turns of the assistant that are not to be learned.</summary>
    /// <param name="tokensOf">The conversation's first turns as tokens.</param>
    private TokenizedConversation OnlyLearned(TrainingConversation example, TokenizedConversation whole, Func<int, int[]> tokensOf)
    {
        if (learnPrompts) Array.Fill(whole.LossMask, true);
        for (var i = 0; i < example.Turns.Count; i++)
        {
            if (!IsLeftOut(example.Turns[i])) continue;
            var last = i;
            // Where prompts are not marked either, the parts before and behind a longer stretch are compared: fewer templates are refused.
            while (last + 1 < example.Turns.Count && (learnPrompts ? IsLeftOut(example.Turns[last + 1]) : !example.Turns[last + 1].Learned))
                last++;
            var (before, behind) = (i == 0 ? [] : tokensOf(i), tokensOf(last + 1));
            if (!whole.Tokens.AsSpan().StartsWith(before) || !whole.Tokens.AsSpan().StartsWith(behind))
                throw new UserErrorException(
                    $"{example.Turns[i].Place} is not to be learned, and the chat template does not tell which tokens are its own: "
                        + "it writes earlier turns otherwise once others follow."
                );
            whole.LossMask.AsSpan(before.Length, behind.Length - before.Length).Clear();
            i = last;
        }
        return whole;

        static bool IsLeftOut(TrainingTurn turn) => turn is { Role: "assistant", Learned: false };
    }
}
