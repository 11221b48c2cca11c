// GPT-2 (Radford et al. 2019): learned positions, LayerNorm before each part, GELU or another activation, biases everywhere, the embedding
// as head.
// D model, H heads, F feed-forward, V vocab
namespace Dolmen.Checkpoints;

/// <param name="ScaleScores">Attention scores are divided by the root of the head's width, as usual.</param>
/// <param name="ScaleByLayer">The scores of layer n, counted from 1, are divided by n too (Mistral's GPT-2 models at Stanford).</param>
public sealed record Gpt2Config(
    int VocabSize, int DModel, int Layers, int Heads, int DFeedForward, int ContextLength, double NormEps = 1e-5, bool TieEmbeddings = true,
    ActivationKind Activation = ActivationKind.GeluTanh, bool ScaleScores = true, bool ScaleByLayer = false) : DecoderConfig
{
    protected override DecoderPlan LanguagePlan() => new(
        VocabSize, DModel, "transformer.wte.weight", [.. Enumerable.Range(0, Layers).Select(Block)], Norm("transformer.ln_f"),
        LanguageHead(DModel, TieEmbeddings), new("transformer.wpe.weight", [ContextLength, DModel]));

    protected override IReadOnlyList<string> BodyProblems()
    {
        var rules = new ConfigRules().Sizes(VocabSize, DModel, Layers, ContextLength).Within("dFeedForward", DFeedForward, 1 << 19)
            .Within("heads", Heads, 1024);
        if (rules.Problems.Count > 0) return rules.Problems;
        return rules.Require(DModel % Heads == 0, $"model.heads is {Heads} but dModel is {DModel}: dModel must be a multiple of heads. " +
            $"Try dModel {(DModel + Heads - 1) / Heads * Heads}.").Positive("normEps", NormEps, "GPT-2 uses 1e-5.").Problems;
    }

    private NormSpec Norm(string name) => new($"{name}.weight", DModel, NormEps, $"{name}.bias");

    private BlockSpec Block(int i)
    {
        var layer = $"transformer.h.{i}.";
        LinearSpec Linear(string name, int inputs, int outputs, IReadOnlyList<int>? stacked = null) =>
            new($"{layer}{name}.weight", outputs, inputs, $"{layer}{name}.bias", transposed: true, stacked);
        return new BlockSpec(
            Norm($"{layer}ln_1"),
            new AttentionSpec(
                Heads,
                Heads,
                DModel / Heads,
                Linear("attn.c_attn", DModel, 3 * DModel, [DModel, DModel, DModel]),       // queries, keys and values
                Linear("attn.c_proj", DModel, DModel),
                new NoPosition(),
                QueryScale: (ScaleScores ? 1 : Math.Sqrt(DModel / Heads)) / (ScaleByLayer ? i + 1 : 1)
            ),
            Norm($"{layer}ln_2"),
            new GeluSpec(Linear("mlp.c_fc", DModel, DFeedForward), Linear("mlp.c_proj", DFeedForward, DModel), Activation)
        );
    }
}
