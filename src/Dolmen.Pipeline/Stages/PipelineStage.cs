using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Pipeline.Stages;

/// <summary>
/// One arrow of the flow. A new stage is one file and one line in <see cref="All"/>: docs/guides/add-a-stage.md. It reads what earlier
/// stages left, works in a directory of its own, and is skipped when that directory is finished and nothing it depends on has changed.
/// </summary>
internal abstract class PipelineStage
{
    /// <summary>The registration list: every stage, in the order in which they run.</summary>
    public static IReadOnlyList<PipelineStage> All { get; } =
    [
        new CorpusStage(),
        new IndexStage(),
        new TokenizerStage(),
        new TokensStage(),
        new BaseStage(),
        new SftStage(),
        new DpoStage(),
        new EvaluationStage(),
        new ModelStage(),
    ];

    /// <summary>The name of the stage and of its directory in the run.</summary>
    public abstract string Name { get; }

    /// <summary>Whether the work can go on from what an interrupted attempt left.</summary>
    public virtual bool Resumes => false;

    /// <summary>Asked once the stages before it are finished.</summary>
    public virtual bool IsWanted(PipelineContext run) => true;

    /// <summary>What must be decided before it is known whether the stage is finished already.</summary>
    public virtual void Prepare(PipelineContext run) { }

    /// <summary>The part of the recipe its outputs depend on; null when there is none.</summary>
    public abstract JsonNode? Recipe(PipelineContext run);

    /// <summary>Files and folders it reads, from the run's directory: "corpus/documents".</summary>
    public abstract IReadOnlyList<string> Inputs(PipelineContext run);

    /// <summary>Makes the outputs.</summary>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public abstract void Run(PipelineContext run, string directory);

    /// <summary>Figures for the manifest, from the finished directory: how many documents, which vocabulary, how many steps.</summary>
    public abstract JsonObject Facts(string directory);

    /// <summary>Takes into the run what later stages need to know of the finished directory, whichever command finished it.</summary>
    public virtual void Take(PipelineContext run, string directory) { }

    /// <summary>The stage as the executor runs it.</summary>
    public virtual Stage For(PipelineContext run)
    {
        IReadOnlyList<ManifestInput> inputs = [.. Inputs(run).Select(input => run.Input(input, Name))];
        return new Stage(
            Name,
            Recipe(run),
            inputs.ToDictionary(input => input.Role, input => input.Sha256 ?? ""),
            Resumes,
            directory => Run(run, directory))
        {
            Inputs = () => inputs,
            Facts = Facts,
        };
    }

    /// <summary>Runs all that are wanted, in order.</summary>
    public static void RunAll(IEnumerable<PipelineStage> stages, PipelineContext run, StageExecutor executor)
    {
        foreach (var stage in stages.Where(stage => stage.IsWanted(run)))
        {
            stage.Prepare(run);
            stage.Take(run, executor.Execute(stage.For(run)));
        }
    }
}
