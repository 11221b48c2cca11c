// B batch, T sequence, D model, K classes
using Dolmen.Checkpoints;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling;

/// <summary>Classifies whole sequences: the mean over the positions of a decoder's last hidden states, and a linear head (S4, Gu et al.
/// 2022, §4).</summary>
public sealed class SequenceClassifier : IDisposable
{
    private const string Weight = "classifier.weight", Bias = "classifier.bias";

    private readonly TrainableModel _body;
    private readonly ParameterStore _head;

    public SequenceClassifier(DecoderConfig config, int classes)
    {
        _body = TrainableModel.Build(config, bfloat16: false);
        long d = config.Plan().DModel;
        _head = new ParameterStore(
            [
                new(Weight, [classes, d], ParameterGroup.Head, Initializers.Uniform(1 / Math.Sqrt(d))),
                new(Bias, [classes], ParameterGroup.Vector, Initializers.Constant(0)),
            ], bfloat16: false);
    }

    public void Initialize(ulong seed)
    {
        _body.Parameters.Initialize(seed);
        _head.Initialize(seed + 1);
    }

    /// <summary>tokens (B, T) int64 → (B, K).</summary>
    public Tensor Logits(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var pooled = _body.HiddenStates(tokens)[^1].mean([1]);                  // (B, D)
        return functional.linear(pooled, _head[Weight], _head[Bias]).MoveToOuterDisposeScope();
    }

    /// <summary>What is trained: the decoder's parameters and the head's.</summary>
    public IReadOnlyList<ParameterStore> Parameters => [_body.Parameters, _head];

    /// <summary>Leaves the gradients of the mean cross-entropy of tokens (B, T) with labels (B) int64 in <see cref="Parameters"/>;
    /// returns it.</summary>
    public double Backward(Tensor tokens, Tensor labels)
    {
        using var scope = NewDisposeScope();
        var loss = functional.cross_entropy(Logits(tokens), labels);
        var value = _body.Parameters.Backward(loss, first: true);
        _head.TakeGradients(first: true);
        return value;
    }

    public void Dispose()
    {
        _body.Dispose();
        _head.Dispose();
    }
}
