// Jamba (Lieber et al. 2024), exactly Hugging Face's JambaForCausalLM: one attention layer in eight, Mamba elsewhere with RMSNorm on Δ, B
// and
// C, experts in every second feed-forward, a router without renormalisation, no positions.
// D model, H heads, K kv-heads, E head dim, F feed-forward, I inner, N state, R rank of Δ, X experts
namespace Dolmen.Checkpoints;

/// <param name="AttentionPeriod">Layer i is attention where i mod period = <paramref name="AttentionOffset"/>; likewise for
/// experts.</param>
public sealed record JambaConfig(
    int VocabSize, int DModel, int Layers, int Heads, int KvHeads, int DFeedForward, int ContextLength, int DInner, int DtRank,
    MixtureConfig Experts, int AttentionPeriod = 8, int AttentionOffset = 4, int ExpertPeriod = 2, int ExpertOffset = 1, int DState = 16,
    int DConv = 4, bool ConvBias = true, bool Bias = false, double NormEps = 1e-6, bool TieEmbeddings = false) : DecoderConfig
{
    protected override DecoderPlan LanguagePlan() => new(
        VocabSize, DModel, "model.embed_tokens.weight", [.. Enumerable.Range(0, Layers).Select(Block)],
        new("model.final_layernorm.weight", DModel, NormEps), LanguageHead(DModel, TieEmbeddings));

    public bool IsAttention(int layer) => layer % AttentionPeriod == AttentionOffset;

    public bool HasExperts(int layer) => layer % ExpertPeriod == ExpertOffset && Experts.Count > 1;

    protected override IReadOnlyList<string> BodyProblems()
    {
        var rules = new ConfigRules().Sizes(VocabSize, DModel, Layers, ContextLength).Within("dFeedForward", DFeedForward, 1 << 19)
            .Within("attentionPeriod", AttentionPeriod, 1024).Within("expertPeriod", ExpertPeriod, 1024)
            .Within("heads", Heads, 1024).Within("kvHeads", KvHeads, 1024);
        MambaConfig.Sizes(rules, DInner, DState, DConv, DtRank).Mixture(Experts);
        if (rules.Problems.Count > 0) return rules.Problems;
        rules.Within("attentionOffset", AttentionOffset, AttentionPeriod - 1, 0).Within("expertOffset", ExpertOffset, ExpertPeriod - 1, 0)
            .Require(DModel % Heads == 0, $"model.heads is {Heads} but dModel is {DModel}: dModel must be a multiple of heads.")
            .HeadsFit(Heads, KvHeads, DModel / Heads, rotary: false);
        return rules.Positive("normEps", NormEps, "Jamba uses 1e-6.").Problems;
    }

    private BlockSpec Block(int i)
    {
        var layer = $"model.layers.{i}.";
        int headDim = DModel / Heads, q = DModel, kv = KvHeads * headDim;
        MixerSpec mixer = IsAttention(i)
            ? new AttentionSpec(Heads, KvHeads, headDim,
                new LinearSpec(DModel, [Part("self_attn.q_proj", q), Part("self_attn.k_proj", kv), Part("self_attn.v_proj", kv)]),
                new LinearSpec(q, [Part("self_attn.o_proj", DModel)]), new NoPosition())
            : MambaConfig.Mixer($"{layer}mamba.", DModel, DInner, DState, DConv, DtRank, Bias, ConvBias, NormEps);
        FeedForwardSpec feedForward = HasExperts(i)
            ? new MixtureSpec(
                new LinearSpec($"{layer}feed_forward.router.weight", Experts.Count, DModel),
                [.. Enumerable.Range(0, Experts.Count).Select(expert => SwiGlu($"feed_forward.experts.{expert}."))],
                Experts,
                Renormalize: false
            )
            : SwiGlu("feed_forward.");
        return new BlockSpec(
            new($"{layer}input_layernorm.weight", DModel, NormEps),
            mixer,
            new($"{layer}pre_ff_layernorm.weight", DModel, NormEps),
            feedForward
        );

        LinearPart Part(string name, int outputs) => new($"{layer}{name}.weight", outputs);
        SwiGluSpec SwiGlu(string name) => new(
            new LinearSpec(DModel, [Part(name + "gate_proj", DFeedForward), Part(name + "up_proj", DFeedForward)]),
            new LinearSpec(DFeedForward, [Part(name + "down_proj", DModel)]));
    }
}
