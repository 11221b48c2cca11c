using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

/// <summary>Values and gradients of the fused kernels against libtorch's operations in double.</summary>
internal static class KernelComparison
{
    private static readonly LayerMath Plain = new PlainMath();
    private static readonly LayerMath Fused = new FusedMath();

    public static double Tolerance(ScalarType type) => type is ScalarType.BFloat16 ? 0.02 : 2e-5;

    public static Tensor Random(ScalarType type, int seed, params long[] shape)
    {
        using var generator = new torch.Generator((ulong)seed);
        using var scope = NewDisposeScope();
        return randn(shape, generator: generator).to(type).MoveToOuterDisposeScope();
    }

    /// <summary>The reference runs in double from the same (rounded) inputs, so that its own error does not count.</summary>
    public static void SameValuesAndGradients(
        ScalarType type,
        double tolerance,
        Func<LayerMath, Tensor[], Tensor> run,
        params Tensor[] inputs
    )
    {
        using var scope = NewDisposeScope();
        var expected = ValueAndGradients([.. inputs.Select(x => x.to(ScalarType.Float64))], x => run(Plain, x));
        var actual = ValueAndGradients(inputs, x => run(Fused, x));
        Same(type.ToString(), tolerance, expected, actual);
    }

    public static void Same(string what, double tolerance, Tensor[] expected, Tensor[] actual)
    {
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i].shape, actual[i].shape);
            var scale = Math.Max(1e-6, expected[i].abs().max().item<double>());
            var worst = (expected[i] - actual[i].to(ScalarType.Float64)).abs().max().item<double>() / scale;
            Assert.True(
                worst <= tolerance,
                $"{what}, {(i == 0 ? "value" : $"gradient {i}")}: relative error {worst:E2}, allowed {tolerance:E2}"
            );
        }
    }

    public static Tensor[] ValueAndGradients(Tensor[] inputs, Func<Tensor[], Tensor> run)
    {
        var leaves = inputs.Select(x => x.detach().clone().requires_grad_(true)).ToArray();
        var y = run(leaves);
        (y * Random(y.dtype, 5, y.shape)).sum().backward();
        BackwardGuard.ThrowIfFailed();
        return [y.detach(), .. leaves.Select(leaf => leaf.grad!)];
    }

    /// <summary>The gradients of a reference in double against central differences, along a few random directions of each input.</summary>
    public static void GradientsFollowDifferences(Func<Tensor[], Tensor> run, params Tensor[] inputs)
    {
        const double Step = 1e-5;
        using var scope = NewDisposeScope();
        var gradients = ValueAndGradients(inputs, run)[1..];
        double Objective(Tensor[] x)
        {
            var y = run(x);
            return (y * Random(y.dtype, 5, y.shape)).sum().item<double>();
        }
        for (var i = 0; i < inputs.Length; i++)
        {
            for (var seed = 0; seed < 3; seed++)
            {
                var direction = Random(ScalarType.Float64, 100 + seed, inputs[i].shape);
                Tensor[] Moved(double by) => [.. inputs.Select((x, j) => j == i ? x + direction * by : x)];
                var difference = (Objective(Moved(Step)) - Objective(Moved(-Step))) / (2 * Step);
                var slope = (gradients[i] * direction).sum().item<double>();
                Assert.Equal(difference, slope, 1e-6 * Math.Max(1, Math.Abs(difference)));
            }
        }
    }
}
