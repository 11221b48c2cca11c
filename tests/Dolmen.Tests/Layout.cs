namespace Dolmen.Tests;

public class Layout
{
    [Fact]
    public void The_repository_builds() => Assert.True(true);
}
