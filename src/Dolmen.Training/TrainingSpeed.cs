using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Training.Optimizers;
using static TorchSharp.torch;

namespace Dolmen.Training;

/// <summary>How fast this machine trains a model, to turn minutes into tokens.</summary>
public static class TrainingSpeed
{
    private const int WarmupSteps = 4;
    private const int MeasuredSteps = 7;

    /// <summary>Measured on this machine with this model: warm-up, then the median of several steps.</summary>
    /// <param name="optimizer">What the steps are made with: some take a noticeable part of the time.</param>
    public static double TokensPerSecond(ModelConfig model, TrainingRecipe training, int batchTokens, OptimizerRecipe optimizer)
    {
        TrainingStages.Check(model, training, batchTokens);
        using var trained = new LanguageDecoder(TrainingStages.ContinuesText(model), Compute.Choose(training.Precision, model));
        trained.Parameters.Initialize(1);
        using var steps = optimizer.Build(trained.Parameters);
        var rows = Math.Clamp(training.MicroBatchTokens / training.ContextLength, 1, batchTokens / training.ContextLength);
        var random = new StableRandom(1);
        var seconds = new List<double>();
        for (var step = 0; step < WarmupSteps + MeasuredSteps; step++)
        {
            var start = Stopwatch.GetTimestamp();
            var batch = new Batch(rows, training.ContextLength);
            var tokens = new int[training.ContextLength + 1];
            for (var row = 0; row < rows; row++)
            {
                // Few tokens are most of a text: as many n-grams are new in a step as in real ones, which costs what they cost.
                foreach (ref var token in tokens.AsSpan()) token = (int)(Math.Pow(model.VocabSize, random.NextDouble()) - 1);
                batch.SetRow(row, tokens, [], 0);
            }
            using var scope = NewDisposeScope();
            batch.Backward(trained, 1.0 / (rows * training.ContextLength), first: true);
            steps.Step(step + 1, share: 1, gradientScale: 1);
            if (step >= WarmupSteps) seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        seconds.Sort();
        return rows * training.ContextLength / seconds[seconds.Count / 2];
    }
}
