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
    private const int WarmupSteps = 3, FewestSteps = 2, MostSteps = 7;

    /// <summary>Further steps are measured while less has passed.</summary>
    private const double EnoughSeconds = 2;

    /// <summary>Of pretraining, with its own rows.</summary>
    /// <inheritdoc cref="TokensPerSecond(ModelConfig, TrainingRecipe, int, OptimizerRecipe)"/>
    public static double TokensPerSecond(ModelConfig model, PretrainRecipe recipe, TrainingRecipe training) =>
        TokensPerSecond(model, recipe.Training(training), recipe.BatchTokens, recipe.Optimizer);

    /// <summary>Measured on this machine with this model: warm-up, then the median of several steps.</summary>
    /// <param name="batchTokens">Of a step of the optimizer, added up over micro-batches where they are smaller.</param>
    /// <param name="optimizer">What the steps are made with: some take a noticeable part of the time.</param>
    public static double TokensPerSecond(ModelConfig model, TrainingRecipe training, int batchTokens, OptimizerRecipe optimizer)
    {
        TrainingStages.Check(model, training, batchTokens);
        using var trained = new LanguageDecoder(TrainingStages.ContinuesText(model), Compute.Choose(training.Precision, model));
        trained.Parameters.Initialize(1);
        using var steps = optimizer.Build(trained.Parameters);
        var random = new StableRandom(1);
        for (var step = 1; step <= WarmupSteps; step++) Step(step, [.. RandomStep(model, training, batchTokens, random).Take(1)]);
        var seconds = new List<double>();
        while (seconds.Count < FewestSteps || (seconds.Count < MostSteps && seconds.Sum() < EnoughSeconds))
        {
            var start = Stopwatch.GetTimestamp();
            Step(WarmupSteps + seconds.Count + 1, RandomStep(model, training, batchTokens, random));
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        seconds.Sort();
        return batchTokens / seconds[seconds.Count / 2];

        void Step(int step, IReadOnlyList<Batch> batches)
        {
            using var scope = NewDisposeScope();
            Batch.Backward(trained, batches);
            steps.Step(step, share: 1, gradientScale: 1);
        }
    }

    /// <summary>The micro-batches of one step.</summary>
    internal static IReadOnlyList<Batch> RandomStep(ModelConfig model, TrainingRecipe training, int batchTokens, StableRandom random)
    {
        var rowsPerStep = batchTokens / training.ContextLength;
        var rowsPerMicroBatch = Math.Clamp(training.MicroBatchTokens / training.ContextLength, 1, rowsPerStep);
        var batches = new List<Batch>();
        var tokens = new int[training.ContextLength + 1];
        for (var done = 0; done < rowsPerStep; done += rowsPerMicroBatch)
        {
            var batch = new Batch(Math.Min(rowsPerMicroBatch, rowsPerStep - done), training.ContextLength);
            for (var row = 0; row < batch.Rows; row++)
            {
                // Few tokens are most of a text: as many n-grams are new in a step as in real ones, which costs what they cost.
                foreach (ref var token in tokens.AsSpan()) token = (int)(Math.Pow(model.VocabSize, random.NextDouble()) - 1);
                batch.SetRow(row, tokens, [], 0);
            }
            batches.Add(batch);
        }
        return batches;
    }
}
