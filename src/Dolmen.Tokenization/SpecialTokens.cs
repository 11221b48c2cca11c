namespace Dolmen.Tokenization;

/// <summary>Ids of the control tokens every Dolmen vocabulary holds. <see cref="Bos"/> and <see cref="Eos"/> bound a document; the chat
/// format is <c>&lt;|bos|&gt;&lt;|user|&gt;…&lt;|end|&gt;&lt;|assistant|&gt;…&lt;|end|&gt;</c>.</summary>
public sealed record SpecialTokens(int Bos, int Eos, int Pad, int System, int User, int Assistant, int End)
{
    /// <summary>In the order of the record's parameters.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["<|bos|>", "<|eos|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"];
}
