namespace Dolmen.Checkpoints;

/// <summary>Which hidden state stands for a whole text.</summary>
public enum Pooling
{
    /// <summary>The one of the last token that is not padding: the only one that has seen all of the text.</summary>
    Last,

    /// <summary>The mean over all tokens that are not padding (S4, Gu et al. 2022, §4).</summary>
    Mean,
}

/// <summary>What a decoder makes of its last hidden states: one record for each kind says its tensors and costs; both engines run it.
/// </summary>
public abstract record HeadSpec
{
    /// <summary>The head's tensors, in file order.</summary>
    public abstract IEnumerable<TensorShape> Tensors();

    /// <summary>Forward operations for one token whose hidden state goes through the head.</summary>
    public abstract double ForwardFlops { get; }
}

/// <summary>Logits of the next token at every position.</summary>
/// <param name="VocabSize">V.</param>
/// <param name="DModel">D.</param>
/// <param name="Weight">(V, D); null where the embedding serves as head.</param>
public sealed record LanguageHeadSpec(int VocabSize, int DModel, string? Weight) : HeadSpec
{
    public bool IsTied => Weight is null;

    public override double ForwardFlops => 2.0 * VocabSize * DModel;

    public override IEnumerable<TensorShape> Tensors() => Weight is null ? [] : [new(Weight, [VocabSize, DModel])];
}

/// <summary>One number at every position: the value of the text so far, or, at its last token, the reward of the whole text.</summary>
/// <param name="Projection">D → 1.</param>
public sealed record ScalarHeadSpec(LinearSpec Projection) : HeadSpec
{
    public override double ForwardFlops => Projection.ForwardFlops;

    public override IEnumerable<TensorShape> Tensors() => Projection.Tensors();
}

/// <summary>Logits of K classes of a whole text.</summary>
/// <param name="Projection">D → K.</param>
public sealed record ClassHeadSpec(LinearSpec Projection, Pooling Pooling) : HeadSpec
{
    public override double ForwardFlops => Projection.ForwardFlops;

    public override IEnumerable<TensorShape> Tensors() => Projection.Tensors();
}
