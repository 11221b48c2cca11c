using Dolmen.Checkpoints;

namespace Dolmen.Pipeline.Recipes;

// How each architecture is built from the keys it has, and what those left out default to.
public sealed partial record ModelRecipe
{
    /// <summary>Of each n-gram table where the recipe names no other number (docs/SPEEDRUN.md).</summary>
    private const int UsualNgramRows = 32768;

    private const int UsualMatchTokens = 16, UsualMatchAhead = 4, UsualMatchWindow = 32;

    private int Width => DModel ?? 0;

    // SwiGLU's usual 8/3 of the width, rounded up to whole vectors.
    private int FeedForward => DFeedForward ?? ((Width * 8 / 3) + 31) / 32 * 32;

    private int Inner => (Expand ?? 2) * Width;

    private int Rank => DtRank ?? (Width + 15) / 16;

    private static ModelConfig BuildTransformer(ModelRecipe m, int vocabSize, int contextLength)
    {
        var heads = m.Heads ?? 1;
        var sizes = m.Depth is { } depth
            ? TransformerConfig.FromDepth(depth, vocabSize, contextLength)
            : new TransformerConfig(
                vocabSize,
                m.Width,
                m.Layers ?? 0,
                heads,
                m.KvHeads ?? heads,
                m.HeadDim ?? m.Width / heads,
                m.FeedForward,
                contextLength
            );
        return sizes with
        {
            RopeTheta = m.RopeTheta,
            NormEps = m.NormEps,
            TieEmbeddings = m.TieEmbeddings,
            Window = m.Window,
            QkNorm = m.QkNorm,
            Experts = m.Experts,
            Positions = m.Positions ?? PositionKind.Rotary,
        };
    }

    private static DolmenConfig BuildDolmen(ModelRecipe m, int vocabSize, int contextLength)
    {
        var c = (TransformerConfig)BuildTransformer(m, vocabSize, contextLength);
        return new DolmenConfig(
            c.VocabSize,
            c.DModel,
            c.Layers,
            c.Heads,
            c.KvHeads,
            c.HeadDim,
            c.DFeedForward,
            c.ContextLength,
            c.RopeTheta,
            c.NormEps,
            c.TieEmbeddings,
            c.QkNorm,
            m.BigramRows ?? UsualNgramRows,
            m.TrigramRows ?? UsualNgramRows,
            m.MatchTokens ?? UsualMatchTokens,
            m.MatchAhead ?? UsualMatchAhead,
            m.MatchWindow ?? UsualMatchWindow
        );
    }

    private static Gpt2Config BuildGpt2(ModelRecipe m, int vocabSize, int contextLength)
    {
        if (m.Depth is { } depth)
        {
            var sizes = TransformerConfig.FromDepth(depth, vocabSize, contextLength);
            return new Gpt2Config(vocabSize, sizes.DModel, depth, sizes.Heads, 4 * sizes.DModel, contextLength, m.NormEps, m.TieEmbeddings);
        }
        return new Gpt2Config(
            vocabSize,
            m.Width,
            m.Layers ?? 0,
            m.Heads ?? 1,
            m.DFeedForward ?? 4 * m.Width,
            contextLength,
            m.NormEps,
            m.TieEmbeddings
        );
    }

    // Two Mamba layers have about the parameters of attention and feed-forward together: a depth is as large as the Transformer's.
    private (int Width, int Layers) MambaSize(int vocabSize, int contextLength) =>
        Depth is { } depth
            ? (TransformerConfig.FromDepth(depth, vocabSize, contextLength).DModel, 2 * depth)
            : (Width, Layers ?? 0);

    private static MambaConfig BuildMamba(ModelRecipe m, int vocabSize, int contextLength)
    {
        var (width, layers) = m.MambaSize(vocabSize, contextLength);
        return new MambaConfig(
            vocabSize,
            width,
            layers,
            contextLength,
            (m.Expand ?? 2) * width,
            m.DtRank ?? (width + 15) / 16,
            m.DState ?? 16,
            m.DConv ?? 4,
            m.NormEps,
            m.TieEmbeddings
        );
    }

    private static Mamba2Config BuildMamba2(ModelRecipe m, int vocabSize, int contextLength)
    {
        var (width, layers) = m.MambaSize(vocabSize, contextLength);
        var headDim = m.StateHeadDim ?? Math.Min(64, width);
        return new Mamba2Config(
            vocabSize,
            width,
            layers,
            contextLength,
            (m.Expand ?? 2) * width / Math.Max(1, headDim),
            headDim,
            m.DState ?? 64,
            1,
            m.DConv ?? 4,
            m.NormEps,
            m.TieEmbeddings
        );
    }

    private static JambaConfig BuildJamba(ModelRecipe m, int vocabSize, int contextLength) =>
        new(
            vocabSize,
            m.Width,
            m.Layers ?? 0,
            m.Heads ?? 1,
            m.KvHeads ?? m.Heads ?? 1,
            m.FeedForward,
            contextLength,
            m.Inner,
            m.Rank,
            m.Experts ?? new MixtureConfig(16, AuxLossCoefficient: 0.001),
            m.AttentionPeriod ?? 8,
            m.AttentionOffset ?? 4,
            DState: m.DState ?? 16,
            DConv: m.DConv ?? 4,
            NormEps: m.NormEps,
            TieEmbeddings: m.TieEmbeddings
        );

    private static HybridConfig BuildHybrid(ModelRecipe m, int vocabSize, int contextLength)
    {
        var heads = m.Heads ?? 1;
        return new HybridConfig(
            vocabSize,
            m.Width,
            m.Pattern ?? "",
            contextLength,
            heads,
            m.KvHeads ?? heads,
            m.HeadDim ?? m.Width / heads,
            m.FeedForward,
            m.Inner,
            m.Rank,
            m.DState ?? 16,
            m.DConv ?? 4,
            m.StateHeadDim ?? Math.Min(64, m.Width),
            m.Positions ?? PositionKind.None,
            m.RopeTheta,
            m.Window,
            m.Experts,
            m.NormEps,
            m.TieEmbeddings,
            m.LongState ?? 64,
            m.H3HeadDim ?? 1
        );
    }

    private static S4Config BuildS4(ModelRecipe m, int vocabSize, int contextLength) => new(
        vocabSize, m.Width, m.Layers ?? 0, contextLength, m.FeedForward, m.LongState ?? 64, m.Start ?? StateSpaceStart.LegS,
        m.Discretization ?? Checkpoints.Discretization.Bilinear, m.NormEps, m.TieEmbeddings);

    private static H3Config BuildH3(ModelRecipe m, int vocabSize, int contextLength) => new(
        vocabSize, m.Width, m.Layers ?? 0, contextLength, m.FeedForward, m.LongState ?? 64, m.H3HeadDim ?? 1, m.ShiftState ?? 64, m.NormEps,
        m.TieEmbeddings);
}
