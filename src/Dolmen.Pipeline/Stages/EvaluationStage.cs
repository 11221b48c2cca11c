using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Evaluation;
using Dolmen.Inference;

namespace Dolmen.Pipeline.Stages;

/// <summary>Every trained model on the held-out part of the corpus.</summary>
internal sealed class EvaluationStage : PipelineStage
{
    private static readonly string[] Files =
        [CorpusFolder.HeldOut, CorpusFolder.MultipleChoice, CorpusFolder.FewShot, CorpusFolder.Invented, CorpusFolder.Known,
            CorpusFolder.OpenBook];

    public override string Name => "evaluation";

    public override JsonNode? Recipe(PipelineContext run) => run.Part("evaluation");

    public override IReadOnlyList<string> Inputs(PipelineContext run) =>
        [.. run.Training.Keys.Select(stage => $"{stage}/model"), .. Files.Select(file => $"corpus/{file}"), IndexStage.File];

    public override void Run(PipelineContext run, string directory)
    {
        List<(string, EvaluationResult)> results = [];
        foreach (var stage in run.Training.Keys)
        {
            var (model, tokenizer) = ModelFolder.Load(run.At(stage, "model"), run.Threads);
            using var owned = model;
            var progress = new RenamedProgress(run.Progress, $"eval {stage}");
            var (recipe, seed) = (run.Recipe.Evaluation, run.Recipe.Seed);
            results.Add((stage, EvaluationRun.Run(model, tokenizer, run.At("corpus"), recipe, seed, progress, run.Stop)));
        }
        EvaluationFolder.Write(directory, results);
    }

    public override JsonObject Facts(string directory) => EvaluationFacts.Of(directory);

    public override void Take(PipelineContext run, string directory) => run.Evaluation = EvaluationFacts.Read(directory);

    private sealed class RenamedProgress(IProgress<StageProgress> inner, string stage) : IProgress<StageProgress>
    {
        public void Report(StageProgress value) =>
            inner.Report(value with { Stage = stage });
    }
}
