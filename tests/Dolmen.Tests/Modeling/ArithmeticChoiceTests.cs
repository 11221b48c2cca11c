using Dolmen.Checkpoints;
using Dolmen.Modeling;

namespace Dolmen.Tests.Modeling;

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
