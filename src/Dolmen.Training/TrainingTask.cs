using Dolmen.Modeling;

namespace Dolmen.Training;

/// <param name="Loss">Mean over the step's batch.</param>
/// <param name="Metrics">Further figures of the step under their published names.</param>
public sealed record StepResult(double Loss, params (string Name, double Value)[] Metrics);

/// <param name="Loss">Mean per target token of the held-out text, in nats.</param>
public sealed record Validation(double Loss, double? BitsPerByte, string? Sample);

/// <summary>What is learned and in which order: the part in which pretraining, SFT and DPO differ. A step's data depends on the step's
/// number alone.</summary>
/// <typeparam name="TModel">The kind of model that can learn it.</typeparam>
public abstract class TrainingTask<TModel> : IDisposable where TModel : TrainableModel
{
    /// <summary>Shown in the progress line.</summary>
    public abstract string Stage { get; }

    public abstract int Steps { get; }

    /// <summary>What became of the examples of its input.</summary>
    public abstract Artifacts.DataCounts Data { get; }

    /// <summary>Tokens, padding included, that the first <paramref name="steps"/> steps go through.</summary>
    public abstract long TokensAfter(int steps);

    /// <summary>Work on the untrained model before the first step: a reference's log-probabilities.</summary>
    public virtual void Prepare(TModel model, IProgress<Artifacts.StageProgress> progress, CancellationToken stop) { }

    /// <summary>Runs the step's micro-batches forward and backward and leaves the gradient of the mean loss in
    /// <see cref="TrainableModel.Parameters"/>.</summary>
    public abstract StepResult Accumulate(TModel model, int step);

    public virtual Validation? Validate(TModel model) => null;

    /// <summary>Bits per byte that a training loss stands for, where text is modelled; a figure for the progress line.</summary>
    public virtual double? BitsPerByte(double loss) => null;

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) { }
}
