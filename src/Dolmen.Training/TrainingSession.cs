using Dolmen.Modeling;
using Dolmen.Training.Optimizers;

namespace Dolmen.Training;

/// <summary>
/// A model under training: its weights, its optimizer, the average of its weights if one is wanted, the checkpoints that hold all of
/// them, and the metrics of its steps. Loops decide what a step learns from; this turns the gradients into new weights.
/// </summary>
public sealed class TrainingSession : IDisposable
{
    private readonly TrainableModel _model;
    private readonly OptimizerRecipe _recipe;
    private readonly Optimizer _optimizer;
    private readonly WeightAverage? _average;
    private readonly TrainingCheckpoint _checkpoints;
    private readonly string _directory, _identity;
    private readonly IReadOnlyList<NamedState> _states;
    private TrainingMetrics? _metrics;

    /// <param name="directory">Of the stage: checkpoints and metrics go there.</param>
    /// <param name="identity">Hash of everything that decides the bits: checkpoints of another identity are refused.</param>
    /// <param name="further">More numbers that a checkpoint must hold.</param>
    public TrainingSession(
        TrainableModel model,
        OptimizerRecipe recipe,
        TrainingRecipe training,
        string directory,
        string identity,
        params IEnumerable<NamedState> further
    )
    {
        (_model, _recipe, _directory, _identity) = (model, recipe, directory, identity);
        model.Parameters.Freeze(spec => ParameterGroups.IsFrozen(recipe, spec));
        _optimizer = recipe.Build(model.Parameters);
        _average = training.AverageDecay > 0 ? new WeightAverage(model.Parameters, training.AverageDecay) : null;
        _checkpoints = new TrainingCheckpoint(Path.Combine(directory, "checkpoints"), training.KeepCheckpoints);
        _states =
        [
            model.Parameters.State(),
            .. _optimizer.State(),
            .. _average is null ? [] : (NamedState[])[_average.State()],
            .. further,
        ];
    }

    /// <summary>What a loop reports of its steps; a run that goes on continues the lines of its checkpoint.</summary>
    public TrainingMetrics Metrics => _metrics ??= new TrainingMetrics(_directory, afterStep: 0);

    /// <summary>Goes back to the newest checkpoint; null where there is none.</summary>
    internal CheckpointState? Resume()
    {
        var state = _checkpoints.LoadNewest(_states, _identity);
        if (state is not null) _model.Parameters.RefreshCopy();
        _metrics = new TrainingMetrics(_directory, afterStep: state?.Step ?? 0);
        return state;
    }

    public void Save(int step, double seconds, double loss) =>
        _checkpoints.Save(_states, new CheckpointState(step, seconds, loss, _identity));

    /// <summary>Clips the summed gradients and steps the weights by them.</summary>
    /// <param name="step">Counts from 1.</param>
    /// <param name="share">Of the peak learning rate: the schedule's value.</param>
    /// <returns>The gradient's Euclidean norm before clipping. Where it is not finite, nothing was stepped.</returns>
    public double Step(int step, double share)
    {
        var norm = _model.Parameters.GradientNorm();
        if (!double.IsFinite(norm)) return norm;
        var scale = _recipe.ClipNorm > 0 && norm > _recipe.ClipNorm ? _recipe.ClipNorm / norm : 1;
        _optimizer.Step(step, share, scale);
        _average?.Add(step);
        return norm;
    }

    /// <summary>Gives the model, until the result is disposed, those weights that are meant to be evaluated and saved.</summary>
    public IDisposable EvaluationWeights() => new Evaluation(this);

    /// <summary>Gives the model, after the last step, those weights that are meant to be evaluated and saved.</summary>
    public void KeepEvaluationWeights() => _ = new Evaluation(this);

    public void Dispose()
    {
        _optimizer.Dispose();
        _average?.Dispose();
        _metrics?.Dispose();
    }

    private sealed class Evaluation : IDisposable
    {
        private readonly TrainingSession _session;

        public Evaluation(TrainingSession session)
        {
            _session = session;
            session._optimizer.BeginEvaluation();
            session._average?.Swap();
        }

        public void Dispose()
        {
            _session._average?.Swap();
            _session._optimizer.EndEvaluation();
        }
    }
}
