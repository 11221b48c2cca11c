using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

public class PackedLinearTests
{
    [Theory, InlineData(false), InlineData(true)]
    public void Outputs_and_gradients_are_those_of_double_precision(bool biased)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var (x, weight, bias, dy) = (randn(2, 9, 21), randn(35, 21), randn(35), randn(2, 9, 35));
        foreach (var leaf in new[] { x, weight, bias }) leaf.requires_grad_(true);
        var y = PackedLinearFunction.apply(x, weight, biased ? bias : (object)false);
        y.backward([dy]);
        BackwardGuard.ThrowIfFailed();
        var wide = new[] { x, weight, bias }.Select(leaf => leaf.detach().to(ScalarType.Float64).requires_grad_(true)).ToArray();
        var exact = nn.functional.linear(wide[0], wide[1], biased ? wide[2] : null);
        exact.backward([dy.to(ScalarType.Float64)]);
        Near(exact, y);
        Near(wide[0].grad!, x.grad!);
        Near(wide[1].grad!, weight.grad!);
        if (biased) Near(wide[2].grad!, bias.grad!);
    }

    [Fact]
    public void A_frozen_weight_gets_no_gradient_and_the_input_still_does()
    {
        using var scope = NewDisposeScope();
        var (x, weight) = (randn(4, 6).requires_grad_(true), randn(5, 6));
        PackedLinearFunction.apply(x, weight, false).sum().backward();
        BackwardGuard.ThrowIfFailed();
        Assert.NotNull(x.grad);
        Assert.Null(weight.grad);
    }

    [Fact]
    public void A_model_on_the_packed_path_learns_as_on_libtorchs()
    {
        var config = new TransformerConfig(96, 32, 2, 2, 1, 16, 48, 24);
        var losses = new List<double[]>();
        foreach (var arithmetic in (Precision[])[Precision.Float32, Precision.Float32Packed])
        {
            using var model = new LanguageDecoder(config, Compute.Of(new ComputePath(arithmetic, "")));
            model.Parameters.Initialize(3);
            using var scope = NewDisposeScope();
            var tokens = (arange(0, 48) * 7 % 96).view(2, 24);
            var loss = model.Parameters.Backward(model.Loss(tokens, tokens, 1.0 / 48), first: true);
            losses.Add([loss, model.Parameters.GradientNorm(), model.LogProbs(tokens, tokens).sum().item<float>()]);
        }
        for (var i = 0; i < losses[0].Length; i++) Assert.Equal(losses[0][i], losses[1][i], 1e-4 * Math.Abs(losses[0][i]));
    }

    private static void Near(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        var worst = (expected - actual.to(ScalarType.Float64)).abs().max().item<double>();
        Assert.InRange(worst, 0, 1e-5 * expected.abs().max().item<double>());
    }
}
