using Dolmen.Artifacts;

namespace Dolmen.Tests.Artifacts;

public class NearestNames
{
    [Theory]
    [InlineData("lerning", "learning")]
    [InlineData("lenght", "length")]
    [InlineData("zebra", null)]
    [InlineData("lengths of it", null)]
    public void A_name_is_near_when_few_letters_differ(string typed, string? expected) =>
        Assert.Equal(expected, NearestName.Of(typed, ["learning", "length", "width"]));

    [Fact]
    public void Nothing_is_computed_for_a_name_that_is_far_too_long()
    {
        var typed = new string('a', 1 << 20);
        NearestName.Of("a", ["temperature"]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Null(NearestName.Of(typed, ["temperature", "max_tokens", "top_p"]));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }
}
