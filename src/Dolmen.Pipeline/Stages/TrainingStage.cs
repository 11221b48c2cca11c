using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Modeling;
using Dolmen.Training;

namespace Dolmen.Pipeline.Stages;

/// <summary>A stage that trains a model: what its trainer reported is kept in its directory, so that a skipped stage still has
/// it.</summary>
internal abstract class TrainingStage : PipelineStage
{
    private const string OutcomeFile = "outcome.json";

    public override bool Resumes => true;

    protected abstract TrainingOutcome Train(PipelineContext run, TrainingContext context);

    public override void Run(PipelineContext run, string directory)
    {
        var context = new TrainingContext(directory, run.Recipe.Seed, run.Recipe.Training, run.Progress, run.Stop)
        {
            Notice = run.Notice,
            Compute = Compute.Of(run.ChosenArithmetic()),
        };
        AtomicFile.WriteJson(Path.Combine(directory, OutcomeFile), Train(run, context), PipelineJson.Default.TrainingOutcome);
    }

    public override JsonObject Facts(string directory) => TrainingFacts.Of(Outcome(directory));

    public override void Take(PipelineContext run, string directory) => run.Training[Name] = Outcome(directory);

    private static TrainingOutcome Outcome(string directory) =>
        JsonSerializer.Deserialize(RegularFile.ReadAllText(Path.Combine(directory, OutcomeFile)), PipelineJson.Default.TrainingOutcome)
        ?? throw new InvalidOperationException($"{directory}/{OutcomeFile} is null.");
}
