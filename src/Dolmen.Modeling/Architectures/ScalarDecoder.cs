// B batch, T sequence, N rows (= B·T), D model, S texts
using Dolmen.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling.Architectures;

/// <summary>A decoder that says one number: a value at every position, a reward of every text.</summary>
public sealed class ScalarDecoder : Decoder
{
    /// <summary>The head begins so that numbers of deviation 1 come of hidden states of deviation 1 (Stiennon et al. 2020).</summary>
    public ScalarDecoder(DecoderConfig config, Compute compute) : base(config, compute, Initial(config))
    {
        if (Plan.Head is not ScalarHeadSpec)
            throw new ArgumentException($"The head is a {Plan.Head.GetType().Name}, not a scalar.", nameof(config));
    }

    /// <summary>The number at every position, which no later token changes, (B, T) fp32. tokens (B, T) int64.</summary>
    /// <param name="segments">The texts of packed rows, each read as if it were alone; null takes every row as one text.</param>
    public Tensor Values(Tensor tokens, Segments? segments = null)
    {
        using var scope = NewDisposeScope();
        return Projected(Hidden(tokens, segments)).view(tokens.shape).MoveToOuterDisposeScope();
    }

    /// <summary>The number at the last token of every text, (S) fp32 in the order of the texts. tokens (B, T) int64.</summary>
    /// <param name="segments">The texts and their padding; null takes every row as one text without padding.</param>
    public Tensor Rewards(Tensor tokens, Segments? segments = null)
    {
        using var scope = NewDisposeScope();
        var pooled = TextPooling.Of(Pooling.Last, Hidden(tokens, segments), tokens, segments);               // (S, D)
        return Projected(pooled).view(-1).MoveToOuterDisposeScope();
    }

    private static Initializer Initial(DecoderConfig config) => Initializers.Normal(1 / Math.Sqrt(config.Plan().DModel + 1));

    // In fp32 whatever the matrices of the body are: it costs nothing, and rewards that lie close together stay apart.
    private Tensor Projected(Tensor x) =>
        functional.linear(x.to(ScalarType.Float32), Parameters[HeadConfig.Weight].to(ScalarType.Float32));       // (…, 1)
}
