using System.Globalization;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Pipeline.Stages;
using Dolmen.Tests.Pipeline;
using Dolmen.Tests.Repository;
using TorchSharp;

namespace Dolmen.Tests.Guides;

/// <summary>The code in the guides is code that compiles and does what the guide says.</summary>
public class GuideSnippetsTests(SmallPipelineRun run) : IClassFixture<SmallPipelineRun>
{
    private const string Begin = "// guide: ", End = "// end of guide", Fence = "```csharp\n", Block = ", block ";

    public static TheoryData<string> Snippets =>
        [.. Directory.GetFiles(Path.Combine(Checkout.Root, "tests/Dolmen.Tests/Guides"), "*.cs").Where(HasSnippet)
            .Select(file => Path.GetFileName(file))];

    [Theory, MemberData(nameof(Snippets))]
    public void A_guide_shows_the_code_that_is_tested(string file)
    {
        var code = Read(Path.Combine("tests/Dolmen.Tests/Guides", file));
        var start = code.IndexOf(Begin, StringComparison.Ordinal);
        var line = code.IndexOf('\n', start);
        var snippet = code[(line + 1)..code.IndexOf(End, StringComparison.Ordinal)];
        // Which of the guide's blocks it is follows the path where it is not the first.
        string[] place = code[(start + Begin.Length)..line].Split(Block);
        var (path, block) = (place[0], place.Length > 1 ? int.Parse(place[1], CultureInfo.InvariantCulture) : 1);
        var guide = Read(path);
        var shown = 0;
        for (var i = 0; i < block; i++)
        {
            var fence = guide.IndexOf(Fence, shown, StringComparison.Ordinal);
            Assert.True(fence >= 0, $"{path} has fewer than {block} blocks of C#.");
            shown = fence + Fence.Length;
        }
        var expected = guide[..shown] + snippet + guide[guide.IndexOf("```\n", shown, StringComparison.Ordinal)..];
        if (Environment.GetEnvironmentVariable("DOLMEN_ACCEPT") == "1") File.WriteAllText(Path.Combine(Checkout.Root, path), expected);
        else Assert.Equal(expected, guide);
    }

    [Fact]
    public void The_stage_of_the_guide_runs_after_the_others_and_is_skipped_the_second_time()
    {
        IReadOnlyList<PipelineStage> stages = [.. PipelineStage.All, new WordCountStage()];
        Assert.Equal(["words"], run.Executed(stages));
        Assert.Empty(run.Executed(stages));
        var made = Manifest.Read(run.At("words"));
        Assert.Equal("corpus", Lineage.Of(run.At("words")).Steps[1].Manifest.Stage);
        Assert.InRange(made?.Facts?["different"]?.GetValue<int>() ?? 0, 20, made?.Facts?["words"]?.GetValue<int>() ?? 0);
    }

    [Fact]
    public void The_objective_of_the_guide_is_the_paper_s()
    {
        using var scope = torch.NewDisposeScope();
        var losses = IdentityPreferenceObjective.Losses(
            torch.tensor([-1f, -3f]), torch.tensor([-2f, -3f]), torch.tensor([-1.5f, -3f]), torch.tensor([-1f, -3f]), tau: 0.5);
        // Margins of (−1 + 1.5) − (−2 + 1) = 1.5 and 0, drawn to 1.
        Assert.Equal([0.25f, 1f], losses.data<float>().ToArray());
    }

    [Fact]
    public void The_optimizer_of_the_guide_steps_every_weight_by_the_sign_of_its_gradient()
    {
        using var store = new ParameterStore(
            [new ParameterSpec("w", [3], ParameterGroup.Matrix, Initializers.Constant(1))],
            Compute.Host()
        );
        store.Initialize(1);
        using var optimizer = new SignDescentRecipe(0.25, WeightDecay: 0.5).Build(store);
        using (var gradient = torch.tensor([3f, 0f, -0.1f]))
        {
            store["w"].grad = gradient;
            store.TakeGradients(first: true);
        }
        optimizer.Step(1, share: 0.5, gradientScale: 1);
        Assert.Equal([1 - 0.125f * 1.5f, 1 - 0.125f * 0.5f, 1 + 0.125f * 0.5f], store.Weights("w").ToArray());
    }

    private static bool HasSnippet(string file) => File.ReadLines(file).Any(line => line.StartsWith(Begin, StringComparison.Ordinal));

    private static string Read(string file) => File.ReadAllText(Path.Combine(Checkout.Root, file)).ReplaceLineEndings("\n");
}
