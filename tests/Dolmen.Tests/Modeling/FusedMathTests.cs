using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

/// <summary>Our kernels against libtorch's operations: values and gradients, at sizes that are not a multiple of any vector
/// width.</summary>
public class FusedMathTests
{
    private static readonly LayerMath Plain = new PlainMath();
    private static readonly LayerMath Fused = new FusedMath();

    public static TheoryData<ScalarType> Types => [ScalarType.Float32, ScalarType.BFloat16];

    [Theory, MemberData(nameof(Types))]
    public void Rms_norm_matches_libtorch(ScalarType type) => SameValuesAndGradients(type, Tolerance(type),
        (math, x) => math.RmsNorm(x[0], x[1], 1e-5), Random(type, 7, 13, 37), Random(ScalarType.Float32, 37));

    [Theory, MemberData(nameof(Types))]
    public void A_residual_sum_and_its_norm_match_libtorch(ScalarType type)
    {
        // Both outputs enter the result, so that both gradients come back.
        SameValuesAndGradients(type, Tolerance(type) * 2, (math, x) =>
        {
            var (sum, normed) = math.ResidualNorm(x[0], x[1], x[2], 1e-5);
            return sum * 0.5 + normed;
        }, Random(type, 5, 9, 37), Random(type, 5, 9, 37), Random(ScalarType.Float32, 37));
        SameValuesAndGradients(type, Tolerance(type) * 2, (math, x) => math.NormOfSum(x[0], x[1], x[2], 1e-5),
            Random(type, 5, 9, 64), Random(type, 5, 9, 64), Random(ScalarType.Float32, 64));
    }

    [Theory, MemberData(nameof(Types))]
    public void A_swiglu_layer_matches_libtorch(ScalarType type) => SameValuesAndGradients(type, Tolerance(type),
        (math, x) => math.SwiGluLayer(x[0], x[1], x[2]), Random(type, 11, 24), Random(type, 2 * 43, 24), Random(type, 24, 43));

    [Theory]
    [InlineData(2, 2, 24, 19)]
    [InlineData(4, 2, 10, 33)]
    [InlineData(2, 1, 16, 530)]
    public void An_attention_layer_matches_libtorch(int heads, int kvHeads, int headDim, int length)
    {
        using var pattern = new AttentionPattern(heads, kvHeads, headDim, new RotaryTable(length, headDim, 10000));
        foreach (var type in Types)
        {
            // Four products in a row, each rounded: in bf16 to three digits.
            SameValuesAndGradients(type, Tolerance(type) * 4, (math, x) => math.AttentionLayer(x[0], x[1], x[2], pattern),
                Random(type, 2, length, 20), Random(type, (heads + 2 * kvHeads) * headDim, 20), Random(type, 20, heads * headDim));
        }
    }

    [Theory, MemberData(nameof(Types))]
    public void Swiglu_matches_libtorch(ScalarType type) => SameValuesAndGradients(type, Tolerance(type),
        (math, x) => math.SwiGlu(x[0]), Random(type, 5, 11, 2 * 43));

    [Theory]
    [InlineData(2, 2, 24, 19)]
    [InlineData(4, 2, 10, 33)]
    [InlineData(6, 1, 64, 48)]
    [InlineData(2, 1, 16, 530)]
    public void Causal_attention_matches_libtorch(int heads, int kvHeads, int headDim, int length)
    {
        using var pattern = new AttentionPattern(heads, kvHeads, headDim, new RotaryTable(length + 3, headDim, 10000));
        foreach (var type in Types)
        {
            SameValuesAndGradients(type, Tolerance(type) * 2, (math, x) => math.CausalAttention(x[0], pattern),
                Random(type, 2, length, (heads + 2 * kvHeads) * headDim));
        }
    }

