using System.Diagnostics;
using Dolmen.Artifacts;

namespace Dolmen.Tests.Artifacts;

public sealed class FileLockTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dolmen-locks").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string At(string name) => Path.Combine(_folder, name);

    [Fact]
    public void An_output_is_locked_once_and_its_lock_file_goes_with_the_lock()
    {
        using (FileLock.Beside(At("out")))
        {
            var error = Assert.Throws<UserErrorException>(() => FileLock.Beside(At("out") + "/"));
            Assert.EndsWith(
                $" works in {At("out")}/: wait for it to end, stop it, or use another --out.",
                error.Message,
                StringComparison.Ordinal
            );
            Assert.Equal([At("out.lock")], Directory.GetFileSystemEntries(_folder));
            FileLock.Beside(At("other")).Dispose();
        }
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
        FileLock.Beside(At("out")).Dispose();
    }

    [Fact]
    public void Ranks_work_beside_each_other_and_not_beside_one_that_has_the_output_to_itself()
    {
        using (FileLock.Beside(At("out"), rank: 0))
        {
            FileLock.Beside(At("out"), rank: 1).Dispose();
            Refused(At("out"));
            Assert.Throws<UserErrorException>(() => FileLock.Beside(At("out"), rank: 0));
            Assert.Equal([At("out.rank-0.lock")], Directory.GetFileSystemEntries(_folder));
        }
        using (FileLock.Beside(At("out")))
        {
            Assert.Throws<UserErrorException>(() => FileLock.Beside(At("out"), rank: 1));
            Assert.Equal([At("out.lock")], Directory.GetFileSystemEntries(_folder));
        }
    }

    [Fact]
    public void A_run_shares_its_folder_with_no_verb_and_no_verb_makes_a_part_of_a_run_that_is_at_work()
    {
        using (RunDirectory.Open(At("run"), []))
        {
            Refused(At("run"));
            Refused(Path.Combine(At("run"), "corpus"));
            Refused(Path.Combine(At("run"), "sft", "model.gguf"));
            Assert.Throws<UserErrorException>(() => RunDirectory.Open(At("run"), []));
        }
        using (FileLock.Beside(At("run")))
        {
            FileLock.Beside(At("beside")).Dispose();                     // its lock is called as that inside a run is
            Assert.Throws<UserErrorException>(() => RunDirectory.Open(At("run"), []));
        }
        using (FileLock.Beside(Path.Combine(At("run"), "corpus")))
        {
            Assert.Throws<UserErrorException>(() => RunDirectory.Open(At("run"), []));
            FileLock.Beside(Path.Combine(At("run"), "tokenizer")).Dispose();
        }
        RunDirectory.Open(At("run"), []).Dispose();
    }

    [Fact]
    public void A_link_and_what_it_leads_to_are_one_output()
    {
        Directory.CreateDirectory(At("out"));
        Directory.CreateDirectory(At("elsewhere"));
        Directory.CreateSymbolicLink(At("link"), At("out"));
        Directory.CreateSymbolicLink(Path.Combine(At("elsewhere"), "around"), _folder);
        using (FileLock.Beside(At("link")))
        {
            Refused(At("out"));
            Refused(Path.Combine(At("elsewhere"), "around", "out"));
        }
        FileLock.Beside(At("out")).Dispose();
    }

    private static void Refused(string output) =>
        Assert.Contains(" works in ", Assert.Throws<UserErrorException>(() => FileLock.Beside(output)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_lock_file_that_was_left_behind_locks_nothing()
    {
        File.WriteAllText(At("out.lock"), "");
        FileLock.Beside(At("out")).Dispose();
        Assert.False(File.Exists(At("out.lock")));
    }

    [Fact]
    public void The_refusal_names_the_process_that_holds_the_lock()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux tells who holds a file open");
        using var holder = Process.Start(
            new ProcessStartInfo("sh", ["-c", "exec 9>>\"$1\"; flock 9; echo held; exec sleep 60", "sh", At("out.lock")])
            {
                RedirectStandardOutput = true,
                UseShellExecute = false,
            }
        )!;
        try
        {
            Assert.Equal("held", holder.StandardOutput.ReadLine());
            var error = Assert.Throws<UserErrorException>(() => FileLock.Beside(At("out")));
            Assert.StartsWith($"process {holder.Id} (", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            holder.Kill();
            holder.WaitForExit();
        }
    }

    [Fact]
    public async Task Of_many_that_try_at_once_each_holds_it_alone()
    {
        var (inside, most, done) = (0, 0, 0);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 200; i++)
            {
                try
                {
                    using var held = FileLock.Beside(At("out"));
                    most = Math.Max(most, Interlocked.Increment(ref inside));
                    Interlocked.Increment(ref done);
                    Interlocked.Decrement(ref inside);
                }
                catch (UserErrorException)
                {
                    Thread.Yield();
                }
            }
        }, TestContext.Current.CancellationToken)));
        Assert.Equal(1, most);
        Assert.True(done > 0);
    }
}
