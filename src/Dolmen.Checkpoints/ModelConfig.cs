using System.Text.Json.Serialization;

namespace Dolmen.Checkpoints;

/// <summary>A parameter's name in the exported checkpoint (exactly as upstream) and its shape.</summary>
public sealed record TensorShape(string Name, long[] Shape)
{
    public long Elements => Shape.Aggregate(1L, (product, size) => checked(product * size));
}

/// <summary>What a model is: hyper-parameters, tensors and costs. How to run it is the business of Modeling and of Inference.
/// Discriminators are permanent once released.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "architecture")]
[JsonDerivedType(typeof(TransformerConfig), "transformer")]
[JsonDerivedType(typeof(Seq2SeqConfig), "seq2seq")]
public abstract record ModelConfig
{
    public abstract int VocabSize { get; init; }

    public abstract int ContextLength { get; init; }

    /// <summary>Every tensor of the exported checkpoint, in file order.</summary>
    public abstract IReadOnlyList<TensorShape> Tensors();

    /// <summary>All problems at once, each saying value, rule and way out; empty when the model can be built.</summary>
    public abstract IReadOnlyList<string> Problems();

    /// <summary>Forward and backward floating-point operations for one token at the given context length.</summary>
    public abstract double TrainingFlopsPerToken(int contextLength);

    /// <summary>Bytes of decoding state one more token adds.</summary>
    public abstract long StateBytesPerToken(int bytesPerValue);

    public long Parameters => Tensors().Sum(tensor => tensor.Elements);
}
