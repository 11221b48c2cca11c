using Dolmen.Training;

namespace Dolmen.Tests.Training;

public class ValidationPlanTests
{
    [Theory]
    [InlineData(262_144)]
    [InlineData(1_000_000)]
    [InlineData(4_000_000)]
    [InlineData(400_000_000)]
    public void Validating_costs_at_most_a_twentieth_of_the_run(long tokens)
    {
        var plan = ValidationPlan.Of(new TrainingRecipe(), tokens);
        // A held-out token costs two thirds of one in training, padding included.
        Assert.InRange(plan.Count * (long)plan.Tokens * 2 / 3.0, 1, tokens / 20.0);
        Assert.InRange(plan.Count, 1, 10);
        Assert.InRange(plan.Tokens, 8192, 65536);
    }

    [Fact]
    public void A_long_run_gets_what_the_recipe_asks_for() =>
        Assert.Equal(new ValidationPlan(10, 65536, SamplesOften: true), ValidationPlan.Of(new TrainingRecipe(), 100_000_000));

    [Fact]
    public void A_run_of_a_few_tokens_is_validated_once_at_its_end() =>
        Assert.Equal(new ValidationPlan(1, 8192, SamplesOften: false), ValidationPlan.Of(new TrainingRecipe(), 2048));

    [Fact]
    public void Fewer_held_out_tokens_than_the_least_are_taken_where_the_recipe_says_so() =>
        Assert.Equal(64, ValidationPlan.Of(new TrainingRecipe(ValidationTokens: 64), 100_000).Tokens);
}
