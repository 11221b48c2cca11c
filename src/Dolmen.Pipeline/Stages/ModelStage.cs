using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Evaluation;

namespace Dolmen.Pipeline.Stages;

/// <summary>The last trained model as a Hugging Face folder with its card.</summary>
internal sealed class ModelStage : PipelineStage
{
    public override string Name => "model";

    public override JsonNode? Recipe(PipelineContext run) => null;

    public override IReadOnlyList<string> Inputs(PipelineContext run) =>
        [$"{run.Training.Keys.Last()}/model", $"evaluation/{EvaluationFolder.TableFile}"];

    public override void Run(PipelineContext run, string directory)
    {
        var source = run.At(run.Training.Keys.Last(), "model");
        foreach (var file in ContentHash.FilesBelow(source))
        {
            var target = Path.Combine(directory, file);
            Directory.CreateDirectory(Path.GetDirectoryName(target) ?? directory);
            AtomicFile.Write(target, stream =>
            {
                using var from = RegularFile.OpenRead(Path.Combine(source, file));
                from.CopyTo(stream);
            });
        }
        var report = run.Corpus ?? throw new InvalidOperationException("The corpus stage runs before this one.");
        var evaluation = RegularFile.ReadAllText(run.At("evaluation", EvaluationFolder.TableFile));
        var card = ModelCard.Markdown(run.Result(), run.Recipe, report, evaluation, run.InputsSha256, source);
        AtomicFile.WriteText(Path.Combine(directory, "README.md"), card);
    }

    public override JsonObject Facts(string directory) => ModelFacts.Of(directory);
}
