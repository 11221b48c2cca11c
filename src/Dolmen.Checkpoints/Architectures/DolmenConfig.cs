// Llama's decoder (see TransformerConfig) with what was measured to make a small one learn more from the same tokens (docs/SPEEDRUN.md):
// hashed n-gram tables beside the embedding (Svenstrup et al. 2017, "Hash Embeddings"; modded-nanogpt's bigram table), and what followed
// an earlier occurrence of the last tokens (Akyürek et al. 2024).
// D model, V vocab
namespace Dolmen.Checkpoints;

/// <summary>No other software has these layers: a model of them runs in Dolmen, a <see cref="TransformerConfig"/> anywhere.</summary>
/// <param name="QkNorm">RMSNorm over each query and key head.</param>
/// <param name="BigramRows">Rows of the table of the last two tokens; 0 has none.</param>
/// <param name="TrigramRows">Rows of the table of the last three tokens; 0 has none.</param>
/// <param name="MatchTokens">Tokens of the longest match whose continuation is looked up in the text; 0 looks up none.</param>
/// <param name="MatchAhead">Tokens of the continuation that are looked up.</param>
/// <param name="MatchWindow">Last tokens of which the longest match is looked up too; 0 looks up only the match of the last token.</param>
public sealed record DolmenConfig(
    int VocabSize,
    int DModel,
    int Layers,
    int Heads,
    int KvHeads,
    int HeadDim,
    int DFeedForward,
    int ContextLength,
    double RopeTheta = 10000,
    double NormEps = 1e-5,
    bool TieEmbeddings = true,
    bool QkNorm = false,
    int BigramRows = 0,
    int TrigramRows = 0,
    int MatchTokens = 0,
    int MatchAhead = 4,
    int MatchWindow = 0
) : DecoderConfig
{
    private const int MostRows = 1 << 24;
    private const int MostMatchTokens = 64, MostMatchAhead = 16, MostMatchWindow = 256;

    /// <summary>The same without what Llama does not have.</summary>
    public TransformerConfig Portable() => new(
        VocabSize, DModel, Layers, Heads, KvHeads, HeadDim, DFeedForward, ContextLength, RopeTheta, NormEps, TieEmbeddings, QkNorm: QkNorm);

    protected override DecoderPlan LanguagePlan() => Portable().Plan() with
    {
        Ngrams = [.. Tables()],
        Continuations = [.. Matches()],
    };

    protected override IReadOnlyList<string> BodyProblems()
    {
        if (Portable().Problems() is { Count: > 0 } problems) return problems;
        return new ConfigRules()
            .Require(BigramRows is >= 0 and <= MostRows,
                $"model.bigramRows is {BigramRows}: it must lie between 0 (no table) and {MostRows}. 32768 suits a vocabulary of 4096.")
            .Require(TrigramRows is >= 0 and <= MostRows,
                $"model.trigramRows is {TrigramRows}: it must lie between 0 (no table) and {MostRows}. 32768 suits a vocabulary of 4096.")
            .Require(MatchTokens is >= 0 and <= MostMatchTokens,
                $"model.matchTokens is {MatchTokens}: it must lie between 0 (no continuations) and {MostMatchTokens}. 16 is usual.")
            .Require(MatchAhead is >= 1 and <= MostMatchAhead,
                $"model.matchAhead is {MatchAhead}: it must lie between 1 and {MostMatchAhead}. 4 is usual.")
            .Require(MatchWindow is >= 0 and <= MostMatchWindow,
                $"model.matchWindow is {MatchWindow}: it must lie between 0 (none) and {MostMatchWindow}. 32 is usual.")
            .Problems;
    }

    private IEnumerable<ContinuationSpec> Matches()
    {
        if (MatchTokens == 0) yield break;
        yield return new("model.continuation.weight", 0, MatchTokens, MatchAhead, DModel);
        if (MatchWindow > 0) yield return new("model.recent_continuation.weight", MatchWindow, MatchTokens, MatchAhead, DModel);
    }

    private IEnumerable<NgramTableSpec> Tables()
    {
        if (BigramRows > 0) yield return new("model.embed_bigrams.weight", 2, BigramRows, DModel);
        if (TrigramRows > 0) yield return new("model.embed_trigrams.weight", 3, TrigramRows, DModel);
    }
}
