using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Modeling;

[Collection(ProcessSettings.Name)]
public class ArithmeticChoiceTests
{
    private static readonly TransformerConfig Config = new(96, 32, 2, 2, 1, 16, 48, 24);

    [Fact]
    public void The_fastest_candidate_is_chosen_and_every_candidate_has_a_rate()
    {
        var choice = ArithmeticChoice.For(Config);
        Assert.Equal(ComputePath.Candidates.Order(), choice.Rates.Select(rate => rate.Arithmetic).Order());
        Assert.Equal(choice.Rates.MaxBy(rate => rate.FlopsPerSecond)!.Arithmetic, choice.Fastest);
        Assert.All(choice.Rates, rate => Assert.InRange(rate.FlopsPerSecond, 1, 1e16));
    }

    [Fact]
    public void The_answer_is_kept() => Assert.Equal(ArithmeticChoice.For(Config).Rates, ArithmeticChoice.For(Config).Rates);

    [Theory]
    [InlineData(0.0, 0.1, false)]
    [InlineData(0.2, 0.1, true)]
    [InlineData(0.0, 0.8, true)]
    public void A_measuring_thread_without_a_core_or_with_unlike_figures_was_disturbed(double waiting, double spread, bool disturbed) =>
        Assert.Equal(disturbed, ArithmeticMeasurement.IsDisturbed(waiting, spread));

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    public void A_disturbed_measurement_is_repeated_once_and_never_kept(int disturbed, int measured)
    {
        using var folder = new TemporaryFolder();
        var calls = 0;
        var choice = ArithmeticChoice.For([new ProductShape(48, 32, 1)], [Precision.Float32], folder.Path, (_, candidates) =>
            new ArithmeticChoice(candidates[0], [new ArithmeticRate(candidates[0], 1e9)]) { IsDisturbed = calls++ < disturbed });
        Assert.Equal(measured, calls);
        Assert.Equal(disturbed < 2, Directory.EnumerateFileSystemEntries(folder.Path).Any());
        Assert.Equal(disturbed == 2, choice.Reason.Contains("not kept", StringComparison.Ordinal));
    }

    [Fact]
    public void Shapes_are_the_models_matrices_each_once_a_layer()
    {
        var shapes = ProductShape.Of(Config);
        Assert.Equal(
            Config.Tensors().Where(tensor => tensor.Shape.Length == 2).Sum(tensor => tensor.Elements),
            shapes.Sum(shape => shape.Count * shape.Weights));
    }

    [Theory]
    [InlineData(Precision.Float32, "fp32 products of libtorch, as the recipe asks")]
    [InlineData(Precision.Float32Packed, "fp32 products of Dolmen's own, as the recipe asks")]
    public void What_the_recipe_asks_for_is_not_measured(Precision precision, string reason) =>
        Assert.Equal(new ComputePath(precision, reason), ComputePath.Choose(precision, Config));
}
