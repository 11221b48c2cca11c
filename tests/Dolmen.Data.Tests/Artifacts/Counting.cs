using Dolmen.Artifacts;
using Dolmen.Data;

namespace Dolmen.Tests.Artifacts;

public class Counting
{
    [Fact]
    public void What_a_funnel_holds_does_not_depend_on_the_order_of_threads()
    {
        var whole = new Funnel();
        Parallel.For(0, 8, part =>
        {
            var funnel = new Funnel();
            for (var i = 0; i < 500; i++)
            {
                whole.Drop("shared");
                funnel.Note("own");
                funnel.Break($"file-{part}", 500 - i, "broken");
            }
            whole.Add(funnel);
        });
        Assert.Equal((4000, 4000, 4000), (whole.Dropped["shared"], whole.Noted["own"], whole.Dropped["broken"]));
        Assert.Equal(Enumerable.Range(1, 64).Select(i => new BrokenRecord("file-0", i, "broken")), whole.Broken);
    }
}
