// B batch, S source positions, T target positions, D model, V vocab
using Dolmen.Modeling.Layers;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>A step's pairs: source (B, S) and target input and output (B, T), int64. What is beyond a source's length is padding; a target
/// output of −1 does not count.</summary>
public sealed class PairBatch(long[] source, int[] sourceLengths, long[] targetIn, long[] targetOut)
{
    public int Rows => sourceLengths.Length;

    public int SourceLength => source.Length / Rows;

    public int TargetLength => targetIn.Length / Rows;

    public int Counted => targetOut.Count(target => target >= 0);

    public IReadOnlyList<int> SourceLengths => sourceLengths;

    /// <summary>(S, B): a recurrent model goes position by position.</summary>
    /// <param name="backwards">Each source from its last token to its first, padding still at the end.</param>
    internal Tensor SourceByTime(bool backwards, Device device)
    {
        var ordered = source;
        if (backwards)
        {
            ordered = [.. source];
            for (var row = 0; row < Rows; row++) ordered.AsSpan(row * SourceLength, sourceLengths[row]).Reverse();
        }
        return tensor(ordered, [Rows, SourceLength], device: device).t().contiguous();
    }

    /// <summary>(T, B).</summary>
    internal Tensor TargetInByTime(Device device) => tensor(targetIn, [Rows, TargetLength], device: device).t().contiguous();

    internal Tensor TargetOutByTime(Device device) => tensor(targetOut, [Rows, TargetLength], device: device).t().contiguous();

    /// <summary>(B, S) and (B, T).</summary>
    public Tensor Source(Device device) => tensor(source, [Rows, SourceLength], device: device);

    public Tensor TargetIn(Device device) => tensor(targetIn, [Rows, TargetLength], device: device);

    public Tensor TargetOut(Device device) => tensor(targetOut, [Rows, TargetLength], device: device);
}

/// <summary>A model of a target given a source. Dropout acts only where <see cref="Loss(PairBatch, double, long?)"/> is given a
/// seed.</summary>
public abstract class SequencePairModel : TrainableModel
{
    /// <summary>(B, T, V) fp32, every position given the true ones before it (teacher forcing).</summary>
    public abstract Tensor Logits(PairBatch batch);

    /// <summary>scale · Σ −log p(target), scalar.</summary>
    /// <param name="dropoutSeed">Draws the units that are left out; null while validating.</param>
    public abstract Tensor Loss(PairBatch batch, double scale, long? dropoutSeed = null);

    public override IReadOnlyList<(string Name, float[] Values)> ExportedGradients() =>
        [.. Config.Tensors().Select(tensor => (tensor.Name, Gradient(tensor)))];

    public override IEnumerable<(string Name, long[] Shape, float[] Values)> Export() =>
        Config.Tensors().Select(tensor => (tensor.Name, tensor.Shape, Parameters.Read(tensor.Name)));

    internal override void Import(IEnumerable<Checkpoints.TensorShape> tensors, Action<string, float[]> read)
    {
        foreach (var tensor in tensors)
        {
            var values = new float[tensor.Elements];
            read(tensor.Name, values);
            Parameters.Write(tensor.Name, values);
        }
        Parameters.RefreshCopy();
    }

    private float[] Gradient(Checkpoints.TensorShape tensor)
    {
        using var scope = NewDisposeScope();
        return Parameters[tensor.Name].grad is { } gradient
            ? gradient.to(ScalarType.Float32).contiguous().cpu().data<float>().ToArray()
            : new float[tensor.Elements];
    }

    /// <summary>Forward, backward, gradients taken; returns the loss. Owns nothing afterwards.</summary>
    public double Backward(PairBatch batch, double scale, bool first, long? dropoutSeed)
    {
        using var scope = NewDisposeScope();
        return Parameters.Backward(Loss(batch, scale, dropoutSeed), first);
    }
}
