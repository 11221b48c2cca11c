using Dolmen.Data;
using Dolmen.Evaluation;
using Dolmen.Tokenization;
using Dolmen.Training;
using Dolmen.Training.Optimizers;

namespace Dolmen.Pipeline.Recipes;

/// <summary>How the training minutes are divided.</summary>
public sealed record SharesRecipe(double Base, double Sft, double Dpo);

/// <summary>The whole way from documents to an aligned, evaluated model. A recipe file is complete: it says all of this.</summary>
/// <param name="Minutes">Of training on this machine, turned into token counts by measured speed and written into the resolved recipe.
/// 0 where the recipe itself names them (<c>totalTokens</c>, <c>totalPairs</c>), which always go first.</param>
/// <param name="Inputs">Folders and files; none means the XML documentation of the running SDK.</param>
public sealed record PipelineRecipe(
    ulong Seed,
    double Minutes,
    SharesRecipe Shares,
    IReadOnlyList<string> Inputs,
    CorpusRecipe Corpus,
    TokenizerRecipe Tokenizer,
    ModelRecipe Model,
    TrainingRecipe Training,
    PretrainRecipe Base,
    SftRecipe Sft,
    DpoRecipe Dpo,
    EvaluationRecipe Evaluation
)
{
    private const double MostMinutes = 60 * 24 * 365;
    private const int LeastContext = 8;
    private const string Context = "training.contextLength";

    /// <summary>All problems at once, each saying value, rule and way out.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        ValidateBudget(problems);
        problems.AddRange(Corpus.Validate());
        ValidateTokenizer(problems);
        ValidateTraining(problems);
        problems.AddRange(Model.Problems(Math.Max(1, Tokenizer.VocabSize), Training.ContextLength));
        ValidateOptimizer(problems, "base", Base.Optimizer, Base.Schedule);
        ValidateOptimizer(problems, "sft", Sft.Optimizer, Sft.Schedule);
        ValidateOptimizer(problems, "dpo", Dpo.Optimizer, Dpo.Schedule);
        Require(problems, Base.ContextLength == 0 || Base.ContextLength >= LeastContext,
            $"base.contextLength is {Base.ContextLength}: it must be 0 (training.contextLength) or at least {LeastContext}.");
        Require(problems, Base.ContextLength <= Training.ContextLength,
            $"base.contextLength is {Base.ContextLength} but {Context} is {Training.ContextLength}: rows of pretraining cannot be longer. "
                + $"Try 0, which takes {Training.ContextLength}.");
        var rows = Math.Min(Base.Training(Training).ContextLength, Training.ContextLength);
        var whose = rows == Training.ContextLength ? Context : "base.contextLength";
        ValidateBatch(problems, "base.batchTokens", Base.BatchTokens, whose, rows);
        if (whose != Context) ValidateBatch(problems, "training.microBatchTokens", Training.MicroBatchTokens, whose, rows);
        ValidateBatch(problems, "sft.batchTokens", Sft.BatchTokens, Context, Training.ContextLength);
        Require(problems, Dpo.BatchPairs >= 1, $"dpo.batchPairs is {Dpo.BatchPairs}: it must be at least 1.");
        Require(problems, Dpo.Beta > 0, $"dpo.beta is {Dpo.Beta}: it must be above 0. 0.1 is usual.");
        problems.AddRange(Evaluation.Problems());
        return problems;
    }

    private void ValidateBudget(List<string> problems)
    {
        Require(problems, Minutes is >= 0 and <= MostMinutes, $"minutes is {Minutes}: it must lie between 0 and {MostMinutes} (a year).");
        NotNegative(problems, "base.totalTokens", Base.TotalTokens);
        NotNegative(problems, "sft.totalTokens", Sft.TotalTokens);
        NotNegative(problems, "dpo.totalPairs", Dpo.TotalPairs);
        if (Minutes == 0 && (Base.TotalTokens == 0 || Sft.TotalTokens == 0 || Dpo.TotalPairs == 0))
            problems.Add(
                "minutes is 0, and base.totalTokens, sft.totalTokens or dpo.totalPairs is 0 too: nothing says how long to train. Name all "
                    + "three, or some minutes."
            );
        var shares = new[] { ("base", Shares.Base), ("sft", Shares.Sft), ("dpo", Shares.Dpo) };
        foreach (var (name, share) in shares)
            Require(problems, share is > 0 and <= 1, $"shares.{name} is {share}: it must be above 0 and at most 1.");
        var sum = shares.Sum(share => share.Item2);
        Require(problems, !(sum > 1 + 1e-9), $"shares add up to {sum:0.###}: they must add up to at most 1. 0.7, 0.2 and 0.1 do.");
    }

    private void ValidateTokenizer(List<string> problems)
    {
        try
        {
            Tokenizer.Validate();
        }
        catch (Artifacts.UserErrorException error)
        {
            problems.Add(error.Message);
        }
    }

    private void ValidateTraining(List<string> problems)
    {
        var t = Training;
        Require(
            problems,
            t.ContextLength is >= LeastContext and <= 1 << 20,
            $"training.contextLength is {t.ContextLength}: it must lie between 8 and {1 << 20}. 256 suits a corpus of short entries."
        );
        ValidateBatch(problems, "training.microBatchTokens", t.MicroBatchTokens, Context, t.ContextLength);
        Require(problems, t.CheckpointMinutes > 0, $"training.checkpointMinutes is {t.CheckpointMinutes}: it must be above 0.");
        Require(
            problems,
            t.KeepCheckpoints >= 1,
            $"training.keepCheckpoints is {t.KeepCheckpoints}: it must be at least 1, or an interrupted run begins anew."
        );
        Require(problems, t.LogEverySteps >= 1, $"training.logEverySteps is {t.LogEverySteps}: it must be at least 1.");
        Require(problems, t.Validations >= 0, $"training.validations is {t.Validations}: it must be 0 or more.");
        Require(problems, t.AverageDecay is >= 0 and < 1,
            $"training.averageDecay is {t.AverageDecay}: it must be 0 (no average) or more, and below 1. 0.999 is usual.");
        Require(problems, t.SampleTokens >= 0, $"training.sampleTokens is {t.SampleTokens}: it must be 0 or more.");
        Require(
            problems,
            t.ValidationTokens > t.ContextLength,
            $"training.validationTokens is {t.ValidationTokens}: it must exceed training.contextLength ({t.ContextLength})."
        );
    }

    private static void ValidateBatch(List<string> problems, string name, int tokens, string whose, int context)
    {
        if (context < 1) return;
        Require(
            problems,
            tokens > 0 && tokens % context == 0,
            $"{name} is {tokens} but {whose} is {context}: a batch holds whole sequences. Try "
                + $"{Math.Max(1, tokens / context) * context}."
        );
    }

    private static void ValidateOptimizer(List<string> problems, string stage, OptimizerRecipe o, ScheduleRecipe s)
    {
        problems.AddRange(o.Problems().Select(problem => $"{stage}.optimizer.{problem}"));
        foreach (
            var (name, value) in new[]
            {
                ("warmupFraction", s.WarmupFraction),
                ("decayFraction", s.DecayFraction),
                ("finalFraction", s.FinalFraction),
            }
        )
            Require(problems, value is >= 0 and <= 1, $"{stage}.schedule.{name} is {value}: it must lie between 0 and 1.");
    }

    private static void NotNegative(List<string> problems, string name, long value) =>
        Require(problems, value >= 0, $"{name} is {value}: it must be 0 (the minutes decide) or more.");

    private static void Require(List<string> problems, bool holds, string problem)
    {
        if (!holds) problems.Add(problem);
    }
}
