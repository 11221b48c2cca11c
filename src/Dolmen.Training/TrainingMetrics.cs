using Dolmen.Artifacts;

namespace Dolmen.Training;

/// <param name="Tokens">Of all steps so far.</param>
/// <param name="TokensPerSecond">Of training steps alone, without validations, samples and checkpoints.</param>
/// <param name="Mfu">Share of the measured rate of matrix products that the model's own operations reach.</param>
/// <param name="Seconds">Of the whole run, earlier attempts included.</param>
public sealed record StepFigures(long Tokens, double LearningRate, double TokensPerSecond, double Mfu, double Seconds);

/// <summary>What a training reports of its steps and validations: <c>metrics.jsonl</c> and TensorBoard events in the stage's
/// directory.</summary>
public sealed class TrainingMetrics : IDisposable
{
    private readonly MetricsLog _log;
    private readonly EventFile _events;
    private readonly Dictionary<string, double> _sums = new(StringComparer.Ordinal);
    private double _loss, _norm;
    private int _steps;

    /// <param name="afterStep">Lines after this step are dropped: the run goes on from an older checkpoint and writes them again.</param>
    public TrainingMetrics(string directory, int afterStep)
    {
        _log = MetricsLog.Open(Path.Combine(directory, "metrics.jsonl"), afterStep);
        _events = new EventFile(directory);
    }

    /// <summary>Counts a step; <see cref="WriteSteps"/> writes the means of those since it was last called.</summary>
    public void Add(StepResult result, double gradientNorm)
    {
        _steps++;
        _loss += result.Loss;
        _norm += gradientNorm;
        foreach (var (name, value) in result.Metrics) _sums[name] = _sums.GetValueOrDefault(name) + value;
    }

    public void WriteSteps(int step, StepFigures figures)
    {
        var (loss, norm) = (_loss / _steps, _norm / _steps);
        (string Name, double Value)[] further = [.. _sums.Select(sum => (sum.Key, sum.Value / _steps))];
        (_loss, _norm, _steps) = (0, 0, 0);
        _sums.Clear();
        _log.Write(
            step,
            [
                ("tokens", figures.Tokens),
                ("loss", loss),
                ("learningRate", figures.LearningRate),
                ("gradNorm", norm),
                ("tokensPerSecond", figures.TokensPerSecond),
                ("mfu", figures.Mfu),
                ("memoryBytes", Environment.WorkingSet),
                ("seconds", figures.Seconds),
                .. further.Select(metric => (metric.Name, (object?)metric.Value)),
            ]
        );
        _events.Scalars(
            step,
            [
                ("train/loss", loss),
                ("train/learning_rate", figures.LearningRate),
                ("train/grad_norm", norm),
                ("train/tokens_per_second", figures.TokensPerSecond),
                ("train/mfu", figures.Mfu),
                .. further,
            ]
        );
    }

    public void WriteValidation(int step, Validation validation)
    {
        _log.Write(step, ("valLoss", validation.Loss), ("bitsPerByte", validation.BitsPerByte), ("sample", validation.Sample));
        _events.Scalars(
            step,
            validation.BitsPerByte is { } bits
                ? [("eval/loss", validation.Loss), ("eval/bits_per_byte", bits)]
                : [("eval/loss", validation.Loss)]
        );
    }

    public void Dispose()
    {
        _log.Dispose();
        _events.Dispose();
    }
}
