using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Tests.Training;
using Dolmen.Training;
using Dolmen.Training.Optimizers;

namespace Dolmen.Tests.Guides;

/// <summary>The task of the guide runs under the one trainer as the built-in ones do.</summary>
public sealed class IdentityPreferenceTaskTests : IDisposable
{
    private const int Steps = 12, PairsPerStep = 4;
    private const double Tau = 0.5;

    private readonly TinyRun _run = new();

    public IdentityPreferenceTaskTests() => _run.Pretrain("base", 20);

    public void Dispose() => _run.Dispose();

    [Fact]
    public void The_first_loss_is_the_target_s_square_and_it_falls()
    {
        var last = Train("ipo", CancellationToken.None);
        var lines = File.ReadAllLines(Path.Combine(_run.Root, "ipo", "metrics.jsonl"));
        Assert.Equal(Steps, lines.Length);
        Assert.Equal(1 / (4 * Tau * Tau), Loss(lines[0]), 1e-3);                 // policy and reference are the same model: h = 0
        Assert.Equal(last.Loss, Loss(lines[^1]));
        Assert.InRange(last.Loss, 0, 0.8 * Loss(lines[0]));
    }

    [Fact]
    public void Stopped_and_continued_gives_the_same_bits()
    {
        var whole = Train("whole", CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var tokens = 5L * 2 * PairsPerStep * TinyRun.Recipe.ContextLength;
        Assert.ThrowsAny<OperationCanceledException>(() => Train("parts", stop.Token, (stage, done) =>
        {
            if (stage == "ipo" && done >= tokens) stop.Cancel();
        }));
        Assert.Equal(whole.Loss, Train("parts", CancellationToken.None).Loss);
    }

    private TrainingOutcome Train(string name, CancellationToken stop, Action<string, double>? report = null)
    {
        var progress = new SynchronousProgress(step => report?.Invoke(step.Stage, step.Done));
        var context = _run.Context(name, progress: progress, stop: stop);
        using var model = LanguageDecoder.Load(Path.Combine(_run.Root, "base", "model"), Compute.Host());
        using var task = new IdentityPreferenceTask(
            _run.Preferences, _run.Tokenizer, TinyRun.Recipe, Steps, PairsPerStep, Tau, seed: 3);
        return new Trainer<LanguageDecoder>(model, task, new AdamWRecipe(1e-3), new ScheduleRecipe(), "ipo", context).Run();
    }

    private static double Loss(string line) =>
        System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("loss").GetDouble();
}
