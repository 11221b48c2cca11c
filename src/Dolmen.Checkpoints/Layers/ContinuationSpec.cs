namespace Dolmen.Checkpoints;

/// <summary>
/// What followed when the text read before as it reads now. The embeddings of the tokens behind an earlier occurrence, times gains learned
/// for each distance and length of the match, are added to the stream, and a row for the length itself. So a small model copies without
/// having to learn how to find what it copies, and sees where that leads (Akyürek et al. 2024, "In-Context Language Learning", n-gram
/// heads).
/// </summary>
/// <param name="Weight">((Ahead + 1) · MaxMatch, Size): row k · MaxMatch + n - 1 holds the gains of the token k + 1 places behind a match
/// of n tokens; the last MaxMatch rows are added as they are.</param>
/// <param name="Window">The match may end at any of so many last tokens and must lie within them: what a question has in common with the
/// text before it is still seen where its answer begins. 0: it ends at the last token and may be of any length.</param>
/// <param name="MaxMatch">Longer matches have the rows of this length.</param>
/// <param name="Ahead">Tokens behind the match that are looked up.</param>
/// <param name="Size">The model's width.</param>
public sealed record ContinuationSpec(string Weight, int Window, int MaxMatch, int Ahead, int Size)
{
    public int Rows => (Ahead + 1) * MaxMatch;

    public TensorShape Tensor => new(Weight, [Rows, Size]);

    /// <param name="matches">Of each token of the text so far.</param>
    public TokenMatch Match(ReadOnlySpan<TokenMatch> matches) => Window == 0 ? matches[^1] : TokenMatch.Longest(matches, Window);

    /// <summary>The tokens behind a match, as many as the text has: at least one.</summary>
    public ReadOnlySpan<int> Followed(ReadOnlySpan<int> text, TokenMatch match) =>
        text.Slice(match.End + 1, Math.Min(Ahead, text.Length - match.End - 1));

    /// <summary>Of the gains of the token <paramref name="ahead"/> + 1 places behind the match.</summary>
    public int GainRow(int ahead, TokenMatch match) => ahead * MaxMatch + Math.Min(match.Length, MaxMatch) - 1;

    /// <summary>Of what is added for the match itself.</summary>
    public int LengthRow(TokenMatch match) => GainRow(Ahead, match);
}