    [Theory]
    [InlineData(600, 64)]
    [InlineData(530, 100)]
    [InlineData(700, 512)]
    [InlineData(40, 7)]
    public void A_window_sees_what_the_mask_says(int length, int window)
    {
        using var scope = NewDisposeScope();
        using var pattern = new AttentionPattern(4, 2, 16, new RotaryTable(length, 16, 10000), Window: window);
        var qkv = Random(ScalarType.Float32, 1, length, 8 * 16);
        // Against the definition: softmax over the scores with everything outside the window at −∞.
        var parts = qkv.view(1, length, 8, 16).split([4, 2, 2], 2);
        using var bare = new AttentionPattern(4, 2, 16, Window: window);
        Tensor Heads(Tensor x) => x.transpose(1, 2).repeat_interleave(4 / x.shape[2], 1).to(ScalarType.Float64);          // (1, 4, T, 16)
        var scores = Heads(parts[0]).reshape(4, length, 16).bmm(Heads(parts[1]).reshape(4, length, 16).transpose(1, 2)) / 4;
        var expected = (scores + bare.Bias(length, ScalarType.Float64, qkv.device)).softmax(-1).bmm(Heads(parts[2]).reshape(4, length, 16));
        var actual = Plain.CausalAttention(qkv, bare).view(length, 4, 16).transpose(0, 1).to(ScalarType.Float64);
        Assert.True((expected - actual).abs().max().item<double>() < 1e-5);
        SameValuesAndGradients(
            ScalarType.Float32,
            Tolerance(ScalarType.Float32) * 2,
            (math, x) => math.CausalAttention(x[0], pattern),
            qkv
        );
    }

    [Theory, MemberData(nameof(Types))]
    public void Cross_entropy_matches_libtorch_and_skips_masked_rows(ScalarType type)
    {
        using var targets = Targets(1100, 77);
        SameValuesAndGradients(type, Tolerance(type), (math, x) => math.CrossEntropy(x[0], x[1], targets, 1.0 / 900),
            Random(type, 1100, 24), Random(type, 77, 24));
    }

    [Theory, MemberData(nameof(Types))]
    public void Log_probs_match_libtorch_and_skip_masked_rows(ScalarType type)
    {
        using var targets = Targets(600, 130);
        SameValuesAndGradients(type, Tolerance(type) * 2, (math, x) => math.LogProbs(x[0], x[1], targets),
            Random(type, 600, 24), Random(type, 130, 24));
    }

    [Fact]
    public void A_wrong_shape_is_named_with_both_sizes()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => Fused.RmsNorm(ones(3, 8), ones(7), 1e-5));
        Assert.StartsWith("weight is (7), expected (8).", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_outlives_the_scope_of_a_step()
    {
        var before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        using (NewDisposeScope())
        {
            var x = randn(4, 5, 2 * 8).requires_grad_(true);
            Fused.SwiGlu(x).sum().backward();
            BackwardGuard.ThrowIfFailed();
        }
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    private static double Tolerance(ScalarType type) => type is ScalarType.BFloat16 ? 0.03 : 2e-5;

    private static Tensor Random(ScalarType type, params long[] shape)
    {
        using var generator = new torch.Generator(17);
        return randn(shape, generator: generator).to(type).DetachFromDisposeScope();
    }

    private static Tensor Targets(int rows, int vocab) =>
        tensor([.. Enumerable.Range(0, rows).Select(i => i % 5 == 3 ? -1L : i * 31L % vocab)]);

    /// <summary>The reference runs in double from the same (rounded) inputs, so that its own error does not count.</summary>
    private static void SameValuesAndGradients(
        ScalarType type,
        double tolerance,
        Func<LayerMath, Tensor[], Tensor> run,
        params Tensor[] inputs
    )
    {
        using var scope = NewDisposeScope();
        var expected = Evaluate(Plain, [.. inputs.Select(x => x.to(ScalarType.Float64))], run);
        var actual = Evaluate(Fused, inputs, run);
        for (var i = 0; i < expected.Length; i++)
        {
            var scale = Math.Max(1e-6, expected[i].abs().max().item<double>());
            var worst = (expected[i] - actual[i].to(ScalarType.Float64)).abs().max().item<double>() / scale;
            Assert.True(
                worst <= tolerance,
                $"{type}, {(i == 0 ? "value" : $"gradient {i}")}: relative error {worst:E2}, allowed {tolerance:E2}"
            );
        }
        foreach (var input in inputs) input.Dispose();
    }

    private static Tensor[] Evaluate(LayerMath math, Tensor[] inputs, Func<LayerMath, Tensor[], Tensor> run)
    {
        var leaves = inputs.Select(x => x.detach().clone().requires_grad_(true)).ToArray();
        var y = run(math, leaves);
        using var generator = new torch.Generator(5);
        var weights = randn(y.shape, generator: generator).to(y.dtype);
        (y * weights).sum().backward();
        BackwardGuard.ThrowIfFailed();
        return [y.detach(), .. leaves.Select(leaf => leaf.grad!)];
    }
}
