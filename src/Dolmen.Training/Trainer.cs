using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Modeling;
using Dolmen.Training.Optimizers;
using static TorchSharp.torch;

namespace Dolmen.Training;

/// <summary>
/// The one loop over fixed data; <see cref="TrainingTask{TModel}"/> says what is learned. Seed, recipe and thread count decide every bit of
/// the result, however often the run is stopped and continued.
/// </summary>
public sealed class Trainer<TModel>(
    TModel model,
    TrainingTask<TModel> task,
    OptimizerRecipe optimizer,
    ScheduleRecipe schedule,
    string identity,
    TrainingContext context
)
    where TModel : TrainableModel
{
    /// <summary>Checkpoints are at least this many times as far apart as one takes to write: a fortieth of a run's time.</summary>
    private const double CheckpointShare = 40;

    private readonly Stopwatch _clock = new();

    // Runs during training steps alone: validations, samples and checkpoints do not slow the speed that is reported.
    private readonly Stopwatch _stepClock = new();
    private double _earlierSeconds;
    private double _peakFlops;

    /// <summary>Trains to the end, and leaves the model with the weights that are meant to be saved.</summary>
    /// <exception cref="OperationCanceledException">Stopped; a checkpoint was written.</exception>
    /// <exception cref="InvalidOperationException">The loss or the gradient is no longer finite.</exception>
    public TrainingOutcome Run()
    {
        Directory.CreateDirectory(context.OutDirectory);
        task.Prepare(model, context.Progress, context.Stop);
        using var session = new TrainingSession(model, optimizer, context.Training, context.OutDirectory, identity);
        var resumed = session.Resume();
        var step = resumed?.Step ?? 0;
        _earlierSeconds = resumed?.Seconds ?? 0;
        _peakFlops = Roofline.GemmFlops(model.Parameters.Compute.Arithmetic);
        var firstStep = step;
        var (lastLoss, lastCheckpoint, saving) = (resumed?.Loss ?? double.NaN, 0.0, 0.0);
        Validation? validation = null;
        _clock.Start();
        while (step < task.Steps)
        {
            if (context.Stop.IsCancellationRequested)
            {
                // Before the first step there is nothing to save, not even a loss.
                if (step > firstStep) Save(session, step, lastLoss);
                context.Stop.ThrowIfCancellationRequested();
            }
            var share = Schedule.Share(schedule, step, task.Steps);
            var rate = optimizer.LearningRate * share;
            _stepClock.Start();
            var (result, norm) = Step(session, step, share);
            _stepClock.Stop();
            step++;
            lastLoss = result.Loss;
            session.Metrics.Add(result, norm);
            var seconds = _clock.Elapsed.TotalSeconds;
            var figures = Figures(firstStep, step, rate);
            Report(step, result.Loss, norm, figures);
            if (step % context.Training.LogEverySteps == 0 || step == task.Steps) session.Metrics.WriteSteps(step, figures);
            if (IsValidationStep(step))
            {
                validation = Validate(session, last: step == task.Steps);
                if (validation is not null) session.Metrics.WriteValidation(step, validation);
            }
            var interval = context.Training.CheckpointMinutes * 60;
            if (seconds - lastCheckpoint > (interval > 0 ? Math.Max(interval, CheckpointShare * saving) : 0))
            {
                var before = _clock.Elapsed.TotalSeconds;
                Save(session, step, lastLoss);
                lastCheckpoint = _clock.Elapsed.TotalSeconds;
                saving = lastCheckpoint - before;
            }
        }
        validation ??= Validate(session, last: true);
        Save(session, step, lastLoss);
        session.KeepEvaluationWeights();
        var total = _earlierSeconds + _clock.Elapsed.TotalSeconds;
        return new TrainingOutcome(
            task.TokensAfter(step),
            step,
            total,
            step > firstStep ? Speed(firstStep, step) : task.TokensAfter(step) / Math.Max(1e-9, total),
            lastLoss,
            validation?.BitsPerByte,
            model.Parameters.Count
        )
        {
            Data = task.Data,
            Arithmetic = model.Parameters.Compute.Arithmetic,
        };
    }

    private (StepResult Result, double Norm) Step(TrainingSession session, int step, double share)
    {
        using var scope = NewDisposeScope();
        var result = task.Accumulate(model, step);
        var norm = double.IsFinite(result.Loss) ? session.Step(step + 1, share) : double.NaN;
        return double.IsFinite(norm) ? (result, norm) : throw new InvalidOperationException(
            $"{task.Stage} diverged at step {step + 1} of {task.Steps}: the loss is {result.Loss}, the gradient norm {norm}. "
            + $"The last good checkpoint is kept. Lower the learning rate ({optimizer.LearningRate}) "
            + $"or lengthen the warm-up ({schedule.WarmupFraction:P0}).");
    }

    private double Speed(int firstStep, int step) =>
        (task.TokensAfter(step) - task.TokensAfter(firstStep)) / Math.Max(1e-9, _stepClock.Elapsed.TotalSeconds);

    private Validation? Validate(TrainingSession session, bool last)
    {
        using var weights = session.EvaluationWeights();
        return task.Validate(model, last);
    }

    private void Save(TrainingSession session, int step, double loss) =>
        session.Save(step, _earlierSeconds + _clock.Elapsed.TotalSeconds, loss);

    private bool IsValidationStep(int step)
    {
        var every = Math.Max(1, task.Steps / ValidationPlan.Of(context.Training, task.TokensAfter(task.Steps)).Count);
        return step == task.Steps || (step % every == 0 && task.Steps - step >= every / 2);
    }

    private StepFigures Figures(int firstStep, int step, double rate)
    {
        var speed = Speed(firstStep, step);
        var mfu = speed * model.Config.TrainingFlopsPerToken(context.Training.ContextLength) / _peakFlops;
        return new StepFigures(task.TokensAfter(step), rate, speed, mfu, _earlierSeconds + _clock.Elapsed.TotalSeconds);
    }

    private void Report(int step, double loss, double norm, StepFigures figures)
    {
        var bits = task.BitsPerByte(loss) is { } value ? $" · {value:0.000} bits per byte" : "";
        context.Progress.Report(
            new StageProgress(
                task.Stage,
                figures.Tokens,
                task.TokensAfter(task.Steps),
                "tok",
                $"loss {loss:0.000}{bits} · step {step}/{task.Steps} · lr {figures.LearningRate:0.0e0} · |g| {norm:0.00} · "
                    + $"MFU {figures.Mfu:P0} · {Environment.WorkingSet >> 20} MB"
            )
        );
    }
}
