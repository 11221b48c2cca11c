using Dolmen.Artifacts;
using Dolmen.Pipeline.Stages;

namespace Dolmen.Tests.Pipeline;

/// <summary>What holds for every registered stage; a new one is tested by being registered.</summary>
public class PipelineStageTests(SmallPipelineRun run) : IClassFixture<SmallPipelineRun>
{
    /// <summary>Contents that no two attempts share: times, and the names of event files, which hold one.</summary>
    private static readonly string[] TimedFiles = ["metrics.jsonl", "outcome.json", "evaluation.json"];

    public static TheoryData<string> Names => [.. PipelineStage.All.Select(stage => stage.Name)];

    [Fact]
    public void No_two_stages_share_a_name() => Assert.Equal(Names.Count, PipelineStage.All.DistinctBy(stage => stage.Name).Count());

    [Theory, MemberData(nameof(Names))]
    public void Its_manifest_says_what_it_was_made_of(string name)
    {
        var manifest = Manifest.Read(run.At(name));
        Assert.NotNull(manifest);
        Assert.Equal(name, manifest.Stage);
        Assert.NotEmpty(manifest.Inputs);
        Assert.NotEmpty(manifest.Outputs);
        Assert.NotEmpty(manifest.Facts ?? []);
        Assert.Equal(Manifest.ProgramVersion, manifest.Version);
        Assert.NotNull(manifest.Finished);
        Assert.All(manifest.Inputs, input =>
        {
            var place = Path.GetFullPath(input.Path ?? "", run.At(name));
            Assert.Equal(input.Sha256, ContentHash.Of(place));
        });
        Assert.DoesNotContain(run.Root, File.ReadAllText(run.At(name, Manifest.FileName)), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Names))]
    public void Its_inputs_are_what_earlier_stages_left(string name)
    {
        var earlier = PipelineStage.All.Select(stage => stage.Name).TakeWhile(stage => stage != name).ToList();
        var lineage = Lineage.Of(run.At(name));
        Assert.Null(lineage.Steps[0].Damage);
        Assert.All(lineage.Steps[0].Inputs, input =>
        {
            if (earlier.Count == 0) Assert.Null(input.Step);
            else Assert.Contains(input.Step?.Split('/')[^1], earlier);
        });
        Assert.Equal("library.xml", Assert.Single(lineage.Ends.DistinctBy(end => end.Input.Input.Sha256)).Input.Input.Name);
    }

    [Fact]
    public void Each_is_made_again_alone_and_with_the_same_contents_when_its_manifest_is_gone()
    {
        foreach (var stage in PipelineStage.All)
        {
            var before = Contents(stage.Name);
            File.Delete(run.At(stage.Name, Manifest.FileName));
            Assert.Equal([stage.Name], run.Executed(PipelineStage.All));
            Assert.Equal(before, Contents(stage.Name));
        }
        Assert.Empty(run.Executed(PipelineStage.All));
    }

    [Fact]
    public void A_whole_run_leads_back_to_its_documents()
    {
        run.Run();
        var lineage = Lineage.Of(run.Directory);
        Assert.Equal(RunDirectory.RunStage, lineage.Steps[0].Manifest.Stage);
        Assert.Equal(PipelineStage.All.Select(stage => stage.Name).Order(), lineage.Steps.Skip(1).Select(s => s.Manifest.Stage).Order());
        Assert.Equal(["library.xml"], lineage.Ends.Select(end => end.Input.Input.Name).Distinct());
        Assert.Equal(PipelineStage.All.Count, ListedWork.In(run.Directory).Count(work => work.State == WorkState.Complete));
        Assert.Equal("run", Assert.Single(ListedWork.In(run.Root)).Name);
    }

    private List<(string, string)> Contents(string stage) =>
    [
        .. Manifest.FilesOf(run.At(stage))
            .Where(file => !file.Path.Contains("tfevents", StringComparison.Ordinal) && !TimedFiles.Contains(Path.GetFileName(file.Path))
                && !file.Path.StartsWith("lm-eval-", StringComparison.Ordinal))
            .Select(file => (file.Path, file.Sha256)),
    ];
}
