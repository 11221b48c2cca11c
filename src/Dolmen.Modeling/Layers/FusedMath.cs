// B batch, T sequence, N rows (= B·T), D model, H heads, K kv-heads, E head dim, F feed-forward, V vocab
using Dolmen.Modeling.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>Our kernels as autograd functions; CPU tensors in fp32 or bf16, sums always in fp32.</summary>
/// <param name="packedProducts">Whether the language head's products, in fp32, are ours or libtorch's.</param>
public sealed partial class FusedMath(bool packedProducts = false) : LayerMath
{
    /// <summary>Up to here the whole score matrix fits the caches and two batched products win; beyond, libtorch's flash attention
    /// does.</summary>
    private const int WholeScoresLength = 512;

    private readonly LinearProducts _products = new(packedProducts);

    public override Tensor RmsNorm(Tensor x, Tensor weight, double epsilon)
    {
        Shape.Check(nameof(weight), weight, x.shape[^1]);
        return RmsNormFunction.apply(x, weight, epsilon);
    }

    public override Tensor CausalAttention(Tensor qkv, AttentionPattern pattern, Segments? segments = null)
    {
        using var scope = NewDisposeScope();
        var layout = new HeadLayout((int)qkv.shape[0], (int)qkv.shape[1], pattern.Heads, pattern.KvHeads, pattern.HeadDim);
        Shape.Check(nameof(qkv), qkv, layout.Batch, layout.Length, layout.RowWidth);
        if (pattern.Rotary is { } rotary && layout.Length > rotary.ContextLength)
            throw new ArgumentException($"qkv holds {layout.Length} positions, the rotary table {rotary.ContextLength}.", nameof(qkv));
        segments?.Check(qkv, 1);
        var apart = (object?)segments ?? false;
        var table = pattern.Rotary?.For(segments?.Longest ?? layout.Length) ?? empty(0);
        var parts = RotaryFunction.apply(qkv, table, layout, apart);      // q (B, H, T, E), k and v (B, K, T, E)
        if (layout.Length > WholeScoresLength)
            return PlainMath.AttendApart(parts[0], parts[1], parts[2], pattern, segments).MoveToOuterDisposeScope();
        var (slopes, window) = (pattern.Slopes ?? empty(0), pattern.Window ?? int.MaxValue);
        return CausalAttentionFunction.apply(parts[0], parts[1], parts[2], slopes, window, apart).MoveToOuterDisposeScope();
    }

    public override Tensor SwiGlu(Tensor gateUp) => SwiGluFunction.apply(gateUp);

    public override Tensor CrossEntropy(Tensor x, Tensor head, Tensor targets, double scale)
    {
        CheckTargets(x, head, targets);
        return LinearCrossEntropyFunction.apply(x, head, targets, scale, _products);
    }

    public override Tensor LogProbs(Tensor x, Tensor head, Tensor targets)
    {
        CheckTargets(x, head, targets);
        return LinearLogProbsFunction.apply(x, head, targets, _products);
    }

    private static void CheckTargets(Tensor x, Tensor head, Tensor targets)
    {
        Shape.Check(nameof(head), head, head.shape[0], x.shape[^1]);
        Shape.Check(nameof(targets), targets, x.shape[0]);
    }
}
