// Mamba (Gu and Dao 2023), exactly Hugging Face's MambaForCausalLM, and with norms within the mixer its
// FalconMambaForCausalLM (Zuo et al. 2024): blocks of one mixer each, no attention, no feed-forward.
// D model, I inner (= expand·D), N state, K convolution width, R rank of Δ
namespace Dolmen.Checkpoints;

/// <param name="DInner">expand·D.</param>
/// <param name="MixerNormEps">Falcon-Mamba: Δ, B and C pass RMS norms without weights that have this epsilon; null is Mamba.</param>
/// <param name="DtRank">Rank of the projection to Δ; ⌈D/16⌉ in the paper.</param>
public sealed record MambaConfig(
    int VocabSize, int DModel, int Layers, int ContextLength, int DInner, int DtRank, int DState = 16, int DConv = 4, double NormEps = 1e-5,
    bool TieEmbeddings = true, bool Bias = false, bool ConvBias = true, double? MixerNormEps = null) : DecoderConfig
{
    public static MambaConfig Of(int vocabSize, int dModel, int layers, int contextLength, int expand = 2, int dState = 16) =>
        new(vocabSize, dModel, layers, contextLength, expand * dModel, (dModel + 15) / 16, dState);

    protected override DecoderPlan LanguagePlan() => new(
        VocabSize, DModel, "backbone.embeddings.weight",
        [
            .. Enumerable.Range(0, Layers).Select(i => new BlockSpec(
                new($"backbone.layers.{i}.norm.weight", DModel, NormEps),
                Mixer($"backbone.layers.{i}.mixer.", DModel, DInner, DState, DConv, DtRank, Bias, ConvBias) with
                {
                    PlainNormEps = MixerNormEps,
                })),
        ],
        new("backbone.norm_f.weight", DModel, NormEps), LanguageHead(DModel, TieEmbeddings),
        StatesFromFirstBlock: true);

    protected override IReadOnlyList<string> BodyProblems()
    {
        var rules = Sizes(new ConfigRules().Sizes(VocabSize, DModel, Layers, ContextLength), DInner, DState, DConv, DtRank);
        if (MixerNormEps is { } eps) rules.Positive("mixerNormEps", eps, "Falcon-Mamba uses 1e-6.");
        return rules.Positive("normEps", NormEps, "Mamba uses 1e-5.").Problems;
    }

    internal static ConfigRules Sizes(ConfigRules rules, int dInner, int dState, int dConv, int dtRank) => rules
        .Within("dInner", dInner, 1 << 19).Within("dState", dState, 1 << 12).Within("dConv", dConv, 64).Within("dtRank", dtRank, 1 << 16);

    /// <summary>The mixer under a name prefix: Jamba and the hybrids have the same one.</summary>
    internal static MambaSpec Mixer(
        string prefix, int dModel, int dInner, int dState, int dConv, int dtRank, bool bias, bool convBias, double? innerNormEps = null)
    {
        NormSpec? Norm(string name, int size) => innerNormEps is { } eps ? new($"{prefix}{name}_layernorm.weight", size, eps) : null;
        return new MambaSpec(
            dInner, dState, dtRank,
            new LinearSpec(
                $"{prefix}in_proj.weight",
                2 * dInner,
                dModel,
                bias ? $"{prefix}in_proj.bias" : null,
                stacked: [dInner, dInner]                                // x and its gate z
            ),
            new ConvolutionSpec($"{prefix}conv1d.weight", convBias ? $"{prefix}conv1d.bias" : null, dInner, dConv),
            // Δ, B and C
            new LinearSpec($"{prefix}x_proj.weight", dtRank + 2 * dState, dInner, stacked: [dtRank, dState, dState]),
            new LinearSpec($"{prefix}dt_proj.weight", dInner, dtRank, $"{prefix}dt_proj.bias"),
            $"{prefix}A_log", $"{prefix}D",
            new LinearSpec($"{prefix}out_proj.weight", dModel, dInner, bias ? $"{prefix}out_proj.bias" : null),
            Norm("dt", dtRank), Norm("b", dState), Norm("c", dState));
    }
}
