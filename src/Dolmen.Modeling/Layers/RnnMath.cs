// B batch, S source positions, T steps, E embedding, H state, G gates (4 of an LSTM, 3 of a GRU), D decoder state, M memory (an encoder
// output)
using System.Runtime.InteropServices;
using Dolmen.Checkpoints;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>Lengths of a batch's sequences, at an address that stays.</summary>
public sealed unsafe class SequenceLengths
{
    private readonly int[] _values;
    private readonly Device _device;

    public SequenceLengths(IReadOnlyList<int> lengths, Device device)
    {
        _device = device;
        _values = GC.AllocateArray<int>(lengths.Count, pinned: true);
        for (var i = 0; i < _values.Length; i++) _values[i] = lengths[i];
    }

    public IReadOnlyList<int> Values => _values;

    internal int* Pointer => (int*)Marshal.UnsafeAddrOfPinnedArrayElement(_values, 0);

    /// <summary>(B, S) bool: true where there is something to see.</summary>
    internal Tensor Seen(long positions) =>
        arange(positions, device: _device).unsqueeze(0)
        < tensor([.. _values.Select(length => (long)length)], device: _device).unsqueeze(1);
}

/// <summary>Weights of one recurrent layer in one direction as torch names them; biases fp32.</summary>
/// <param name="InputWeight">(G·H, input)</param>
/// <param name="StateWeight">(G·H, H)</param>
public sealed record RnnWeights(Tensor InputWeight, Tensor StateWeight, Tensor InputBias, Tensor StateBias);

/// <summary>Weights of a decoder with attention. <paramref name="Query"/>, its bias and <paramref name="Energy"/> (1, D) are null where the
/// energy has none.</summary>
/// <param name="Vector">(D, D + M): of state and context side by side.</param>
public sealed record AttentionWeights(Tensor? Query, Tensor? QueryBias, Tensor? Energy, Tensor Vector, Tensor VectorBias);

/// <summary>The loops of recurrent models. Two implementations: <see cref="PlainRnnMath"/> of libtorch operations, step by step;
/// <see cref="FusedRnnMath"/> with our kernels and a backward pass of its own, tested against it.</summary>
public abstract class RnnMath
{
    /// <summary>One layer over all steps.</summary>
    /// <param name="below">(T, B, G·H): the input's part of the gate sums, with its bias.</param>
    /// <param name="start">(h, c), (B, H) fp32; c is null for a GRU.</param>
    /// <param name="lengths">Where each sequence ends, its state stays; null: all have T steps.</param>
    /// <param name="backwards">From each sequence's end to its beginning.</param>
    /// <returns>States after each step (T, B, H), which after a sequence's end is its last one; h and c at the end (B, H).</returns>
    public abstract (Tensor Outputs, Tensor H, Tensor? C) Layer(
        Tensor below, RnnWeights weights, (Tensor H, Tensor? C) start, SequenceLengths? lengths, RecurrentCell cell, bool backwards);

    /// <summary>A decoder that looks at an encoder's outputs after each of its steps: attentional vectors tanh(W·[state; context] + b)
    /// (Luong et al. 2015, equation 5), each part of the next step's input where <paramref name="feed"/> is given.</summary>
    /// <param name="below">(T, B, G·D) of the first layer, the embeddings' part.</param>
    /// <param name="feed">(G·D, D): how the attentional vector enters the first layer.</param>
    /// <param name="start">(h, c) of every layer, (B, D) fp32.</param>
    /// <param name="keys">(B, S, D)</param>
    /// <param name="memory">(B, S, M)</param>
    /// <returns>Attentional vectors (T, B, D); weights (T, B, S) fp32, without gradient.</returns>
    public abstract (Tensor Vectors, Tensor Weights) AttentiveDecoder(
        Tensor below,
        Tensor? feed,
        IReadOnlyList<RnnWeights> layers,
        IReadOnlyList<(Tensor H, Tensor? C)> start,
        AttentionWeights attention,
        Tensor keys,
        Tensor memory,
        SequenceLengths lengths,
        RecurrentCell cell
    );
}

