using Dolmen.Checkpoints;

namespace Dolmen.Tests;

/// <summary>One small configuration of every architecture and of the variants that take another path: the batteries run over all of
/// them.</summary>
internal static class SmallModels
{
    private static readonly TransformerConfig Llama = new(61, 36, 2, 6, 3, 6, 50, 64);
    private static readonly MixtureConfig Experts = new(4, 2, 0.01, 0.001);

    public static IReadOnlyDictionary<string, DecoderConfig> All { get; } = new Dictionary<string, DecoderConfig>
    {
        ["llama"] = Llama,
        ["llama-biases"] = Llama with { AttentionBias = true, MlpBias = true, TieEmbeddings = false },
        ["qwen3"] = Llama with { QkNorm = true, HeadDim = 10 },
        ["mistral"] = Llama with { Window = 4 },
        ["mixtral"] = Llama with { Experts = Experts },
        ["alibi"] = Llama with { Positions = PositionKind.Alibi },
        ["no-positions"] = Llama with { Positions = PositionKind.None },
        // Few rows, so that n-grams meet in them.
        ["dolmen"] = new DolmenConfig(61, 36, 2, 6, 3, 6, 50, 64, BigramRows: 23, TrigramRows: 17),
        ["dolmen-norms"] = new DolmenConfig(61, 36, 2, 6, 3, 6, 50, 64, TieEmbeddings: false, QkNorm: true, TrigramRows: 90),
        ["dolmen-matches"] = new DolmenConfig(61, 36, 2, 6, 3, 6, 50, 64, BigramRows: 23, MatchTokens: 5, MatchAhead: 3, MatchWindow: 6),
        ["gpt2"] = new Gpt2Config(61, 36, 2, 6, 70, 64),
        ["mamba"] = new MambaConfig(61, 20, 2, 64, 44, 3, 5, 4),
        ["falcon-mamba"] = new MambaConfig(61, 20, 2, 64, 44, 3, 5, 4, MixerNormEps: 1e-6),
        ["mamba2"] = new Mamba2Config(61, 20, 2, 64, 4, 10, 7, 2),
        ["jamba"] = new JambaConfig(61, 24, 4, 4, 2, 30, 64, 40, 2, Experts, 4, 2, DState: 6),
        ["s4"] = new S4Config(61, 20, 2, 64, 30, 8),
        ["s4-legt"] = new S4Config(61, 20, 2, 64, 0, 6, StateSpaceStart.LegT),
        ["s4d"] = new S4Config(61, 20, 2, 64, 30, 10, StateSpaceStart.DiagonalInv, Discretization.ZeroOrderHold),
        ["h3"] = new H3Config(61, 20, 2, 64, 30, 8, ShiftState: 4),
        ["h3-heads"] = new H3Config(61, 20, 2, 64, 0, 8, HeadDim: 4, ShiftState: 3),
        ["hybrid"] = Hybrid("Mf Ae M A"),
        ["hybrid-mamba2"] = Hybrid("2f A 2e"),
        ["hybrid-long"] = Hybrid("Sf Hf A") with { LongState = 6, H3HeadDim = 2 },
        ["hybrid-window"] = Hybrid("2*(M Af)") with { Window = 3, Positions = PositionKind.Rotary },
    };

    private static HybridConfig Hybrid(string pattern) => new(61, 24, pattern, 64, 4, 2, 6, 30, 40, 2, 6, 4, 20, Experts: Experts);
}
