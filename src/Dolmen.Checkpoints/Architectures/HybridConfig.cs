// Any mixture of mixers by a pattern, in the manner of Jamba (Lieber et al. 2024), Samba (Ren et al. 2024) and H3's hybrids (Fu et al.
// 2023):
// one letter a layer for the mixer, a second one for the feed-forward.
namespace Dolmen.Checkpoints;

/// <summary>Layers as written in <paramref name="Pattern"/>, parted by blanks; <c>4*(Mf Me)</c> repeats. First letter: A attention,
/// M Mamba, 2 Mamba-2, S S4, H H3. Second letter: f dense feed-forward, e experts, nothing for none.</summary>
/// <param name="LongState">State of S4 and H3 layers; H3's shift has as many taps.</param>
/// <param name="H3HeadDim">Head width of H3 layers.</param>
/// <param name="Window">Of the attention layers; null sees the whole context.</param>
public sealed record HybridConfig(
    int VocabSize, int DModel, string Pattern, int ContextLength, int Heads, int KvHeads, int HeadDim, int DFeedForward, int DInner,
    int DtRank, int DState = 16, int DConv = 4, int StateHeadDim = 64, PositionKind Positions = PositionKind.None, double RopeTheta = 10000,
    int? Window = null, MixtureConfig? Experts = null, double NormEps = 1e-5, bool TieEmbeddings = true, int LongState = 64,
    int H3HeadDim = 1) : DecoderConfig
{
    protected override DecoderPlan LanguagePlan() => new(
        VocabSize, DModel, "model.embed_tokens.weight", [.. LayerPattern.Parse(Pattern).Select(Block)],
        new("model.norm.weight", DModel, NormEps), LanguageHead(DModel, TieEmbeddings));

    protected override IReadOnlyList<string> BodyProblems()
    {
        IReadOnlyList<LayerKind> layers;
        try
        {
            layers = LayerPattern.Parse(Pattern);
        }
        catch (FormatException error)
        {
            return [$"model.pattern is '{Pattern}': {error.Message}"];
        }
        var rules = new ConfigRules().Sizes(VocabSize, DModel, layers.Count, ContextLength).Within("dFeedForward", DFeedForward, 1 << 19)
            .HeadSizes(Heads, KvHeads, HeadDim).Mixture(Experts);
        MambaConfig.Sizes(rules, DInner, DState, DConv, DtRank).Within("stateHeadDim", StateHeadDim, 4096);
        LongConvolutionBlocks.State(rules, LongState, "longState").Within("h3HeadDim", H3HeadDim, 256);
        if (rules.Problems.Count > 0)
            return rules.Problems;
        return rules
            .HeadsFit(Heads, KvHeads, HeadDim, Positions == PositionKind.Rotary)
            .Require(
                layers.All(layer => layer.Mixer != '2') || DInner % StateHeadDim == 0,
                $"model.stateHeadDim is {StateHeadDim} but dInner is {DInner}: Mamba-2 layers part dInner into heads, so it must be a "
                    + $"multiple."
            )
            .Require(
                layers.All(layer => layer.Mixer != 'H') || DModel % H3HeadDim == 0,
                $"model.h3HeadDim is {H3HeadDim} but dModel is {DModel}: H3 layers part dModel into heads, so it must be a multiple. Try "
                    + $"h3HeadDim 1."
            )
            .Require(
                layers.All(layer => layer.FeedForward != 'e') || Experts is not null,
                $"model.pattern is '{Pattern}' but model.experts says nothing: layers marked 'e' need it. Try \"experts\": {{ \"count\": 4 "
                    + $"}}."
            )
            .Positive("normEps", NormEps, "1e-5 is usual.")
            .Positive("ropeTheta", RopeTheta, "10000 is usual.")
            .Problems;
    }

    private PositionSpec Position => Positions switch
    {
        PositionKind.Rotary => new RotaryPosition(RopeTheta),
        PositionKind.Alibi => new AlibiPosition(),
        _ => new NoPosition(),
    };

    private BlockSpec Block(LayerKind kind, int i)
    {
        var layer = $"model.layers.{i}.";
        return new BlockSpec(
            new($"{layer}input_layernorm.weight", DModel, NormEps),
            Mixer(kind.Mixer, layer),
            kind.FeedForward is null ? null : new($"{layer}pre_ff_layernorm.weight", DModel, NormEps),
            FeedForward(kind.FeedForward, layer)
        );
    }

    private MixerSpec Mixer(char kind, string layer)
    {
        int q = Heads * HeadDim, kv = KvHeads * HeadDim;
        LinearPart Part(string name, int outputs) => new($"{layer}self_attn.{name}.weight", outputs);
        return kind switch
        {
            'M' => MambaConfig.Mixer($"{layer}mamba.", DModel, DInner, DState, DConv, DtRank, bias: false, convBias: true, NormEps),
            '2' => Mamba2Config.Mixer($"{layer}mamba2.", DModel, DInner / StateHeadDim, StateHeadDim, DState, 1, DConv, NormEps),
            'S' => S4Config.Mixer($"{layer}s4.", DModel, LongState, StateSpaceStart.LegS, Discretization.Bilinear),
            'H' => H3Config.Mixer($"{layer}h3.", DModel, LongState, H3HeadDim, LongState),
            _ => new AttentionSpec(
                Heads,
                KvHeads,
                HeadDim,
                new LinearSpec(DModel, [Part("q_proj", q), Part("k_proj", kv), Part("v_proj", kv)]),
                new LinearSpec(q, [Part("o_proj", DModel)]),
                Position,
                Window
            ),
        };
    }

    private FeedForwardSpec? FeedForward(char? kind, string layer)
    {
        SwiGluSpec SwiGlu(string name) =>
            new(
                new LinearSpec(
                    DModel,
                    [new($"{layer}{name}gate_proj.weight", DFeedForward), new($"{layer}{name}up_proj.weight", DFeedForward)]
                ),
                new LinearSpec($"{layer}{name}down_proj.weight", DModel, DFeedForward)
            );
        return kind switch
        {
            'f' => SwiGlu("feed_forward."),
            'e' => new MixtureSpec(
                new LinearSpec($"{layer}feed_forward.router.weight", Experts!.Count, DModel),
                [.. Enumerable.Range(0, Experts.Count).Select(expert => SwiGlu($"feed_forward.experts.{expert}."))],
                Experts,
                Renormalize: true
            ),
            _ => null,
        };
    }
}
