namespace Dolmen.Checkpoints;

/// <summary>
/// What followed when the text last read as it does now. The longest earlier occurrence of the last tokens is looked up in the text itself,
/// the latest of equally long ones; the embedding of the token behind it, times gains learned for each length, is added to the stream. So a
/// small model copies without having to learn how to find what it copies (Akyürek et al. 2024, "In-Context Language Learning", n-gram
/// heads).
/// </summary>
/// <param name="Gains">(MaxMatch, Size): row n - 1 for a match of n tokens.</param>
/// <param name="MaxMatch">Longer matches count as this long.</param>
/// <param name="Size">The model's width.</param>
public sealed record ContinuationSpec(string Gains, int MaxMatch, int Size)
{
    public TensorShape Tensor => new(Gains, [MaxMatch, Size]);

    /// <summary>The token that followed, and how many tokens matched: 0 where the last token is new to the text.</summary>
    /// <param name="text">All tokens of the text so far.</param>
    public (int Token, int Length) Find(ReadOnlySpan<int> text)
    {
        if (text.Length < 2) return (0, 0);
        var earlier = text[..^1];
        var (longest, end) = (0, 0);
        for (var at = earlier.LastIndexOf(text[^1]); at >= 0 && longest < MaxMatch; at = earlier[..at].LastIndexOf(text[^1]))
        {
            var length = 1;
            while (length < MaxMatch && length <= at && text[at - length] == text[^(length + 1)]) length++;
            if (length > longest) (longest, end) = (length, at);
        }
        return longest == 0 ? (0, 0) : (text[end + 1], longest);
    }
}
