using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Modeling.Layers;
using Dolmen.Tests.Fakes;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

[Collection(ProcessSettings.Name)]
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
    public void An_input_that_is_not_contiguous_gets_its_gradient()
    {
        using var scope = NewDisposeScope();
        var (x, weight) = (randn(6, 4).requires_grad_(true), randn(5, 6));
        PackedLinearFunction.apply(x.t(), weight, false).sum().backward();
        BackwardGuard.ThrowIfFailed();
        Near(weight.to(ScalarType.Float64).sum([0]).unsqueeze(1).expand(6, 4), x.grad!);
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

    public static TheoryData<string> Decoders => [.. SmallModels.All.Keys];

    [Theory, MemberData(nameof(Decoders))]
    public void A_model_on_the_packed_path_has_the_loss_and_the_gradients_of_libtorchs(string name)
    {
        var config = SmallModels.All[name];
        var runs = new List<(double Loss, Dictionary<string, float[]> Gradients)>();
        foreach (var arithmetic in (Precision[])[Precision.Float32, Precision.Float32Packed])
        {
            using var model = new LanguageDecoder(config, Compute.Of(new ComputePath(arithmetic, "")));
            model.Parameters.Initialize(3);
            using var scope = NewDisposeScope();
            var length = Math.Min(16, config.ContextLength);
            var tokens = (arange(0, 2 * length) * 7 % config.VocabSize).view(2, length);
            var loss = model.Loss(tokens, tokens, 1.0 / (2 * length));
            loss.backward();
            BackwardGuard.ThrowIfFailed();
            runs.Add((loss.item<float>(), model.ExportedGradients().ToDictionary(entry => entry.Name, entry => entry.Values)));
        }
        Assert.Equal(runs[0].Loss, runs[1].Loss, 1e-5 * Math.Abs(runs[0].Loss));
        foreach (var (parameter, expected) in runs[0].Gradients)
        {
            var actual = runs[1].Gradients[parameter];
            var scale = expected.Max(Math.Abs);
            for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-3 * scale + 1e-7);
        }
    }

    private static void Near(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        var worst = (expected - actual.to(ScalarType.Float64)).abs().max().item<double>();
        Assert.InRange(worst, 0, 1e-5 * expected.abs().max().item<double>());
    }
}
