using Dolmen.Artifacts;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Artifacts;

public sealed class Measurements : IDisposable
{
    private readonly TemporaryFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Energy_counters_are_read_a_package_once_and_over_their_end()
    {
        Counter("intel-rapl:0", 900_000, range: 1_000_000);
        Counter("intel-rapl:0:0", 5, range: 1_000_000);                 // a part of the package
        var meter = EnergyMeter.Start(_temp.Path);
        Counter("intel-rapl:0", 400_000, range: 1_000_000);             // started again from 0
        Counter("intel-rapl:0:0", 400_000, range: 1_000_000);
        var spent = meter.Stop();
        Assert.Equal("rapl", spent.Method);
        Assert.Equal(0.5, spent.Joules, 6);
    }

    [Fact]
    public void Without_counters_energy_says_that_it_is_assumed() =>
        Assert.Equal("assumed", EnergyMeter.Start(Path.Combine(_temp.Path, "none")).Stop().Method);

    [Fact]
    public void Peak_memory_counts_what_was_touched()
    {
        var block = new byte[64 << 20];
        block.AsSpan().Fill(1);
        Assert.True(MachineSnapshot.PeakMemoryBytes() > block.Length);
    }

    [Theory]
    [InlineData("refs/heads/main")]
    [InlineData("packed-refs")]
    [InlineData("detached")]
    public void The_commit_is_read_without_git(string where)
    {
        const string Commit = "0123456789abcdef0123456789abcdef01234567";
        Write(".git/HEAD", where == "detached" ? Commit : "ref: refs/heads/main");
        if (where == "packed-refs") Write(".git/packed-refs", $"# pack-refs with: peeled\n{Commit} refs/heads/main\n");
        if (where == "refs/heads/main") Write(".git/refs/heads/main", Commit + "\n");
        Directory.CreateDirectory(Path.Combine(_temp.Path, "src/deep"));
        Assert.Equal(Commit, GitCommit.Of(Path.Combine(_temp.Path, "src/deep")));
    }

    [Fact]
    public void The_commit_of_a_linked_worktree_is_its_own()
    {
        Write("main/.git/refs/heads/topic", "topic-commit");
        Write("main/.git/worktrees/topic/HEAD", "ref: refs/heads/topic");
        Write("main/.git/worktrees/topic/commondir", "../..");
        Write("topic/.git", $"gitdir: {Path.Combine(_temp.Path, "main/.git/worktrees/topic")}\n");
        Assert.Equal("topic-commit", GitCommit.Of(Path.Combine(_temp.Path, "topic")));
    }

    private void Counter(string zone, long microJoules, long range)
    {
        Write($"{zone}/energy_uj", $"{microJoules}\n");
        Write($"{zone}/max_energy_range_uj", $"{range}\n");
    }

    private void Write(string file, string text)
    {
        var path = Path.Combine(_temp.Path, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path) ?? _temp.Path);
        File.WriteAllText(path, text);
    }
}
