using Dolmen.Modeling;

namespace Dolmen.Training.Optimizers;

/// <summary>
/// Steps a model's weights by the gradients summed in its <see cref="ParameterStore"/>. What it remembers between steps is its own, and is
/// saved with every checkpoint by name.
/// </summary>
public abstract class Optimizer : IDisposable
{
    /// <summary>What a checkpoint must hold besides the weights.</summary>
    public abstract IEnumerable<NamedState> State();

    /// <param name="step">Counts from 1.</param>
    /// <param name="share">Of every group's learning rate: the schedule's value.</param>
    /// <param name="gradientScale">What gradients are multiplied by before they are used: clipping's factor.</param>
    public abstract void Step(int step, double share, double gradientScale);

    /// <summary>Puts those weights in place that are meant to be evaluated and saved, where they are not the ones that are
    /// trained.</summary>
    public virtual void BeginEvaluation() { }

    /// <summary>Puts the weights back that are trained; their bits are as before.</summary>
    public virtual void EndEvaluation() { }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}
