using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Pipeline.Stages;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Pipeline;

public sealed class StageExecution : IDisposable
{
    private readonly TemporaryFolder _temp = new();
    private int _ran;

    private string Folder => Path.Combine(_temp.Path, "stage");

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void A_finished_stage_is_skipped_and_keeps_its_cost()
    {
        Execute(Stage());
        var costs = Execute(Stage()).Costs;
        Assert.Equal(1, _ran);
        Assert.True(Assert.Single(costs).Skipped);
    }

    [Theory]
    [InlineData("recipe")]
    [InlineData("input")]
    [InlineData("damage")]
    public void A_stage_is_made_anew_when_anything_it_depends_on_changed(string change)
    {
        Execute(Stage());
        File.WriteAllText(Path.Combine(Folder, "stale"), "of the first");
        if (change == "damage") File.WriteAllText(Path.Combine(Folder, "result"), "else");
        Execute(change switch { "recipe" => Stage(size: 2), "input" => Stage(input: "j"), _ => Stage() });
        Assert.Equal(2, _ran);
        Assert.False(File.Exists(Path.Combine(Folder, "stale")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_interrupted_stage_goes_on_where_it_can(bool resumes)
    {
        Assert.Throws<OperationCanceledException>(() => Execute(Stage(resumes: resumes, fails: true)));
        Assert.False(File.Exists(Path.Combine(Folder, Manifest.FileName)));
        Execute(Stage(resumes: resumes));
        Assert.Equal(resumes ? "first second" : "second", File.ReadAllText(Path.Combine(Folder, "result")));
    }

    [Fact]
    public void What_another_recipe_left_unfinished_is_not_continued()
    {
        Assert.Throws<OperationCanceledException>(() => Execute(Stage(size: 1, resumes: true, fails: true)));
        Execute(Stage(size: 2, resumes: true));
        Assert.Equal("second", File.ReadAllText(Path.Combine(Folder, "result")));
    }

    private StageExecutor Execute(Stage stage)
    {
        var executor = new StageExecutor(_temp.Path, seed: 1, commit: null, MachineSnapshot.Take());
        executor.Execute(stage);
        return executor;
    }

    private Stage Stage(int size = 1, string input = "i", bool resumes = false, bool fails = false) => new(
        "stage", new JsonObject { ["size"] = size }, new Dictionary<string, string> { ["in"] = input }, resumes, directory =>
        {
            _ran++;
            var (half, result) = (Path.Combine(directory, "half"), Path.Combine(directory, "result"));
            if (fails)
            {
                File.WriteAllText(half, "first ");
                throw new OperationCanceledException();
            }
            File.WriteAllText(result, (File.Exists(half) ? File.ReadAllText(half) : "") + "second");
        });
}
