using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Pipeline.Recipes;
using Dolmen.Tokenization;
using Dolmen.Training;

namespace Dolmen.Pipeline.Stages;

/// <summary>Minutes into tokens: the speed is measured once, and from then on the recipe names counts, so that the run can be
/// repeated.</summary>
internal static class TrainingBudget
{
    private const int PairsSampled = 512;

    /// <summary>Policy forward and backward are three parts, the reference's forward pass is one more.</summary>
    private const double ReferenceFactor = 4.0 / 3;

    /// <param name="preferencesFile">Null when there is no alignment.</param>
    public static PipelineRecipe Resolve(
        PipelineRecipe recipe,
        ModelConfig model,
        Tokenizer tokenizer,
        string? preferencesFile,
        IProgress<StageProgress> progress
    )
    {
        var precision = ComputePath.Choose(recipe.Training.Precision, model).Arithmetic;
        var resolved = recipe with
        {
            Model = ModelRecipe.Of(model),
            Training = recipe.Training with { Precision = precision },
            // A model that is not aligned has only pretraining to learn its whole context from.
            Base = preferencesFile is null ? recipe.Base with { ContextLength = 0 } : recipe.Base,
            Minutes = 0,
        };
        if (recipe.Minutes == 0)
            return resolved;
        double? tokensPerPair =
            preferencesFile is null ? null : TokensPerPair(preferencesFile, tokenizer, recipe.Training.ContextLength);
        return Resolve(resolved, recipe.Minutes, StageSpeeds.Of(resolved, model, tokensPerPair, progress));
    }

    /// <summary>Counts the recipe names stay; the others become whole batches, one at least.</summary>
    public static PipelineRecipe Resolve(PipelineRecipe recipe, double minutes, StageSpeeds speeds)
    {
        long WholeBatches(double share, double unitsPerSecond, int batch) =>
            Math.Max(1, (long)(share * minutes * 60 * unitsPerSecond / batch)) * batch;
        return recipe with
        {
            Base = recipe.Base with
            {
                TotalTokens = recipe.Base.TotalTokens > 0
                    ? recipe.Base.TotalTokens
                    : WholeBatches(recipe.Shares.Base, speeds.Base, recipe.Base.BatchTokens),
            },
            Sft = recipe.Sft with
            {
                TotalTokens = recipe.Sft.TotalTokens > 0
                    ? recipe.Sft.TotalTokens
                    : WholeBatches(recipe.Shares.Sft, speeds.Sft, recipe.Sft.BatchTokens),
            },
            Dpo = recipe.Dpo with
            {
                TotalPairs =
                    recipe.Dpo.TotalPairs > 0
                        ? recipe.Dpo.TotalPairs
                        : WholeBatches(recipe.Shares.Dpo, speeds.Dpo / speeds.TokensPerPair / ReferenceFactor, recipe.Dpo.BatchPairs),
            },
        };
    }

    /// <summary>Mean over the first pairs of both answers, each padded to the longer.</summary>
    private static double TokensPerPair(string file, Tokenizer tokenizer, int contextLength)
    {
        var (pairs, tokens) = (0, 0.0);
        var tally = new DataTally("pairs");
        var encoded = new ConversationTokens(tokenizer, tally);
        foreach (var pair in PreferenceFiles.Read(file, tally).Take(PairsSampled))
        {
            tokens += 2 * Math.Min(contextLength, Math.Max(encoded.Of(pair.Chosen).Tokens.Length, encoded.Of(pair.Rejected).Tokens.Length));
            pairs++;
        }
        return pairs == 0 ? contextLength : tokens / pairs;
    }
}
