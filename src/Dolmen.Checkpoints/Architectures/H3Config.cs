// A language model of H3 blocks (Fu et al. 2023, "Hungry Hungry Hippos: Towards Language Modeling with State Space Models"), each followed
// by a
// SwiGLU feed-forward. Its hybrid with a few attention layers is a HybridConfig such as "Hf Af 6*Hf Af 3*Hf".
// D model, H heads, N state, F feed-forward
namespace Dolmen.Checkpoints;

/// <param name="DFeedForward">0 for none.</param>
/// <param name="DState">Of every head's diagonal state space; even.</param>
/// <param name="HeadDim">A head remembers the HeadDim × HeadDim outer products of its keys and values; 1 in the paper's language
/// models.</param>
/// <param name="ShiftState">Taps of the shift state space.</param>
public sealed record H3Config(
    int VocabSize, int DModel, int Layers, int ContextLength, int DFeedForward, int DState = 64, int HeadDim = 1, int ShiftState = 64,
    double NormEps = 1e-5, bool TieEmbeddings = true) : DecoderConfig
{
    protected override DecoderPlan LanguagePlan() => new(
        VocabSize, DModel, "model.embed_tokens.weight",
        [
            .. Enumerable.Range(0, Layers).Select(i => LongConvolutionBlocks.Block(
                $"model.layers.{i}.", Mixer($"model.layers.{i}.h3.", DModel, DState, HeadDim, ShiftState), DModel, DFeedForward, NormEps)),
        ],
        new("model.norm.weight", DModel, NormEps), LanguageHead(DModel, TieEmbeddings));

    protected override IReadOnlyList<string> BodyProblems()
    {
        var rules = Sizes(
            new ConfigRules().Sizes(VocabSize, DModel, Layers, ContextLength).Within("dFeedForward", DFeedForward, 1 << 19, least: 0),
            DModel,
            DState,
            HeadDim
        );
        return rules.Within("shiftState", ShiftState, 1 << 12).Positive("normEps", NormEps, "1e-5 is usual.").Problems;
    }

    internal static ConfigRules Sizes(ConfigRules rules, int dModel, int dState, int headDim)
    {
        LongConvolutionBlocks.State(rules, dState).Within("headDim", headDim, 256);
        return headDim < 1 ? rules : rules.Require(dModel % headDim == 0,
            $"model.headDim is {headDim} but dModel is {dModel}: dModel must be a multiple of headDim. Try headDim 1.");
    }

    /// <summary>The mixer under a name prefix: the hybrids have the same one.</summary>
    internal static H3Spec Mixer(string prefix, int dModel, int dState, int headDim, int shiftState)
    {
        LinearPart Part(string name) => new($"{prefix}{name}.weight", dModel, $"{prefix}{name}.bias");
        return new H3Spec(
            dModel, shiftState, new LinearSpec(dModel, [Part("q_proj"), Part("k_proj"), Part("v_proj")]), $"{prefix}shift.",
            new StateSpaceSpec($"{prefix}memory.", dModel / headDim, dState, StateSpaceStart.DiagonalLin, Discretization.Bilinear),
            new LinearSpec($"{prefix}output_linear.weight", dModel, dModel, $"{prefix}output_linear.bias"));
    }
}
