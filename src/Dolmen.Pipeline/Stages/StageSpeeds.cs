using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Pipeline.Recipes;
using Dolmen.Training;
using Dolmen.Training.Optimizers;

namespace Dolmen.Pipeline.Stages;

/// <summary>Tokens that a stage trains on in a second, its own rows and optimizer being what they are.</summary>
/// <param name="TokensPerPair">Of both answers, each padded to the longer.</param>
internal sealed record StageSpeeds(double Base, double Sft, double Dpo, double TokensPerPair)
{
    /// <summary>Pairs are padded to a multiple of this.</summary>
    private const int LengthMultiple = 16;

    /// <summary>Stages whose rows, batches and optimizer are alike are measured once, and those whose length the recipe names not at
    /// all.</summary>
    /// <param name="tokensPerPair">Null when there is no alignment: then only the base model is measured.</param>
    /// <param name="measure">Tokens per second; measures this machine where null.</param>
    public static StageSpeeds Of(
        PipelineRecipe recipe,
        ModelConfig model,
        double? tokensPerPair,
        IProgress<StageProgress> progress,
        Func<TrainingRecipe, int, OptimizerRecipe, double>? measure = null
    )
    {
        measure ??= (training, batchTokens, optimizer) => TrainingSpeed.TokensPerSecond(model, training, batchTokens, optimizer);
        var known = new Dictionary<(int Rows, int BatchTokens, OptimizerRecipe Optimizer), double>();
        double Speed(TrainingRecipe training, int batchTokens, OptimizerRecipe optimizer)
        {
            var key = (training.ContextLength, batchTokens, SpeedOnly(optimizer));
            if (!known.TryGetValue(key, out var speed)) known[key] = speed = measure(training, batchTokens, optimizer);
            return speed;
        }
        progress.Report(new StageProgress("speed", 0, 0, "steps", "measuring tokens per second of this model on this machine"));
        var pretraining = recipe.Base.TotalTokens > 0
            ? 0
            : Speed(recipe.Base.Training(recipe.Training), recipe.Base.BatchTokens, recipe.Base.Optimizer);
        if (tokensPerPair is not { } tokens) return new StageSpeeds(pretraining, pretraining, pretraining, recipe.Training.ContextLength);
        var pairs = recipe.Training with { ContextLength = RowLength(tokens, recipe.Training.ContextLength) };
        return new StageSpeeds(
            pretraining,
            recipe.Sft.TotalTokens > 0 ? 0 : Speed(recipe.Training, recipe.Sft.BatchTokens, recipe.Sft.Optimizer),
            recipe.Dpo.TotalPairs > 0 ? 0 : Speed(pairs, 2 * recipe.Dpo.BatchPairs * pairs.ContextLength, recipe.Dpo.Optimizer),
            tokens
        );
    }

    /// <summary>Of one answer of a usual pair.</summary>
    private static int RowLength(double tokensPerPair, int contextLength) =>
        Math.Clamp((int)Math.Ceiling(tokensPerPair / 2 / LengthMultiple) * LengthMultiple, 2, contextLength);

    /// <summary>A rate costs no time.</summary>
    private static OptimizerRecipe SpeedOnly(OptimizerRecipe optimizer) => optimizer with { LearningRate = 1 };
}
