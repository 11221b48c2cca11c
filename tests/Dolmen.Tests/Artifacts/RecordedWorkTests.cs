using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Artifacts;

/// <summary>What verbs leave behind, and the way back through it.</summary>
public sealed class RecordedWorkTests : IDisposable
{
    private readonly TemporaryFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Finished_work_says_from_what_and_how_it_was_made_and_names_no_path_of_the_machine()
    {
        Write("crawl/pages.warc", "pages");
        Make("corpus build", "corpus", [("input", "crawl")], recipe: new JsonObject { ["index"] = At("crawl"), ["text"] = "/etc/none" });
        var manifest = Manifest.Read(At("corpus"));
        Assert.Equal(("corpus build", 7UL), (manifest?.Stage, manifest?.Seed));
        var input = Assert.Single(manifest?.Inputs ?? []);
        Assert.Equal(("input", "crawl", "../crawl", ContentHash.Of(At("crawl"))), (input.Role, input.Name, input.Path, input.Sha256));
        Assert.Equal("""{"index":"../crawl","text":"/etc/none"}""", manifest?.Recipe?.ToJsonString());
        Assert.Equal("out.txt", Assert.Single(manifest?.Outputs ?? []).Path);
        Assert.DoesNotContain(_temp.Path, File.ReadAllText(At("corpus/manifest.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void Broken_off_work_leaves_no_manifest_but_a_note_and_its_time_counts()
    {
        Write("out/half", "half");
        using (new RecordedWork("tokens pack", At("out"), CancellationToken.None)) { }
        Assert.Null(Manifest.Read(At("out")));
        Assert.Equal("tokens pack", UnfinishedWork.Read(At("out"))?.Stage);
        new UnfinishedWork("tokens pack", "", 1000).Write(At("out"));
        using (var work = new RecordedWork("tokens pack", At("out"), CancellationToken.None)) work.Finish(1, null, []);
        Assert.Null(UnfinishedWork.Read(At("out")));
        Assert.InRange(Manifest.Read(At("out"))?.Seconds ?? 0, 1000, 1010);
    }

    [Fact]
    public void A_command_that_changed_nothing_leaves_the_earlier_manifest_to_the_byte()
    {
        Make("tokens pack", "out");
        var before = File.ReadAllBytes(At("out/manifest.json"));
        using (new RecordedWork("tokens pack", At("out"), CancellationToken.None)) Assert.Null(Manifest.Read(At("out")));
        Assert.Equal(before, File.ReadAllBytes(At("out/manifest.json")));
        using (new RecordedWork("tokens pack", At("out"), CancellationToken.None)) Write("out/out.txt", "something else, and longer");
        Assert.Null(Manifest.Read(At("out")));
        Assert.NotNull(UnfinishedWork.Read(At("out")));
    }

    [Fact]
    public void The_manifest_of_a_file_lies_beside_it()
    {
        Write("model.gguf", "weights");
        using (var work = new RecordedWork("model export", At("model.gguf"), CancellationToken.None)) work.Finish(0, null, []);
        Assert.True(File.Exists(At("model.gguf.manifest.json")));
        Assert.Equal("model.gguf", MadeBy.Of(At("model.gguf"))?.Manifest.Outputs[0].Path);
        Assert.Equal(WorkState.Complete, Assert.Single(ListedWork.In(_temp.Path)).State);
        Write("model.gguf", "spoilt!!");
        Assert.Equal(WorkState.Changed, Assert.Single(ListedWork.In(_temp.Path)).State);
    }

    [Fact]
    public void The_way_back_goes_through_every_manifest_and_says_where_it_ends()
    {
        Chain();
        var lineage = Lineage.Of(At("model/model"));
        Assert.Equal(["model", "corpus", "tokenizer", "crawl"], lineage.Steps.Select(step => step.Name.TrimStart('.', '/')));
        Assert.All(lineage.Steps, step => Assert.Null(step.Damage));
        Assert.Equal([InputState.Unchanged, InputState.Unchanged], lineage.Steps[0].Inputs.Select(input => input.State));
        var end = Assert.Single(lineage.Ends);
        Assert.Equal(("https://example.org/", InputState.Unknown), (end.Input.Input.Name, end.Input.State));
    }

    [Fact]
    public void An_input_that_changed_or_is_gone_ends_the_way_and_is_named()
    {
        Chain();
        Write("corpus/out.txt", "another corpus");
        Directory.Delete(At("tokenizer"), recursive: true);
        var lineage = Lineage.Of(At("model"));
        Assert.Equal([InputState.Changed, InputState.Missing], lineage.Steps[0].Inputs.Select(input => input.State));
        Assert.Single(lineage.Steps);
    }

    [Fact]
    public void An_input_made_again_with_the_same_contents_is_the_same_input()
    {
        Chain();
        Make("corpus build", "corpus", [("input", "crawl")]);
        Assert.All(Lineage.Of(At("model")).Steps[0].Inputs, input => Assert.Equal(InputState.Unchanged, input.State));
    }

    [Fact]
    public void What_no_verb_made_is_the_user_s_error()
    {
        Directory.CreateDirectory(At("folder"));
        Assert.Contains("no manifest.json", Assert.Throws<UserErrorException>(() => Lineage.Of(At("folder"))).Message);
        Assert.Contains("does not exist", Assert.Throws<UserErrorException>(() => Lineage.Of(At("nowhere"))).Message);
        new UnfinishedWork("align sft", "", 3).Write(At("folder"));
        Assert.Contains("align sft was interrupted", Assert.Throws<UserErrorException>(() => Lineage.Of(At("folder"))).Message);
    }

    [Fact]
    public void Runs_are_listed_with_their_state()
    {
        Make("corpus build", "a");
        Directory.CreateDirectory(At("b/checkpoints"));
        Write("c/half", "half");
        new UnfinishedWork("tokenizer train", "", 3).Write(At("c"));
        Write("d/a-file", "no run");
        Write("e/half", "half");
        using (FileLock.Beside(At("e")))
        {
            Assert.Equal(
                [("a", "corpus build", WorkState.Complete), ("b", null, WorkState.Interrupted),
                    ("c", "tokenizer train", WorkState.Interrupted), ("e", null, WorkState.Running)],
                ListedWork.In(_temp.Path).Select(work => (work.Name, work.Kind, work.State)));
        }
        Write("a/out.txt", "other");
        Assert.Equal(WorkState.Changed, ListedWork.In(_temp.Path)[0].State);
        Assert.Throws<UserErrorException>(() => ListedWork.In(At("nowhere")));
    }

    [Fact]
    public void A_file_of_the_recorded_size_and_time_is_not_read_again()
    {
        Make("corpus build", "out");
        var (file, hash) = (At("out/out.txt"), ContentHash.Of(At("out")));
        var modified = File.GetLastWriteTimeUtc(file);
        File.WriteAllText(file, new string('x', (int)new FileInfo(file).Length));
        File.SetLastWriteTimeUtc(file, modified);
        Assert.Equal(hash, ContentHash.Of(At("out")));
        File.SetLastWriteTimeUtc(file, modified.AddSeconds(1));
        Assert.NotEqual(hash, ContentHash.Of(At("out")));
    }

    [Fact]
    public void A_folder_hashes_to_the_same_with_its_manifest_and_without()
    {
        Make("corpus build", "out");
        var hash = ContentHash.Of(At("out"));
        File.Delete(At("out/manifest.json"));
        Assert.Equal(hash, ContentHash.Of(At("out")));
        Write("out/manifest.json", "a file of somebody's own");
        Assert.NotEqual(hash, ContentHash.Of(At("out")));
    }

    [Theory]
    [InlineData("/data/runs/a", "/data/runs/b/model", "../b/model")]
    [InlineData("/data/runs/a", "/data/runs/a/in.txt", "in.txt")]
    [InlineData("/data/runs/a", "/elsewhere/b", null)]
    public void A_recorded_way_never_passes_the_root(string folder, string path, string? way)
    {
        if (OperatingSystem.IsWindows()) (folder, path) = ("C:" + folder, "C:" + path);
        Assert.Equal(way, ManifestInput.Relative(folder, path));
    }

    [Fact]
    public void Nor_does_it_pass_the_folder_of_all_homes()
    {
        var (mine, another) = (At("homes/me"), At("homes/another"));
        Assert.Null(ManifestInput.Relative(Path.Combine(mine, "runs"), Path.Combine(another, "data"), home: mine));
        Assert.Equal("../data", ManifestInput.Relative(Path.Combine(mine, "runs"), Path.Combine(mine, "data"), home: mine));
    }

    /// <summary>A model from a corpus and a tokenizer, the corpus from a crawl.</summary>
    private void Chain()
    {
        Write("crawl/pages.warc", "pages");
        using (var work = new RecordedWork("corpus crawl", At("crawl"), CancellationToken.None))
        {
            work.ReadsNamed("address", "https://example.org/");
            work.Finish(0, null, []);
        }
        Make("corpus build", "corpus", [("input", "crawl")]);
        Make("tokenizer train", "tokenizer", [("text", "corpus")]);
        Write("model/model/weights", "weights");
        Make("model pretrain", "model", [("corpus", "corpus"), ("tokenizer", "tokenizer")]);
    }

    private void Make(string stage, string name, (string Role, string Path)[]? inputs = null, JsonNode? recipe = null)
    {
        using var work = new RecordedWork(stage, At(name), CancellationToken.None);
        foreach (var (role, path) in inputs ?? []) work.Reads(role, At(path));
        Write($"{name}/out.txt", $"of {stage}");
        work.Finish(7, recipe, []);
    }

    private string At(string name) => Path.Combine(_temp.Path, name);

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name)) ?? _temp.Path);
        File.WriteAllText(At(name), text);
    }
}
