using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Layers;
using Dolmen.Modeling.Mixers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

/// <summary>Our kernels against libtorch in double, at sizes that are not a multiple of a vector or a chunk; S4's kernel against its own
/// recurrence.</summary>
public class StateSpaceKernelTests
{
    [Theory]
    [InlineData(1, 3, 5, 37)]
    [InlineData(2, 2, 32, 700)]
    public void Power_sums_match_libtorch(int channels, int features, int state, int length) => SameValuesAndGradients(
        (math, x) => math.PowerSums(x[0], x[1], length), Random(1, channels, features, state, 2), Rates(features, state));

    [Theory]
    [InlineData(4, 3, 5, 37)]
    [InlineData(9, 2, 16, 130)]
    [InlineData(4, 2, 32, 513)]
    public void Cauchy_sums_match_libtorch(int numerators, int features, int state, int length) => SameValuesAndGradients(
        (math, x) => math.CauchySums(x[0], x[1], length), Random(2, numerators, features, state, 2), Rates(features, state));

    [Theory]
    [InlineData(1, 32)]
    [InlineData(1, 45)]
    [InlineData(2, 33)]
    public void S4s_kernel_and_gradients_are_those_of_its_recurrence(int rank, int length)
    {
        using var scope = NewDisposeScope();
        using var generator = new torch.Generator(4);
        Tensor Leaf(params long[] shape) => (randn(shape, ScalarType.Float64, generator: generator) * 0.7).detach().requires_grad_(true);
        var (system, p) = (new DiagonalSystem(Leaf(2, 3), Leaf(2, 3), Leaf(2), Leaf(2, 3, 2), Leaf(2, 2, 3, 2)), Leaf(rank, 2, 3, 2));
        Tensor[] leaves = [system.LogDecay, system.Frequency, system.LogStep, system.Input, system.Output, p];
        var weights = randn([2, 2, length], ScalarType.Float64, generator: generator);
        var expected = Gradients(Recurrence(system, p, length), weights, leaves);
        var actual = Gradients(StateSpaceKernels.LowRank(new PlainMath(), system, p, length), weights, leaves);
        for (var i = 0; i < expected.Length; i++)
        {
            var worst = (expected[i] - actual[i]).abs().max().item<double>() / expected[i].abs().max().item<double>();
            Assert.True(worst <= 1e-10, $"{(i == 0 ? "kernel" : $"gradient {i}")}: relative error {worst:E2}");
        }
    }

    [Fact]
    public void Long_convolutions_are_sums()
    {
        using var scope = NewDisposeScope();
        using var generator = new torch.Generator(4);
        var (u, kernel, skip) = (
            randn([2, 11, 3], ScalarType.Float64, generator: generator),
            randn([2, 3, 7], ScalarType.Float64, generator: generator),
            randn([2, 3], ScalarType.Float64, generator: generator)
        );
        var y = LongConvolution.Apply(u, kernel, skip); // (2, 11, 6)
        for (var t = 0; t < 11; t++)
        {
            for (var c = 0; c < 2; c++)
            {
                for (var h = 0; h < 3; h++)
                {
                    var sum = skip[c, h].item<double>() * u[1, t, h].item<double>();
                    for (var l = 0; l <= Math.Min(t, 6); l++) sum += kernel[c, h, l].item<double>() * u[1, t - l, h].item<double>();
                    Assert.Equal(sum, y[1, t, c * 3 + h].item<double>(), 1e-10);
                }
            }
        }
        Assert.Equal([2L, 30, 32, 1200, 2048], new long[] { 1, 29, 31, 1153, 2047 }.Select(LongConvolution.EasyLength));
    }

    /// <summary>K(l) = 2·Re C·Āˡ·B̄ with dense complex matrices of the whole state, both halves of every pair.</summary>
    private static Tensor Recurrence(DiagonalSystem system, Tensor lowRank, int length)
    {
        static Tensor Whole(Tensor half)
        {
            var z = complex(half.select(-1, 0), half.select(-1, 1));
            return cat([z, z.conj()], -1);
        }
        var a = complex(-system.LogDecay.exp(), system.Frequency);
        var p = Whole(lowRank).permute(1, 2, 0);                                // (H, 2N, R)
        var step = system.LogStep.exp().view(-1, 1, 1);
        var half = (diag_embed(cat([a, a.conj()], -1)) - p.bmm(p.transpose(1, 2).conj())) * step / 2;       // (H, 2N, 2N)
        var identity = eye(half.shape[1], dtype: ScalarType.ComplexFloat64);
        var transition = linalg.solve(identity - half, identity + half);
        var state = linalg.solve(identity - half, Whole(system.Input).unsqueeze(-1) * step);                // (H, 2N, 1)
        var output = Whole(system.Output).transpose(0, 1);                      // (H, C, 2N)
        var kernel = new List<Tensor>();
        for (var l = 0; l < length; l++)
        {
            kernel.Add(output.bmm(state).real.squeeze(-1).transpose(0, 1));     // (C, H)
            state = transition.bmm(state);
        }
        return stack(kernel, -1);
    }

    private static Tensor[] Gradients(Tensor y, Tensor weights, Tensor[] leaves)
    {
        foreach (var leaf in leaves) leaf.grad = null;
        (y * weights).sum().backward();
        return [y.detach(), .. leaves.Select(leaf => leaf.grad!.clone())];
    }

    private static Tensor Random(long seed, params long[] shape)
    {
        using var generator = new torch.Generator((ulong)seed);
        return randn(shape, generator: generator);
    }

    /// <summary>Decays from a tenth of the sequence to much longer, frequencies up to three radians a step.</summary>
    private static Tensor Rates(int features, int state)
    {
        using var generator = new torch.Generator(9);
        var decay = -(rand([features, state], generator: generator) * -5).exp() * 0.3;
        var turn = (rand([features, state], generator: generator) - 0.5) * 6;
        return stack([decay, turn], -1);
    }

    private static void SameValuesAndGradients(Func<LayerMath, Tensor[], Tensor> run, params Tensor[] inputs)
    {
        using var scope = NewDisposeScope();
        var expected = Evaluate(new PlainMath(), [.. inputs.Select(x => x.to(ScalarType.Float64))], run);
        var actual = Evaluate(new FusedMath(), inputs, run);
        for (var i = 0; i < expected.Length; i++)
        {
            var worst =
                (expected[i] - actual[i].to(ScalarType.Float64)).abs().max().item<double>() / expected[i].abs().max().item<double>();
            TestContext.Current.TestOutputHelper?.WriteLine($"{i}: {worst:E2}");
            Assert.True(worst <= 2e-5, $"{(i == 0 ? "value" : $"gradient {i}")}: relative error {worst:E2}");
        }
        foreach (var input in inputs) input.Dispose();
    }

    private static Tensor[] Evaluate(LayerMath math, Tensor[] inputs, Func<LayerMath, Tensor[], Tensor> run)
    {
        var leaves = inputs.Select(x => x.detach().clone().requires_grad_(true)).ToArray();
        var y = run(math, leaves);
        using var generator = new torch.Generator(5);
        (y * randn(y.shape, generator: generator).to(y.dtype)).sum().backward();
        BackwardGuard.ThrowIfFailed();
        return [y.detach(), .. leaves.Select(leaf => leaf.grad!)];
    }
}
