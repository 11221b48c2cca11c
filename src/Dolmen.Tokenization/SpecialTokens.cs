namespace Dolmen.Tokenization;

/// <summary>Ids of the control tokens every Dolmen vocabulary holds. <see cref="Bos"/> and <see cref="Eos"/> bound a document; the chat
/// format is <c>&lt;|bos|&gt;&lt;|user|&gt;…&lt;|end|&gt;&lt;|assistant|&gt;…&lt;|end|&gt;</c>.</summary>
public sealed record SpecialTokens(int Bos, int Eos, int Pad, int System, int User, int Assistant, int End)
{
    /// <summary>The end token of new vocabularies: llama.cpp takes a token of this name for an end whatever else a file says.</summary>
    public const string EndOfText = "<|endoftext|>";

    /// <summary>The end token of vocabularies that Dolmen 0.1 made.</summary>
    public const string OlderEnd = "<|eos|>";

    /// <summary>The tokens' names, in the order of the record's parameters.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["<|bos|>", EndOfText, "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"];

    /// <summary>The ids of a vocabulary of Dolmen's, of any version; null where one of the names is not there.</summary>
    /// <param name="find">The id of a name, −1 where there is none.</param>
    internal static SpecialTokens? Find(Func<string, int> find)
    {
        int[] ids = [.. Names.Select(find)];
        // A vocabulary of 0.1 may have had the newer name as one of the user's own.
        if (find(OlderEnd) is var older and >= 0) ids[1] = older;
        return ids.Contains(-1) ? null : new SpecialTokens(ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], ids[6]);
    }
}
