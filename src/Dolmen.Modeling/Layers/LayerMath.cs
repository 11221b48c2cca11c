// B batch, T sequence, N rows (= B·T), D model, H heads, K kv-heads, E head dim, F feed-forward, V vocab
using Dolmen.Modeling.Kernels;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>The parts of a decoder that libtorch has no fast CPU form of. Two implementations of the same mathematics:
/// <see cref="PlainMath"/> is libtorch operations as the papers write them and runs anywhere; <see cref="FusedMath"/> is ours for the CPU
/// and is tested against it.</summary>
public abstract partial class LayerMath
{
    /// <summary>x·w/√(mean(x²)+ε); x (…, D), weight (D) fp32.</summary>
    public abstract Tensor RmsNorm(Tensor x, Tensor weight, double epsilon);

    /// <summary>The residual stream after a layer, x + delta, and its norm; x, delta (…, D), weight (D) fp32.</summary>
    public virtual (Tensor Sum, Tensor Normed) ResidualNorm(Tensor x, Tensor delta, Tensor weight, double epsilon)
    {
        var sum = x.Plus(delta);                                                // (…, D)
        return (sum, RmsNorm(sum, weight, epsilon));
    }

    /// <summary>The norm of x + delta alone, (…, D).</summary>
    public virtual Tensor NormOfSum(Tensor x, Tensor delta, Tensor weight, double epsilon)
    {
        using var scope = NewDisposeScope();
        return RmsNorm(x.Plus(delta), weight, epsilon).MoveToOuterDisposeScope();
    }

    /// <summary>Attention between its projections; x (B, T, D), qkv ((H+2K)·E, D), output (D, H·E) → (B, T, D).</summary>
    /// <inheritdoc cref="CausalAttention"/>
    public virtual Tensor AttentionLayer(Tensor x, Tensor qkv, Tensor output, AttentionPattern pattern, Segments? segments = null)
    {
        using var scope = NewDisposeScope();
        var heads = CausalAttention(Linear(x, qkv), pattern, segments);         // (B, T, H·E)
        return Linear(heads, output).MoveToOuterDisposeScope();                 // (B, T, D)
    }

    /// <summary>silu(gate)·up between its projections; x (N, D), gateUp (2F, D), down (D, F) → (N, D).</summary>
    public virtual Tensor SwiGluLayer(Tensor x, Tensor gateUp, Tensor down)
    {
        using var scope = NewDisposeScope();
        return Linear(SwiGlu(Linear(x, gateUp)), down).MoveToOuterDisposeScope();
    }

    /// <summary>x·weightᵀ; x (…, D), weight (F, D) → (…, F).</summary>
    private protected virtual Tensor Linear(Tensor x, Tensor weight) => nn.functional.linear(x, weight);

    /// <summary>Positions, causal grouped-query attention; qkv (B, T, (H+2K)·E) → (B, T, H·E).</summary>
    /// <param name="segments">Each is attended to by itself, its positions counted from its start; null takes every row as one.</param>
    public abstract Tensor CausalAttention(Tensor qkv, AttentionPattern pattern, Segments? segments = null);

    /// <summary>silu(gate)·up; (…, 2F) → (…, F).</summary>
    public abstract Tensor SwiGlu(Tensor gateUp);

    /// <summary>scale · Σ −log softmax(x·headᵀ)[target], a scalar fp32; rows with a negative target do not count.
    /// x (N, D), head (V, D), targets (N) int64.</summary>
    public abstract Tensor CrossEntropy(Tensor x, Tensor head, Tensor targets, double scale);

    /// <summary>log softmax(x·headᵀ)[target] of every row, (N) fp32; 0 where the target is negative.</summary>
    public abstract Tensor LogProbs(Tensor x, Tensor head, Tensor targets);
}
