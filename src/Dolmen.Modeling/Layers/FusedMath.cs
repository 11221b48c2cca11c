// B batch, T sequence, N rows (= B·T), D model, H heads, K kv-heads, E head dim, F feed-forward, V vocab
using Dolmen.Modeling.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>Our kernels as autograd functions; CPU tensors in fp32 or bf16, sums always in fp32.</summary>
/// <param name="packedProducts">Whether products of layers, in fp32, are ours or libtorch's.</param>
public sealed partial class FusedMath(bool packedProducts = false) : LayerMath
{
    /// <summary>Up to here the whole score matrix fits the caches and two batched products win; beyond, libtorch's flash attention does.
    /// Where texts share a row it would need a mask as large as the scores, and wins later.</summary>
    private const int WholeScoresLength = 512, WholeScoresLengthApart = 1024;

    private readonly LinearProducts _products = new(packedProducts);

    public override Tensor RmsNorm(Tensor x, Tensor weight, double epsilon)
    {
        Shape.Check(nameof(weight), weight, x.shape[^1]);
        return RmsNormFunction.apply(x, weight, epsilon);
    }

    public override (Tensor Sum, Tensor Normed) ResidualNorm(Tensor x, Tensor delta, Tensor weight, double epsilon)
    {
        Shape.Check(nameof(weight), weight, x.shape[^1]);
        Shape.Check(nameof(delta), delta, x.shape);
        using var scope = NewDisposeScope();
        var both = ResidualNormFunction.apply(x, delta, weight, epsilon, true);
        return (both[1].MoveToOuterDisposeScope(), both[0].MoveToOuterDisposeScope());
    }

    public override Tensor NormOfSum(Tensor x, Tensor delta, Tensor weight, double epsilon)
    {
        Shape.Check(nameof(weight), weight, x.shape[^1]);
        Shape.Check(nameof(delta), delta, x.shape);
        using var scope = NewDisposeScope();
        return ResidualNormFunction.apply(x, delta, weight, epsilon, false)[0].MoveToOuterDisposeScope();
    }

    public override Tensor AttentionLayer(Tensor x, Tensor qkv, Tensor output, AttentionPattern pattern, Segments? segments = null)
    {
        if (x.shape[1] > Longest(segments)) return base.AttentionLayer(x, qkv, output, pattern, segments);
        using var scope = NewDisposeScope();
        var layout = Layout(x, pattern, segments);
        Shape.Check(nameof(qkv), qkv, layout.RowWidth, x.shape[2]);
        Shape.Check(nameof(output), output, x.shape[2], layout.Heads * layout.HeadDim);
        var (table, scores) = (Angles(pattern, layout, segments), Scores(pattern, segments));
        return AttentionLayerFunction.apply(x, qkv, output, table, layout, scores, _products).MoveToOuterDisposeScope();
    }

    public override Tensor CausalAttention(Tensor qkv, AttentionPattern pattern, Segments? segments = null)
    {
        using var scope = NewDisposeScope();
        var layout = Layout(qkv, pattern, segments);
        Shape.Check(nameof(qkv), qkv, layout.Batch, layout.Length, layout.RowWidth);
        var apart = (object?)segments ?? false;
        var parts = RotaryFunction.apply(qkv, Angles(pattern, layout, segments), layout, apart);     // q (B, H, T, E), k and v (B, K, T, E)
        return layout.Length > Longest(segments)
            ? PlainMath.AttendApart(parts[0], parts[1], parts[2], pattern, segments).MoveToOuterDisposeScope()
            : CausalAttentionFunction.apply(parts[0], parts[1], parts[2], Scores(pattern, segments)).MoveToOuterDisposeScope();
    }

    private static int Longest(Segments? segments) => segments is null ? WholeScoresLength : WholeScoresLengthApart;

    /// <summary>Sizes of the heads of x (B, T, …).</summary>
    private static HeadLayout Layout(Tensor x, AttentionPattern pattern, Segments? segments)
    {
        var layout = new HeadLayout((int)x.shape[0], (int)x.shape[1], pattern.Heads, pattern.KvHeads, pattern.HeadDim);
        if (pattern.Rotary is { } rotary && layout.Length > rotary.ContextLength)
            throw new ArgumentException($"The rows hold {layout.Length} positions, the rotary table {rotary.ContextLength}.", nameof(x));
        segments?.Check(x, 1);
        return layout;
    }

    private static Tensor Angles(AttentionPattern pattern, HeadLayout layout, Segments? segments) =>
        pattern.Rotary?.For(segments?.Longest ?? layout.Length) ?? empty(0);

    private static WholeScores Scores(AttentionPattern pattern, Segments? segments) =>
        new(pattern.Heads, pattern.Slopes, pattern.Window ?? int.MaxValue, segments);

    public override Tensor SwiGlu(Tensor gateUp) => SwiGluFunction.apply(gateUp);

    public override Tensor SwiGluLayer(Tensor x, Tensor gateUp, Tensor down)
    {
        Shape.Check(nameof(gateUp), gateUp, gateUp.shape[0], x.shape[^1]);
        Shape.Check(nameof(down), down, x.shape[^1], gateUp.shape[0] / 2);
        using var scope = NewDisposeScope();
        return SwiGluLayerFunction.apply(x, gateUp, down, _products).MoveToOuterDisposeScope();
    }

    private protected override Tensor Linear(Tensor x, Tensor weight) =>
        _products.Packed ? PackedLinearFunction.apply(x, weight, false) : base.Linear(x, weight);

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