/// <summary>Libtorch operations only, any device and type.</summary>
public sealed class PlainRnnMath : RnnMath
{
    public override (Tensor Outputs, Tensor H, Tensor? C) Layer(
        Tensor below, RnnWeights weights, (Tensor H, Tensor? C) start, SequenceLengths? lengths, RecurrentCell cell, bool backwards)
    {
        using var scope = NewDisposeScope();
        var steps = (int)below.shape[0];
        var (h, c) = start;
        var outputs = new Tensor[steps];
        var seen = lengths?.Seen(steps);                                                        // (B, T)
        for (var i = 0; i < steps; i++)
        {
            var t = backwards ? steps - 1 - i : i;
            var (after, cellAfter) = Cell(below[t], weights, h, c, cell);                       // (B, H)
            if (seen is not null)
            {
                var live = seen.select(1, t).unsqueeze(1);                                      // (B, 1)
                (h, c) = (where(live, after, h), c is null ? null : where(live, cellAfter!, c));
            }
            else (h, c) = (after, cellAfter);
            outputs[t] = h.to(below.dtype);
        }
        return (stack(outputs).MoveToOuterDisposeScope(), h.alias().MoveToOuterDisposeScope(), c?.alias().MoveToOuterDisposeScope());
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
        var states = start.ToArray();
        var steps = (int)below.shape[0];
        var (vectors, weights) = (new Tensor[steps], new Tensor[steps]);
        var hidden = lengths.Seen(keys.shape[1]).logical_not();                                 // (B, S)
        for (var t = 0; t < steps; t++)
        {
            var x = below[t];                                                                   // (B, G·D)
            if (feed is not null && t > 0) x = x + nn.functional.linear(vectors[t - 1], feed);
            for (var i = 0; i < states.Length; i++)
            {
                if (i > 0)
                    x = nn.functional.linear(states[i - 1].H.to(keys.dtype), layers[i].InputWeight, layers[i].InputBias.to(keys.dtype));
                states[i] = Cell(x, layers[i], states[i].H, states[i].C, cell);
            }
            var query = states[^1].H.to(keys.dtype);                                            // (B, D)
            weights[t] = Energies(query, keys, attention).Hide(hidden).softmax(-1);       // (B, S)
            var context = weights[t].to(keys.dtype).unsqueeze(1).bmm(memory).squeeze(1);        // (B, M)
            vectors[t] = nn.functional.linear(cat([query, context], -1), attention.Vector, attention.VectorBias.to(keys.dtype)).tanh();
        }
        return (stack(vectors).MoveToOuterDisposeScope(), stack(weights).detach().MoveToOuterDisposeScope());
    }

    /// <summary>How well each key fits: query (B, D), keys (B, S, D) → (B, S) fp32.</summary>
    internal static Tensor Energies(Tensor query, Tensor keys, AttentionWeights attention)
    {
        using var scope = NewDisposeScope();
        if (attention.Query is null) return keys.bmm(query.unsqueeze(2)).squeeze(2).to(ScalarType.Float32).MoveToOuterDisposeScope();
        var q = nn.functional.linear(query, attention.Query, attention.QueryBias?.to(query.dtype));
        var squashed = (q.unsqueeze(1) + keys).tanh();                                          // (B, S, D)
        return (squashed * attention.Energy!).sum(-1).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    private static (Tensor H, Tensor? C) Cell(Tensor below, RnnWeights weights, Tensor h, Tensor? c, RecurrentCell cell)
    {
        // (B, G·H)
        var recurrent = nn.functional.linear(h.to(below.dtype), weights.StateWeight).to(ScalarType.Float32) + weights.StateBias;
        var input = below.to(ScalarType.Float32);
        if (cell == RecurrentCell.Lstm)
        {
            var gates = (input + recurrent).chunk(4, -1);                                       // i, f, g, o: 4 × (B, H)
            var state = gates[1].sigmoid() * c! + gates[0].sigmoid() * gates[2].tanh();
            return (gates[3].sigmoid() * state.tanh(), state);
        }
        var (x, y) = (input.chunk(3, -1), recurrent.chunk(3, -1));                              // r, z, n: 3 × (B, H)
        var (reset, update) = ((x[0] + y[0]).sigmoid(), (x[1] + y[1]).sigmoid());
        var fresh = (x[2] + reset * y[2]).tanh();
        return (fresh + update * (h - fresh), null);
    }
}
