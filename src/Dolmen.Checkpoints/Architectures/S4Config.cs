// A language model of S4 blocks (Gu et al. 2022, "Efficiently Modeling Long Sequences with Structured State Spaces") or S4D blocks (Gu et
// al.
// 2022, "On the Parameterization and Initialization of Diagonal State Space Models"), each followed by a SwiGLU feed-forward.
// D model, N state, F feed-forward
namespace Dolmen.Checkpoints;

/// <param name="DFeedForward">0 for none.</param>
/// <param name="DState">Of every feature; even, for eigenvalues come in conjugate pairs.</param>
/// <param name="Start">LegS and LegT make it S4, the diagonal ones S4D.</param>
public sealed record S4Config(
    int VocabSize,
    int DModel,
    int Layers,
    int ContextLength,
    int DFeedForward,
    int DState = 64,
    StateSpaceStart Start = StateSpaceStart.LegS,
    Discretization Discretization = Discretization.Bilinear,
    double NormEps = 1e-5,
    bool TieEmbeddings = true
) : DecoderConfig
{
    protected override DecoderPlan LanguagePlan() =>
        new(
            VocabSize,
            DModel,
            "model.embed_tokens.weight",
            [
                .. Enumerable
                    .Range(0, Layers)
                    .Select(i =>
                        LongConvolutionBlocks.Block(
                            $"model.layers.{i}.",
                            Mixer($"model.layers.{i}.s4.", DModel, DState, Start, Discretization),
                            DModel,
                            DFeedForward,
                            NormEps
                        )
                    ),
            ],
            new("model.norm.weight", DModel, NormEps),
            LanguageHead(DModel, TieEmbeddings)
        );

    protected override IReadOnlyList<string> BodyProblems() =>
        LongConvolutionBlocks
            .State(
                new ConfigRules().Sizes(VocabSize, DModel, Layers, ContextLength).Within("dFeedForward", DFeedForward, 1 << 19, least: 0),
                DState
            )
            .Require(
                Discretization == Discretization.Bilinear || Start is not (StateSpaceStart.LegS or StateSpaceStart.LegT),
                $"model.discretization is {Discretization} but start is {Start}: a low-rank part needs the bilinear step. Try start "
                    + $"DiagonalLegS."
            )
            .Positive("normEps", NormEps, "1e-5 is usual.")
            .Problems;

    /// <summary>The mixer under a name prefix: the hybrids have the same one.</summary>
    internal static S4Spec Mixer(string prefix, int dModel, int dState, StateSpaceStart start, Discretization discretization) => new(
        new StateSpaceSpec(prefix, dModel, dState, start, discretization),
        // a value and its gate
        new LinearSpec($"{prefix}output_linear.weight", 2 * dModel, dModel, $"{prefix}output_linear.bias", stacked: [dModel, dModel]));
}

/// <summary>What S4 and H3 models share.</summary>
internal static class LongConvolutionBlocks
{
    public static BlockSpec Block(string layer, MixerSpec mixer, int dModel, int dFeedForward, double normEps)
    {
        var norm = new NormSpec($"{layer}input_layernorm.weight", dModel, normEps);
        if (dFeedForward == 0) return new BlockSpec(norm, mixer);
        var feedForward = new SwiGluSpec(
            new LinearSpec(dModel, [new($"{layer}mlp.gate_proj.weight", dFeedForward), new($"{layer}mlp.up_proj.weight", dFeedForward)]),
            new LinearSpec($"{layer}mlp.down_proj.weight", dModel, dFeedForward));
        return new BlockSpec(norm, mixer, new($"{layer}pre_ff_layernorm.weight", dModel, normEps), feedForward);
    }

    public static ConfigRules State(ConfigRules rules, int dState, string name = "dState") => rules.Within(name, dState, 1 << 12, least: 2)
        .Require(dState % 2 == 0, $"model.{name} is {dState}: eigenvalues come in conjugate pairs, so it must be even. Try {dState + 1}.");
}
