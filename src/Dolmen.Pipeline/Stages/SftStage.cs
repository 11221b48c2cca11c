using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Training;

namespace Dolmen.Pipeline.Stages;

/// <summary>The base model taught to answer, on conversations.</summary>
internal sealed class SftStage : TrainingStage
{
    public override string Name => "sft";

    public override bool IsWanted(PipelineContext run) => run.Aligns;

    public override JsonNode? Recipe(PipelineContext run) => run.Part("training", "sft");

    public override IReadOnlyList<string> Inputs(PipelineContext run) => ["base/model", $"corpus/{CorpusFolder.Conversations}"];

    protected override TrainingOutcome Train(PipelineContext run, TrainingContext context) =>
        TrainingStages.Sft(run.Recipe.Sft, run.At("base", "model"), run.At("corpus", CorpusFolder.Conversations), context);
}
