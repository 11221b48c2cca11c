using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Building;

namespace Dolmen.Pipeline.Stages;

/// <summary>Documents and crawls to training text, held-out text, and the data of alignment and evaluation.</summary>
internal sealed class CorpusStage : PipelineStage
{
    public override string Name => "corpus";

    public override bool Resumes => true;

    public override JsonNode? Recipe(PipelineContext run) => run.Part("corpus");

    public override IReadOnlyList<string> Inputs(PipelineContext run) => run.Recipe.Inputs;

    /// <summary>The content of the inputs decides, not where they lie: a run goes on after they moved. So one hash stands for
    /// all.</summary>
    public override Stage For(PipelineContext run) => new(
        Name, Recipe(run), new Dictionary<string, string> { ["inputs"] = run.InputsSha256 }, Resumes, directory => Run(run, directory))
    {
        Inputs = () => Inputs(run).Count == 0
            ? [CorpusFacts.DefaultInput(run.InputsSha256)]
            : [.. Inputs(run).Select(path => ManifestInput.Of("input", path, run.At(Name), run.Stop))],
        Facts = Facts,
    };

    public override void Run(PipelineContext run, string directory) =>
        CorpusBuild.Run(run.Recipe.Corpus, run.Recipe.Inputs, directory, run.Recipe.Seed, run.Progress, run.Stop);

    public override JsonObject Facts(string directory) => CorpusFacts.Of(directory);

    public override void Take(PipelineContext run, string directory)
    {
        run.Corpus = CorpusBuild.ReadReport(directory);
        foreach (var text in run.Corpus.Notices) run.Note(text);
    }
}
