using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Training;

namespace Dolmen.Pipeline.Stages;

/// <summary>The fine-tuned model taught which answers to prefer, on pairs of them.</summary>
internal sealed class DpoStage : TrainingStage
{
    public override string Name => "dpo";

    public override bool IsWanted(PipelineContext run) => run.Aligns;

    public override JsonNode? Recipe(PipelineContext run) => run.Part("training", "dpo");

    public override IReadOnlyList<string> Inputs(PipelineContext run) => ["sft/model", $"corpus/{CorpusFolder.Preferences}"];

    protected override TrainingOutcome Train(PipelineContext run, TrainingContext context) =>
        TrainingStages.Dpo(run.Recipe.Dpo, run.At("sft", "model"), run.At("corpus", CorpusFolder.Preferences), context);
}
