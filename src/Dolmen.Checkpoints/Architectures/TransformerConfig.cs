// The decoder of Llama (Touvron et al. 2023) and its family. Vaswani et al. 2017 (attention), Su et al. 2021 (rotary positions), Ainslie et
// al.
// 2023 (grouped queries), Shazeer 2020 (SwiGLU), Zhang and Sennrich 2019 (RMSNorm), Jiang et al. 2023 and 2024 (sliding window, Mixtral's
// experts), Qwen 2 and 3 (biases on q, k, v; norms on q and k), Press et al. 2022 (ALiBi).
// D model, H heads, K kv-heads, E head dim, F feed-forward, V vocab, X experts
namespace Dolmen.Checkpoints;

/// <summary>How a Transformer's attention sees order.</summary>
public enum PositionKind { Rotary, Alibi, None }

/// <summary>Experts in place of the dense feed-forward.</summary>
/// <param name="AuxLossCoefficient">Weight of the load-balancing loss (Fedus et al. 2021) in training.</param>
/// <param name="ZLossCoefficient">Weight of the squared log-partition of the router's logits (Zoph et al. 2022) in training.</param>
public sealed record MixtureConfig(int Count, int TopK = 2, double AuxLossCoefficient = 0.02, double ZLossCoefficient = 0);

/// <param name="Window">Sliding-window attention; null sees the whole context.</param>
/// <param name="QkvBias">Qwen 2: biases on queries, keys and values.</param>
/// <param name="AttentionBias">Biases on all four projections of attention; likewise <paramref name="MlpBias"/> on the
/// feed-forward.</param>
/// <param name="QkNorm">Qwen 3: RMSNorm over each query and key head.</param>
/// <param name="Activation">Of the feed-forward's gate.</param>
/// <param name="WindowLayers">One letter a layer: S sees the window, F the whole context; null gives every layer the window.</param>
public sealed record TransformerConfig(
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
    RotaryScaling? RopeScaling = null,
    int? Window = null,
    bool QkvBias = false,
    bool AttentionBias = false,
    bool MlpBias = false,
    bool QkNorm = false,
    MixtureConfig? Experts = null,
    PositionKind Positions = PositionKind.Rotary,
    ActivationKind Activation = ActivationKind.Silu,
    string? WindowLayers = null
) : DecoderConfig
{
    /// <summary>One dial: width grows with depth, heads are 64 wide, the feed-forward is 8/3 of the width rounded up to 32
    /// (the ratio that keeps SwiGLU's three matrices as large as an ungated 4x pair; Shazeer 2020).</summary>
    public static TransformerConfig FromDepth(int depth, int vocabSize, int contextLength)
    {
        var dModel = Math.Max(64, depth * 32);                           // depth 4 → 128, depth 8 → 256, depth 16 → 512
        var headDim = Math.Min(64, dModel / 2);
        dModel = (dModel + headDim - 1) / headDim * headDim;
        var heads = dModel / headDim;
        return new TransformerConfig(vocabSize, dModel, depth, heads, heads, headDim, (dModel * 8 / 3 + 31) / 32 * 32, contextLength);
    }

    protected override DecoderPlan LanguagePlan() => new(
        VocabSize, DModel, "model.embed_tokens.weight", [.. Enumerable.Range(0, Layers).Select(Block)],
        new("model.norm.weight", DModel, NormEps), LanguageHead(DModel, TieEmbeddings));

    protected override IReadOnlyList<string> BodyProblems()
    {
        var rules = new ConfigRules().Sizes(VocabSize, DModel, Layers, ContextLength).Within("dFeedForward", DFeedForward, 1 << 19)
            .HeadSizes(Heads, KvHeads, HeadDim).Mixture(Experts);
        if (Window is { } window) rules.Within("window", window, 1 << 24);
        if (WindowLayers is { } letters)
        {
            rules.Require(Window is not null, "model.windowLayers is given but model.window is not: say how far the layers marked S see.")
                .Require(letters.Length == Layers && letters.All(letter => letter is 'S' or 'F'),
                    $"model.windowLayers is '{letters}': it must have one letter, S or F, for each of the {Layers} layers.");
        }
        if (Positions == PositionKind.Rotary && RopeScaling?.Problem(HeadDim) is { } problem) rules.Require(false, problem);
        if (rules.Problems.Count > 0) return rules.Problems;
        return rules
            .Require(DModel % Heads == 0,
                $"model.heads is {Heads} but dModel is {DModel}: dModel must be a multiple of heads. " +
                $"Try dModel {(DModel + Heads - 1) / Heads * Heads} or heads {Enumerable.Range(1, Heads).Last(h => DModel % h == 0)}.")
            .HeadsFit(Heads, KvHeads, HeadDim, Positions == PositionKind.Rotary)
            .Positive("ropeTheta", RopeTheta, "Llama uses 10000.").Positive("normEps", NormEps, "Llama uses 1e-5.").Problems;
    }

    private PositionSpec Position => Positions switch
    {
        PositionKind.Alibi => new AlibiPosition(),
        PositionKind.None => new NoPosition(),
        _ => new RotaryPosition(RopeTheta, RopeScaling),
    };

    /// <summary>How far layer <paramref name="i"/> sees; null sees the whole context.</summary>
    private int? WindowOf(int i) => WindowLayers is { } letters && letters[i] == 'F' ? null : Window;

    private BlockSpec Block(int i)
    {
        var layer = $"model.layers.{i}.";
        int d = DModel, q = Heads * HeadDim, kv = KvHeads * HeadDim;
        LinearPart Part(string name, int outputs, bool bias) => new($"{layer}{name}.weight", outputs, bias ? $"{layer}{name}.bias" : null);
        var qkvBias = QkvBias || AttentionBias;
        var attention = new AttentionSpec(
            Heads,
            KvHeads,
            HeadDim,
            new LinearSpec(
                d,
                [Part("self_attn.q_proj", q, qkvBias), Part("self_attn.k_proj", kv, qkvBias), Part("self_attn.v_proj", kv, qkvBias)]
            ),
            new LinearSpec(q, [Part("self_attn.o_proj", d, AttentionBias)]),
            Position,
            WindowOf(i),
            QkNorm ? new($"{layer}self_attn.q_norm.weight", HeadDim, NormEps) : null,
            QkNorm ? new($"{layer}self_attn.k_norm.weight", HeadDim, NormEps) : null);
        FeedForwardSpec feedForward = Experts is null
            ? new SwiGluSpec(
                new LinearSpec(d, [Part("mlp.gate_proj", DFeedForward, MlpBias), Part("mlp.up_proj", DFeedForward, MlpBias)]),
                new LinearSpec(DFeedForward, [Part("mlp.down_proj", d, MlpBias)]), Activation)
            : new MixtureSpec(new LinearSpec($"{layer}block_sparse_moe.gate.weight", Experts.Count, d),
                [.. Enumerable.Range(0, Experts.Count).Select(expert => Expert($"block_sparse_moe.experts.{expert}."))], Experts,
                Renormalize: true);
        return new BlockSpec(
            new($"{layer}input_layernorm.weight", d, NormEps),
            attention,
            new($"{layer}post_attention_layernorm.weight", d, NormEps),
            feedForward
        );

        SwiGluSpec Expert(string name) => new(
            new LinearSpec(d, [Part(name + "w1", DFeedForward, false), Part(name + "w3", DFeedForward, false)]),
            new LinearSpec(DFeedForward, [Part(name + "w2", d, false)]), Activation);
    }
}
