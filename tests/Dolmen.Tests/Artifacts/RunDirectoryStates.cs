using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Artifacts;

public sealed class RunDirectoryStates : IDisposable
{
    private readonly TemporaryFolder _temp = new();

    private string Out => Path.Combine(_temp.Path, "run");

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void A_folder_that_is_not_there_becomes_a_new_run()
    {
        using var run = RunDirectory.Open(Out, Request(seed: 1));
        Assert.Equal(RunState.New, run.State);
        Assert.True(File.Exists(Path.Combine(Out, RunDirectory.RunFile)));
    }

    [Fact]
    public void The_same_request_goes_on()
    {
        RunDirectory.Open(Out, Request(seed: 1)).Dispose();
        using var again = RunDirectory.Open(Out, Request(seed: 1));
        Assert.Equal(RunState.Resumable, again.State);
    }

    [Fact]
    public void A_run_is_complete_while_its_manifest_and_files_are_whole()
    {
        using (var run = RunDirectory.Open(Out, Request(seed: 1)))
        {
            File.WriteAllText(Path.Combine(Out, "report.html"), "good");
            Manifests.Of(run.Identity, new ManifestFile("report.html", 4, StableHash.Sha256("good"))).Write(Out);
        }
        using (var complete = RunDirectory.Open(Out, Request(seed: 1))) Assert.Equal(RunState.Complete, complete.State);
        File.WriteAllText(Path.Combine(Out, "report.html"), "evil");
        using var damaged = RunDirectory.Open(Out, Request(seed: 1));
        Assert.Equal(RunState.Resumable, damaged.State);
    }

    [Fact]
    public void Another_request_is_refused_and_told_what_differs()
    {
        RunDirectory.Open(Out, Request(seed: 1)).Dispose();
        var error = Assert.Throws<UserErrorException>(() => RunDirectory.Open(Out, Request(seed: 2)));
        Assert.Equal($"{Out} holds a different run (recipe.seed is 1 there and 2 here): use another --out or delete it.", error.Message);
    }

    [Fact]
    public void A_folder_with_other_things_in_it_is_refused_untouched()
    {
        Directory.CreateDirectory(Out);
        File.WriteAllText(Path.Combine(Out, "thesis.txt"), "years of work");
        var error = Assert.Throws<UserErrorException>(() => RunDirectory.Open(Out, Request(seed: 1)));
        Assert.Equal(
            $"{Out} is not empty and holds no run ('thesis.txt' is there, run.json is not): nothing was touched. Name a new or empty "
                + $"folder with --out.",
            error.Message
        );
        Assert.Single(Directory.EnumerateFileSystemEntries(Out));
    }

    [Fact]
    public void Two_cannot_work_in_one_run()
    {
        using (RunDirectory.Open(Out, Request(seed: 1)))
        {
            var error = Assert.Throws<UserErrorException>(() => RunDirectory.Open(Out, Request(seed: 1)));
            Assert.Equal($"this process already works in {Out}: wait for it to end, stop it, or use another --out.", error.Message);
        }
        RunDirectory.Open(Out, Request(seed: 1)).Dispose();
    }

    [Fact]
    public void A_record_that_cannot_be_read_is_refused()
    {
        Directory.CreateDirectory(Out);
        File.WriteAllText(Path.Combine(Out, RunDirectory.RunFile), "{ \"identity\": 3 }");
        Assert.Throws<UserErrorException>(() => RunDirectory.Open(Out, Request(seed: 1)));
    }

    private static JsonObject Request(int seed) => new() { ["inputs"] = "abc", ["recipe"] = new JsonObject { ["seed"] = seed } };
}
