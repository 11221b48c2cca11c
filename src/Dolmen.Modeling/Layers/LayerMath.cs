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
