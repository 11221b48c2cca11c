namespace Dolmen.Checkpoints;

/// <summary>
/// What followed when the text last read as it does now. The longest earlier occurrence of the last tokens is looked up in the text itself,
/// the latest of equally long ones; the embeddings of the tokens behind it, times gains learned for each distance and length, are added to
/// the stream. So a small model copies without having to learn how to find what it copies, and sees where that leads (Akyürek et al. 2024,
/// "In-Context Language Learning", n-gram heads).
/// </summary>
/// <param name="Gains">(Ahead · MaxMatch, Size): row k · MaxMatch + n - 1 for the token k + 1 places behind a match of n tokens.</param>
/// <param name="MaxMatch">Longer matches have the gains of this length.</param>
/// <param name="Ahead">Tokens behind the match that are looked up.</param>
/// <param name="Size">The model's width.</param>
public sealed record ContinuationSpec(string Gains, int MaxMatch, int Ahead, int Size)
{
    /// <summary>Matches that are longer are equally long: no search goes on for ever in a text that repeats itself.</summary>
    private const int MostCompared = 64;

    public TensorShape Tensor => new(Gains, [Ahead * MaxMatch, Size]);

    public int GainRow(int ahead, int length) => ahead * MaxMatch + Math.Min(length, MaxMatch) - 1;

    /// <summary>Where the match ends and how many tokens it has: 0 where the last token is new to the text.</summary>
    /// <param name="text">All tokens of the text so far.</param>
    public static (int End, int Length) Find(ReadOnlySpan<int> text)
    {
        if (text.Length < 2) return (0, 0);
        var earlier = text[..^1];
        var (longest, end) = (0, 0);
        for (var at = earlier.LastIndexOf(text[^1]); at >= 0 && longest < MostCompared; at = earlier[..at].LastIndexOf(text[^1]))
        {
            var length = 1;
            while (length < MostCompared && length <= at && text[at - length] == text[^(length + 1)]) length++;
            if (length > longest) (longest, end) = (length, at);
        }
        return (end, longest);
    }

    /// <summary>The tokens behind a match, as many as the text has: at least one.</summary>
    public ReadOnlySpan<int> Followed(ReadOnlySpan<int> text, int end) => text.Slice(end + 1, Math.Min(Ahead, text.Length - end - 1));
}
