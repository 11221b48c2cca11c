using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;

namespace Dolmen.Training;

/// <summary>Where a stage works and who it tells. A stage started again in the same directory goes on from its last checkpoint and ends
/// with the same bits.</summary>
public sealed record TrainingContext(
    string OutDirectory,
    ulong Seed,
    TrainingRecipe Training,
    IProgress<StageProgress> Progress,
    CancellationToken Stop
)
{
    /// <summary>Called before training begins with what became of the examples, and with how it computes; null says nothing.</summary>
    public Action<string>? Notice { get; init; }

    /// <summary>Null leaves the choice to the recipe and this machine.</summary>
    public Compute? Compute { get; init; }

    /// <summary>What the model is trained with: what the run began with if it goes on.</summary>
    internal Compute ComputeFor(ModelConfig model) => Compute ?? Compute.Of(RunArithmetic.Choose(model, this));
}

/// <param name="BitsPerByte">Of held-out text after the last step; null where the stage has none.</param>
public sealed record TrainingOutcome(
    long Tokens,
    int Steps,
    double Seconds,
    double TokensPerSecond,
    double Loss,
    double? BitsPerByte,
    long Parameters
)
{
    /// <summary>What became of the examples of its input.</summary>
    public DataCounts? Data { get; init; }

    /// <summary>What it computed with; never <see cref="Precision.Auto"/>.</summary>
    public Precision Arithmetic { get; init; }
}
