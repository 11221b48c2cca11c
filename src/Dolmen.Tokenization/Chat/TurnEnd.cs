using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>The token with which a chat template ends what the assistant says, such as <c>&lt;|im_end|&gt;</c> or
/// <c>&lt;|eot_id|&gt;</c>. Models learned to end their turn with it, whether or not their configuration lists it.</summary>
public static class TurnEnd
{
    /// <summary>Stands for an answer; no template has it in its own text.</summary>
    private const string Words = "dolmen-7f3a91-words";

    /// <summary>Null where the folder has no template, a damaged one, one that refuses a plain conversation, or one that writes nothing of
    /// the vocabulary behind the answer.</summary>
    public static int? Of(Tokenizer tokenizer)
    {
        string text;
        try
        {
            if (tokenizer.ChatTemplate is not { } template) return null;
            text = template.Render(new ChatInput([new ChatMessage("user", "a"), new ChatMessage("assistant", Words)])).Text;
        }
        catch (UserErrorException)
        {
            return null;                                                 // a conversation says so when there is one
        }
        var at = text.LastIndexOf(Words, StringComparison.Ordinal);
        if (at < 0) return null;
        var rest = text.AsSpan(at + Words.Length).TrimStart();
        AddedToken? end = null;
        foreach (var token in tokenizer.Added)
        {
            if (token.Content.Length > (end?.Content.Length ?? 0) && rest.StartsWith(token.Content, StringComparison.Ordinal)) end = token;
        }
        return end?.Id;
    }
}
