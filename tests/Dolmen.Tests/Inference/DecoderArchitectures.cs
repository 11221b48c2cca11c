using Dolmen.Checkpoints;

namespace Dolmen.Tests.Inference;

/// <summary>What the decoding battery runs over: <see cref="SmallModels"/>, and variants that only decoding treats differently. Sizes are
/// odd on purpose: few are multiples of a vector or a tile.</summary>
internal static class DecoderArchitectures
{
    private static readonly MixtureConfig Experts = new(5, 2);

    public static IReadOnlyDictionary<string, DecoderConfig> All { get; } =
        new Dictionary<string, DecoderConfig>(
            SmallModels.All.Select(model => KeyValuePair.Create(model.Key, model.Value with { ContextLength = 700 })),
            StringComparer.Ordinal
        )
        {
            ["llama, whole vectors"] = new TransformerConfig(256, 128, 2, 2, 1, 64, 96, 700),
            ["llama 3 frequencies"] = new TransformerConfig(101, 36, 2, 3, 1, 12, 50, 700, RopeScaling: new Llama3Scaling(8, 1, 4, 64)),
            ["yarn, biases"] = new TransformerConfig(
                101,
                36,
                2,
                3,
                1,
                12,
                50,
                700,
                RopeScaling: new YarnScaling(4, 64),
                AttentionBias: true,
                MlpBias: true
            ),
            ["linear scaling, norms"] = new TransformerConfig(
                101,
                36,
                2,
                3,
                3,
                20,
                50,
                700,
                RopeScaling: new LinearScaling(2),
                QkNorm: true
            ),
            ["sliding window"] = new TransformerConfig(101, 36, 2, 4, 2, 10, 50, 700, Window: 21),
            ["sliding window of one, wide heads"] = new TransformerConfig(101, 36, 1, 2, 1, 72, 50, 700, Window: 1),
            ["a window on some layers"] = new TransformerConfig(101, 36, 3, 4, 2, 10, 50, 700, Window: 21, WindowLayers: "FSF"),
            ["gpt2, unscaled"] = new Gpt2Config(101, 36, 3, 3, 50, 700, ScaleScores: false),
            ["gpt2, scaled by layer"] = new Gpt2Config(101, 36, 3, 3, 50, 700, ScaleByLayer: true),
            ["gpt2, exact gelu"] = new Gpt2Config(101, 36, 2, 3, 50, 700, Activation: ActivationKind.Gelu),
            ["experts with another gate"] = new TransformerConfig(
                101,
                36,
                2,
                3,
                1,
                12,
                50,
                700,
                Experts: Experts,
                Activation: ActivationKind.QuickGelu
            ),
            ["alibi in a window"] = new TransformerConfig(101, 36, 2, 2, 1, 64, 50, 700, Window: 37, Positions: PositionKind.Alibi),
            ["mamba, biases"] = new MambaConfig(101, 36, 2, 700, 75, 3, 5, 4, TieEmbeddings: false, Bias: true),
            ["mamba, whole vectors, no convolution bias"] = new MambaConfig(101, 32, 2, 700, 64, 2, ConvBias: false),
            ["mamba2"] = new Mamba2Config(101, 36, 2, 700, 4, 18, 7, 2, 3, Bias: true, MinDt: 0.02, MaxDt: 0.1),
            ["mamba2, whole vectors"] = new Mamba2Config(101, 32, 2, 700, 4, 16, 16),
            ["hybrid of everything"] = Hybrid("Mf Ae 2f") with { Window = 19, Positions = PositionKind.Rotary },
            ["hybrid 2*(2 Me) A"] = Hybrid("2*(2 Me) A") with { TieEmbeddings = false },
        };

    public static TheoryData<string> Names => [.. All.Keys];

    private static HybridConfig Hybrid(string pattern) =>
        new(101, 36, pattern, 700, 3, 1, 12, 50, 60, 3, 6, StateHeadDim: 20, Experts: Experts);
}
