namespace Dolmen.Checkpoints;

/// <summary>The part of a block that looks at other positions: attention, a state-space model, a convolution. One record for each kind
/// says its tensors and costs; Modeling trains it, Inference decodes it.</summary>
public abstract record MixerSpec
{
    /// <summary>What people call it, in a model card.</summary>
    public abstract string Name { get; }

    /// <summary>The mixer's tensors, in file order.</summary>
    public abstract IEnumerable<TensorShape> Tensors();

    /// <summary>Forward operations for one token, the mean over a sequence of <paramref name="contextLength"/>.</summary>
    public abstract double ForwardFlopsPerToken(int contextLength);

    /// <summary>Numbers of decoding state that every further token adds.</summary>
    public virtual long StateValuesPerToken => 0;

    /// <summary>Numbers of decoding state a sequence holds whatever its length.</summary>
    public virtual long StateValuesPerSequence => 0;

    /// <summary>Tokens after which <see cref="StateValuesPerToken"/> no longer adds up: a sliding window.</summary>
    public virtual int StateTokens(int tokens) => tokens;
}

/// <summary>Causal attention with H query heads that share K key-value heads (Vaswani et al. 2017; Ainslie et al. 2023).</summary>
/// <param name="Qkv">D → (H + 2K)·E: queries, then keys, then values.</param>
/// <param name="Output">H·E → D.</param>
/// <param name="Window">A position sees itself and the Window − 1 before it; null sees all.</param>
/// <param name="QueryNorm">RMSNorm over each query head before positions (Qwen 3); <paramref name="KeyNorm"/> over each key head.</param>
/// <param name="QueryScale">What scores are multiplied by besides 1 / √E.</param>
public sealed record AttentionSpec(
    int Heads, int KvHeads, int HeadDim, LinearSpec Qkv, LinearSpec Output, PositionSpec Position, int? Window = null,
    NormSpec? QueryNorm = null, NormSpec? KeyNorm = null, double QueryScale = 1) : MixerSpec
{
    public override string Name => Window is { } width ? $"attention over {width} tokens" : "attention";

    public override IEnumerable<TensorShape> Tensors() =>
        [.. Qkv.Tensors(), .. Output.Tensors(), .. QueryNorm?.Tensors() ?? [], .. KeyNorm?.Tensors() ?? []];

    // Two products of 2·E operations a head and visible position.
    public override double ForwardFlopsPerToken(int contextLength) =>
        Qkv.ForwardFlops + Output.ForwardFlops + 4.0 * Heads * HeadDim * MeanVisible(contextLength);

    public override long StateValuesPerToken => 2L * KvHeads * HeadDim;

    public override int StateTokens(int tokens) => Math.Min(tokens, Window ?? int.MaxValue);

    private double MeanVisible(double length) =>
        Window is { } window && window < length ? window - window * window / (2 * length) : length / 2;
}
