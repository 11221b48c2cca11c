// B batch, T steps, H state, G gates, D decoder state
using Dolmen.Checkpoints;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>Our kernels as autograd functions; CPU tensors, products in fp32 or bf16, states and sums always in fp32.</summary>
public sealed class FusedRnnMath : RnnMath
{
    public override (Tensor Outputs, Tensor H, Tensor? C) Layer(
        Tensor below, RnnWeights weights, (Tensor H, Tensor? C) start, SequenceLengths? lengths, RecurrentCell cell, bool backwards)
    {
        using var scope = NewDisposeScope();
        var loop = new RnnLoop(cell == RecurrentCell.Lstm, backwards, lengths);
        Shape.Check(nameof(below), below, below.shape[0], start.H.shape[0], loop.Gates * start.H.shape[1]);
        var steps = below.shape[0];
        // (T+2, B, H)
        var states = RnnLayerFunction.apply(below, weights.StateWeight, weights.StateBias, start.H, start.C ?? start.H, loop);
        var h = states[backwards ? 0 : steps].to(ScalarType.Float32); // (B, H)
        var c = loop.Lstm ? states[steps + 1].to(ScalarType.Float32) : null; // (B, H)
        return (
            states.narrow(0, backwards ? 0 : 1, steps).MoveToOuterDisposeScope(),
            h.MoveToOuterDisposeScope(),
            c?.MoveToOuterDisposeScope()
        );
    }

    public override (Tensor Vectors, Tensor Weights) AttentiveDecoder(
        Tensor below,
        Tensor? feed,
        IReadOnlyList<RnnWeights> layers,
        IReadOnlyList<(Tensor H, Tensor? C)> start,
        AttentionWeights attention,
        Tensor keys,
        Tensor memory,
        SequenceLengths lengths,
        RecurrentCell cell
    )
    {
        using var scope = NewDisposeScope();
        var shape = new DecoderLoop(
            cell == RecurrentCell.Lstm,
            layers.Count,
            feed is not null,
            attention.Query is not null,
            attention.QueryBias is not null,
            lengths
        );
        List<Tensor> arguments = [below, keys, memory, attention.Vector, attention.VectorBias];
        if (feed is not null) arguments.Add(feed);
        if (attention.Query is not null)
        {
            arguments.Add(attention.Query);
            arguments.Add(attention.Energy!);
            if (attention.QueryBias is not null) arguments.Add(attention.QueryBias);
        }
        for (var i = 0; i < layers.Count; i++)
        {
            if (i > 0) arguments.AddRange([layers[i].InputWeight, layers[i].InputBias]);
            arguments.AddRange([layers[i].StateWeight, layers[i].StateBias, start[i].H]);
            if (shape.Lstm) arguments.Add(start[i].C!);
        }
        var vectors = RnnDecoderFunction.apply([.. arguments, shape]);          // (T, B, D)
        return (vectors.MoveToOuterDisposeScope(), shape.Weights!.MoveToOuterDisposeScope());
    }
}
