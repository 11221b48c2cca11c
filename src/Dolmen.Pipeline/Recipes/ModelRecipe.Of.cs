using Dolmen.Checkpoints;

namespace Dolmen.Pipeline.Recipes;

public sealed partial record ModelRecipe
{
    /// <summary>Every size spelled out, so that a later change of what a depth or a default means does not change a recorded run.</summary>
    public static ModelRecipe Of(ModelConfig config) =>
        config switch
        {
            TransformerConfig c => new(
                Transformer,
                null,
                c.DModel,
                c.Layers,
                c.Heads,
                c.KvHeads,
                c.HeadDim,
                c.DFeedForward,
                c.RopeTheta,
                c.NormEps,
                c.TieEmbeddings,
                c.Window,
                c.Positions == PositionKind.Rotary ? null : c.Positions,
                c.QkNorm,
                c.Experts
            ),
            DolmenConfig c => Of(c.Portable()) with
            {
                Architecture = Own, BigramRows = c.BigramRows, TrigramRows = c.TrigramRows,
                MatchTokens = c.MatchTokens, MatchAhead = c.MatchAhead, MatchWindow = c.MatchWindow,
            },
            Gpt2Config c => new(
                "gpt2",
                null,
                c.DModel,
                c.Layers,
                c.Heads,
                DFeedForward: c.DFeedForward,
                NormEps: c.NormEps,
                TieEmbeddings: c.TieEmbeddings
            ),
            MambaConfig c => new(
                "mamba",
                null,
                c.DModel,
                c.Layers,
                NormEps: c.NormEps,
                TieEmbeddings: c.TieEmbeddings,
                DState: c.DState,
                DConv: c.DConv,
                Expand: c.DInner / c.DModel,
                DtRank: c.DtRank
            ),
            Mamba2Config c => new(
                "mamba2",
                null,
                c.DModel,
                c.Layers,
                NormEps: c.NormEps,
                TieEmbeddings: c.TieEmbeddings,
                DState: c.DState,
                DConv: c.DConv,
                Expand: c.Heads * c.HeadDim / c.DModel,
                StateHeadDim: c.HeadDim
            ),
            JambaConfig c => new(
                "jamba",
                null,
                c.DModel,
                c.Layers,
                c.Heads,
                c.KvHeads,
                DFeedForward: c.DFeedForward,
                NormEps: c.NormEps,
                TieEmbeddings: c.TieEmbeddings,
                Experts: c.Experts,
                DState: c.DState,
                DConv: c.DConv,
                Expand: c.DInner / c.DModel,
                DtRank: c.DtRank,
                AttentionPeriod: c.AttentionPeriod,
                AttentionOffset: c.AttentionOffset
            ),
            HybridConfig c => new(
                "hybrid",
                null,
                c.DModel,
                null,
                c.Heads,
                c.KvHeads,
                c.HeadDim,
                c.DFeedForward,
                c.RopeTheta,
                c.NormEps,
                c.TieEmbeddings,
                c.Window,
                c.Positions,
                false,
                c.Experts,
                c.Pattern,
                c.DState,
                c.DConv,
                c.DInner / c.DModel,
                c.DtRank,
                c.StateHeadDim,
                LongState: c.LongState,
                H3HeadDim: c.H3HeadDim
            ),
            S4Config c => new(
                "s4",
                null,
                c.DModel,
                c.Layers,
                DFeedForward: c.DFeedForward,
                NormEps: c.NormEps,
                TieEmbeddings: c.TieEmbeddings,
                LongState: c.DState,
                Start: c.Start,
                Discretization: c.Discretization
            ),
            H3Config c => new(
                "h3",
                null,
                c.DModel,
                c.Layers,
                DFeedForward: c.DFeedForward,
                NormEps: c.NormEps,
                TieEmbeddings: c.TieEmbeddings,
                LongState: c.DState,
                ShiftState: c.ShiftState,
                H3HeadDim: c.HeadDim
            ),
            Seq2SeqConfig c => new("seq2seq", null, c.DModel, c.Layers, TieEmbeddings: c.TieEmbeddings, Pair: PairRecipe.Of(c)),
            EncoderDecoderConfig c => new(
                "encoder-decoder",
                null,
                c.DModel,
                c.DecoderLayers,
                c.Heads,
                DFeedForward: c.DFeedForward,
                RopeTheta: c.RopeTheta,
                NormEps: c.NormEps,
                Pair: PairRecipe.Of(c)
            ),
            _ => throw new NotSupportedException($"{config.GetType().Name} has no recipe."),
        };
}
