using Dolmen.Training;

namespace Dolmen.Tests.Training;

public class ScheduleTests
{
    [Fact]
    public void Cosine_rises_to_the_peak_and_falls_to_the_end_share()
    {
        var recipe = new ScheduleRecipe(ScheduleKind.WarmupCosine, WarmupFraction: 0.1, FinalFraction: 0.05);
        var shares = Enumerable.Range(0, 100).Select(step => Schedule.Share(recipe, step, 100)).ToArray();
        Assert.Equal(0.1, shares[0], 12);
        Assert.Equal(1, shares[10], 12);
        Assert.Equal(0.05, shares[99], 12);
        Assert.Equal(0.525, (shares[54] + shares[55]) / 2, 2);
        for (var i = 11; i < 100; i++) Assert.True(shares[i] < shares[i - 1]);
    }

    [Fact]
    public void Warmup_stable_decay_holds_the_peak_until_the_decay()
    {
        var recipe = new ScheduleRecipe(ScheduleKind.WarmupStableDecay, WarmupFraction: 0.1, DecayFraction: 0.2, FinalFraction: 0);
        Assert.All(Enumerable.Range(10, 70), step => Assert.Equal(1, Schedule.Share(recipe, step, 100), 12));
        Assert.Equal(0.5, Schedule.Share(recipe, 89, 100), 12);
        Assert.Equal(0, Schedule.Share(recipe, 99, 100), 12);
    }

    [Fact]
    public void Every_epoch_visits_every_example_once_in_another_order()
    {
        var order = new DataOrder(97, seed: 3);
        var first = Enumerable.Range(0, 97).Select(i => order.At(i)).ToArray();
        var second = Enumerable.Range(97, 97).Select(i => order.At(i)).ToArray();
        Assert.Equal(Enumerable.Range(0, 97), first.Order());
        Assert.Equal(Enumerable.Range(0, 97), second.Order());
        Assert.NotEqual(first, second);
        Assert.Equal(first[50], order.At(50));
    }
}
