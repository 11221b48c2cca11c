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
[JsonDerivedType(typeof(DolmenConfig), "dolmen")]
[JsonDerivedType(typeof(Gpt2Config), "gpt2")]
[JsonDerivedType(typeof(MambaConfig), "mamba")]
[JsonDerivedType(typeof(Mamba2Config), "mamba2")]
[JsonDerivedType(typeof(JambaConfig), "jamba")]
[JsonDerivedType(typeof(S4Config), "s4")]
[JsonDerivedType(typeof(H3Config), "h3")]
[JsonDerivedType(typeof(HybridConfig), "hybrid")]
[JsonDerivedType(typeof(Seq2SeqConfig), "seq2seq")]
[JsonDerivedType(typeof(EncoderDecoderConfig), "encoder-decoder")]
public abstract record ModelConfig
{
    public abstract int VocabSize { get; init; }

    public abstract int ContextLength { get; init; }

    /// <summary>What the model is made of, for a model card: "a decoder of 6 layers (5 Mamba-2, 1 attention; 6 SwiGLU)".</summary>
    public abstract string Describe();

    /// <summary>Every tensor of the exported checkpoint, in file order.</summary>
    public abstract IReadOnlyList<TensorShape> Tensors();

    /// <summary>All problems at once, each saying value, rule and way out; empty when the model can be built.</summary>
    public abstract IReadOnlyList<string> Problems();

    /// <summary>Floating-point operations of one token's forward pass, the mean over a sequence of the given length.</summary>
    public abstract double ForwardFlopsPerToken(int contextLength);

    /// <summary>Forward and backward: three times the forward pass (Kaplan et al. 2020).</summary>
    public double TrainingFlopsPerToken(int contextLength) => 3 * ForwardFlopsPerToken(contextLength);

    /// <summary>Bytes of decoding state after <paramref name="tokens"/> tokens: KV caches, convolution and state-space states.</summary>
    public abstract long StateBytes(int tokens, int bytesPerValue);

    /// <summary>What one more token adds to an empty state; 0 where the state does not grow.</summary>
    public long StateBytesPerToken(int bytesPerValue) => StateBytes(1, bytesPerValue) - StateBytes(0, bytesPerValue);

    /// <summary>What a sequence needs whatever its length.</summary>
    public long StateBytesPerSequence(int bytesPerValue) => StateBytes(0, bytesPerValue);

    public long Parameters => Tensors().Sum(tensor => tensor.Elements);

    /// <summary>Parameters one token meets: fewer than all in a mixture of experts.</summary>
    public virtual long ActiveParameters => Parameters;
}
