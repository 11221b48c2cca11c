using Dolmen.Checkpoints;

namespace Dolmen.Pipeline.Recipes;

/// <summary>A model's size: one dial (<paramref name="Depth"/>), or at least width, layers and heads. Vocabulary and context length come from
/// the tokenizer and from <c>training.contextLength</c>.</summary>
public sealed record ModelRecipe(
    int? Depth = null, int? DModel = null, int? Layers = null, int? Heads = null, int? KvHeads = null, int? HeadDim = null, int? DFeedForward = null,
    double RopeTheta = 10000, double NormEps = 1e-5, bool TieEmbeddings = true)
{
    private const int MostDepth = 128;

    public IReadOnlyList<string> Problems(int vocabSize, int contextLength)
    {
        var explicitSize = DModel is not null || Layers is not null || Heads is not null || KvHeads is not null || HeadDim is not null || DFeedForward is not null;
        if (Depth is { } depth)
        {
            if (explicitSize) return ["model has depth and explicit sizes: depth decides all sizes. Leave out depth, or leave out dModel, layers, heads and their like."];
            if (depth is < 1 or > MostDepth) return [$"model.depth is {depth}: it must lie between 1 and {MostDepth}. 4 gives about 1.3 million parameters."];
        }
        else if (DModel is null || Layers is null || Heads is null)
        {
            return ["model says no size: give it depth ({\"depth\": 4}), or dModel, layers and heads."];
        }
        else if (Heads is <= 0 || DModel is <= 0)
        {
            return [$"model.heads is {Heads} and dModel is {DModel}: both must be at least 1."];
        }
        return Build(vocabSize, Math.Max(1, contextLength)).Problems();
    }

    public TransformerConfig Build(int vocabSize, int contextLength)
    {
        if (Depth is { } depth)
            return TransformerConfig.FromDepth(depth, vocabSize, contextLength) with { RopeTheta = RopeTheta, NormEps = NormEps, TieEmbeddings = TieEmbeddings };
        var (width, heads) = (DModel ?? 0, Heads ?? 1);
        // SwiGLU's usual 8/3 of the width, rounded up to whole vectors.
        return new TransformerConfig(
            vocabSize, width, Layers ?? 0, heads, KvHeads ?? heads, HeadDim ?? width / heads, DFeedForward ?? ((width * 8 / 3) + 31) / 32 * 32,
            contextLength, RopeTheta, NormEps, TieEmbeddings);
    }

    /// <summary>Every size spelled out, so that a later change of what a depth means does not change a recorded run.</summary>
    public static ModelRecipe Of(TransformerConfig c) =>
        new(null, c.DModel, c.Layers, c.Heads, c.KvHeads, c.HeadDim, c.DFeedForward, c.RopeTheta, c.NormEps, c.TieEmbeddings);
}
