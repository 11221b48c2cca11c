// B batch, T sequence, D model, V vocab
using Dolmen.Checkpoints;
using Dolmen.Modeling.Architectures;
using Dolmen.Modeling.Layers;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>A model that can be trained: its parameters and the three questions an objective asks.</summary>
public abstract class TrainableModel : IDisposable
{
    public abstract ModelConfig Config { get; }

    public abstract ParameterStore Parameters { get; }

    /// <summary>tokens (B, T) int64 → logits (B, T, V) fp32. For tests and sampling; training never holds them whole.</summary>
    public abstract Tensor Logits(Tensor tokens);

    /// <summary>scale · Σ −log p(target), scalar; a negative target does not count. tokens, targets (B, T) int64.</summary>
    public abstract Tensor Loss(Tensor tokens, Tensor targets, double scale);

    /// <summary>log p(target), (B, T) fp32; 0 where the target is negative. tokens, targets (B, T) int64.</summary>
    public abstract Tensor LogProbs(Tensor tokens, Tensor targets);

    /// <summary>Every tensor of <see cref="ModelConfig.Tensors"/> by its exported name, row-major fp32.</summary>
    public abstract IEnumerable<(string Name, long[] Shape, float[] Values)> Export();

    /// <summary>The reverse of <see cref="Export"/>; <paramref name="read"/> fills a tensor by its exported name.</summary>
    public abstract void Import(Action<string, float[]> read);

    /// <summary>The registration list: one line an architecture.</summary>
    public static TrainableModel Build(ModelConfig config, bool bfloat16, LayerMath? math = null) => config switch
    {
        TransformerConfig transformer => new Transformer(transformer, bfloat16, math ?? new FusedMath()),
        Seq2SeqConfig seq2seq => new Seq2Seq(seq2seq, bfloat16, math ?? new FusedMath()),
        EncoderDecoderConfig pair => new EncoderDecoder(pair, bfloat16, math ?? new FusedMath()),
        _ => throw new NotSupportedException($"Architecture {config.GetType().Name} cannot be trained."),
    };

    public abstract void Dispose();
}
