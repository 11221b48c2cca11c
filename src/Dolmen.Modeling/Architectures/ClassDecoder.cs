// B batch, T sequence, N rows (= B·T), D model, S texts, K classes
using Dolmen.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling.Architectures;

/// <summary>A decoder that says which of K classes a text is of.</summary>
public sealed class ClassDecoder : Decoder
{
    private readonly ClassHeadSpec _head;

    public ClassDecoder(DecoderConfig config, Compute compute) : base(config, compute, Initial(config)) =>
        _head = Plan.Head as ClassHeadSpec
            ?? throw new ArgumentException($"The head is a {Plan.Head.GetType().Name}, not one of classes.", nameof(config));

    /// <summary>Logits of every text, (S, K) fp32 in the order of the texts. tokens (B, T) int64.</summary>
    /// <param name="segments">The texts and their padding; null takes every row as one text without padding.</param>
    public Tensor Logits(Tensor tokens, Segments? segments = null)
    {
        using var scope = NewDisposeScope();
        var pooled = TextPooling.Of(_head.Pooling, Hidden(tokens, segments), tokens, segments);              // (S, D)
        var weight = Parameters[HeadConfig.Weight].to(ScalarType.Float32);                                   // (K, D)
        return functional.linear(pooled.to(ScalarType.Float32), weight).MoveToOuterDisposeScope();
    }

    /// <summary>scale · Σ −log p(label), scalar. tokens (B, T), labels (S) int64.</summary>
    /// <inheritdoc cref="Logits"/>
    public Tensor Loss(Tensor tokens, Tensor labels, double scale, Segments? segments = null)
    {
        using var scope = NewDisposeScope();
        var loss = functional.cross_entropy(Logits(tokens, segments), labels, reduction: Reduction.Sum) * scale;
        return WithRouterLosses(loss, () => labels.numel() * scale).MoveToOuterDisposeScope();
    }

    private static Initializer Initial(DecoderConfig config) => Initializers.Uniform(1 / Math.Sqrt(config.Plan().DModel));
}
