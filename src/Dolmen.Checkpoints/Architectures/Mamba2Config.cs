// Mamba-2 (Dao and Gu 2024), exactly Hugging Face's Mamba2ForCausalLM.
// D model, H heads, P head dim, G groups, N state, K convolution width
namespace Dolmen.Checkpoints;

/// <param name="Groups">Heads in a group share B and C.</param>
/// <param name="MinDt">Δ is clamped to [MinDt, MaxDt] after its softplus.</param>
public sealed record Mamba2Config(
    int VocabSize, int DModel, int Layers, int ContextLength, int Heads, int HeadDim = 64, int DState = 128, int Groups = 1, int DConv = 4,
    double NormEps = 1e-5, bool TieEmbeddings = false, bool Bias = false, bool ConvBias = true, double MinDt = 0,
    double MaxDt = double.PositiveInfinity) : DecoderConfig
{
    protected override DecoderPlan LanguagePlan() =>
        new(
            VocabSize,
            DModel,
            "backbone.embeddings.weight",
            [
                .. Enumerable
                    .Range(0, Layers)
                    .Select(i => new BlockSpec(
                        new($"backbone.layers.{i}.norm.weight", DModel, NormEps),
                        Mixer(
                            $"backbone.layers.{i}.mixer.",
                            DModel,
                            Heads,
                            HeadDim,
                            DState,
                            Groups,
                            DConv,
                            NormEps,
                            Bias,
                            ConvBias,
                            MinDt,
                            MaxDt
                        )
                    )),
            ],
            new("backbone.norm_f.weight", DModel, NormEps),
            LanguageHead(DModel, TieEmbeddings),
            StatesFromFirstBlock: true
        );

    protected override IReadOnlyList<string> BodyProblems()
    {
        var rules = Sizes(new ConfigRules().Sizes(VocabSize, DModel, Layers, ContextLength), Heads, HeadDim, DState, Groups, DConv);
        if (rules.Problems.Count > 0)
            return rules.Problems;
        return rules
            .Positive("normEps", NormEps, "Mamba-2 uses 1e-5.")
            .Require(MinDt >= 0 && MaxDt > MinDt, $"model.minDt is {MinDt} and maxDt {MaxDt}: they must be 0 or more, and in that order.")
            .Problems;
    }

    internal static ConfigRules Sizes(ConfigRules rules, int heads, int headDim, int dState, int groups, int dConv)
    {
        rules.Within("heads", heads, 4096).Within("headDim", headDim, 4096).Within("dState", dState, 1 << 12).Within("groups", groups, 4096)
            .Within("dConv", dConv, 64);
        return heads < 1 || groups < 1 ? rules : rules.Require(heads % groups == 0,
            $"model.groups is {groups} but heads is {heads}: heads must be a multiple of groups. Try groups 1.");
    }

    /// <summary>The mixer under a name prefix: the hybrids have the same one.</summary>
    internal static Mamba2Spec Mixer(
        string prefix, int dModel, int heads, int headDim, int dState, int groups, int dConv, double normEps, bool bias = false,
        bool convBias = true, double minDt = 0, double maxDt = double.PositiveInfinity)
    {
        var inner = heads * headDim;
        var channels = inner + 2 * groups * dState;
        return new Mamba2Spec(
            heads, headDim, groups, dState,
            new LinearSpec(
                $"{prefix}in_proj.weight",
                inner + channels + heads,
                dModel,
                bias ? $"{prefix}in_proj.bias" : null,
                stacked: [inner, inner, groups * dState, groups * dState, heads] // z, x, B, C and Δ
            ),
            new ConvolutionSpec($"{prefix}conv1d.weight", convBias ? $"{prefix}conv1d.bias" : null, channels, dConv),
            $"{prefix}dt_bias", $"{prefix}A_log", $"{prefix}D", new($"{prefix}norm.weight", inner, normEps),
            new LinearSpec($"{prefix}out_proj.weight", dModel, inner, bias ? $"{prefix}out_proj.bias" : null), minDt, maxDt);
    }
}
