using Dolmen.Artifacts;
using Dolmen.Evaluation;
using Dolmen.Evaluation.Tasks;
using Dolmen.Inference;
using Dolmen.Pipeline.Recipes;
using Dolmen.Training;

namespace Dolmen.Benchmarks.Speedrun;

/// <summary>
/// How much a base model learns from a fixed number of tokens, and from the minutes that quickstart gives it: the corpus that is always at
/// hand, quickstart's recipe, held-out members. What changes is the recipe, by <c>--set</c>, or the code. docs/SPEEDRUN.md keeps what won
/// and what lost.
/// </summary>
internal sealed class SpeedrunBenchmark : Benchmark
{
    private const string Recipe = "quickstart";
    private const long FixedTokens = 5_000_000;
    private const double FixedMinutes = 8;
    private const int UsualSeeds = 3;

    /// <summary>What the race is run for: the aim after eight minutes on a quiet machine of a usual kind.</summary>
    private const double BitsPerByteAim = 0.66, AccNormAim = 0.75;

    public override string Name => "speedrun";

    public override string Description =>
        "bits per byte and accuracy of quickstart's base model after equal tokens and after its minutes";

    public override bool Races => true;

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop) =>
        Run(new BenchmarkInputs([], null), progress, stop);

    public override IEnumerable<BenchmarkRow> Run(BenchmarkInputs inputs, IProgress<StageProgress> progress, CancellationToken stop)
    {
        if (inputs is not { Paths.Count: 0, Model: null })
            throw new UserErrorException($"--input and --model do not go with {Name}, whose course is fixed: leave them out.");
        var recipe = RecipeFile.Load(Recipe, new RecipeChanges(Set: inputs.Set));
        var changes = inputs.Set is { Count: > 0 } set ? string.Join(' ', set) : $"{Recipe} as it is";
        var course = SpeedrunCourse.Prepare(recipe, inputs.Threads, progress, stop);
        var model = recipe.Model.Build(TokenizerVocabulary(course), recipe.Training.ContextLength);
        var speed = TrainingSpeed.TokensPerSecond(model, recipe.Base, recipe.Training);
        yield return new BenchmarkRow(
            $"{changes}: speed of {model.Parameters:N0} parameters on course {course.Id}", speed, "tokens/s", "none", 1, 1, 0);
        foreach (var (label, tokens) in Lengths(inputs, recipe, speed))
        {
            var scores = new List<EvaluationResult>();
            for (var i = 0; i < (inputs.Seeds ?? UsualSeeds); i++)
                scores.Add(Race(recipe with { Seed = recipe.Seed + (ulong)i }, tokens, course, inputs.Threads, progress, stop));
            foreach (var row in Rows($"{changes}: {label}", scores)) yield return row;
        }
    }

    /// <summary>The two finishing lines, or those that were asked for.</summary>
    internal static IEnumerable<(string Label, long Tokens)> Lengths(BenchmarkInputs inputs, PipelineRecipe recipe, double tokensPerSecond)
    {
        long WholeBatches(double tokens) => Math.Max(1, (long)(tokens / recipe.Base.BatchTokens)) * recipe.Base.BatchTokens;
        var all = inputs is { Tokens: null, Minutes: null };
        if (inputs.Tokens is not null || all)
        {
            var tokens = WholeBatches(inputs.Tokens ?? FixedTokens);
            yield return ($"{tokens:N0} tokens", tokens);
        }
        if (inputs.Minutes is not null || all)
        {
            var minutes = inputs.Minutes ?? FixedMinutes;
            var tokens = WholeBatches(minutes * 60 * recipe.Shares.Base * tokensPerSecond);
            yield return ($"{minutes} minutes, the base's share of which is {tokens:N0} tokens", tokens);
        }
    }

    /// <summary>Mean over the seeds; the spread is half the distance from the lowest to the highest, as a share of the mean.</summary>
    internal static IEnumerable<BenchmarkRow> Rows(string label, IReadOnlyList<EvaluationResult> scores)
    {
        foreach (var (metric, unit, aim) in new (string, string, double?)[]
        {
            ("bits_per_byte", "bits/byte", BitsPerByteAim), ("acc_norm", "of 1", AccNormAim), ("acc_norm_unseen", "of 1", null),
        })
        {
            double[] values = [.. scores.Select(score => score.Find(metric)?.Value).OfType<double>()];
            if (values.Length == 0) continue;
            var (mean, spread) = (values.Average(), (values.Max() - values.Min()) / 2);
            var ratio = aim is not { } wanted ? 1 : metric == "bits_per_byte" ? wanted / mean : mean / wanted;
            yield return new BenchmarkRow(
                $"{label}: {metric}", mean, unit, aim is null ? "none" : $"the aim of {aim}", ratio, values.Length, spread / mean);
        }
    }

    /// <summary>One model from its beginning, and what it scores. Nothing of it is kept.</summary>
    private static EvaluationResult Race(
        PipelineRecipe recipe, long tokens, SpeedrunCourse course, int? threads, IProgress<StageProgress> progress, CancellationToken stop)
    {
        var directory = Directory.CreateTempSubdirectory("dolmen-speedrun-").FullName;
        try
        {
            // Neither validations nor samples decide a bit of the weights.
            var training = recipe.Training with { Validations = 1, SampleTokens = 0, CheckpointMinutes = 60 };
            var context = new TrainingContext(directory, recipe.Seed, training, progress, stop);
            var model = recipe.Model.Build(TokenizerVocabulary(course), training.ContextLength);
            TrainingStages.Pretrain(model, recipe.Base with { TotalTokens = tokens }, course.Tokens, course.Tokenizer, context);
            var (trained, tokenizer) = ModelFolder.Load(Path.Combine(directory, "model"), threads);
            using var owned = trained;
            var tasks = recipe.Evaluation.Tasks.Where(task => task is BitsPerByteTask or MultipleChoiceTask { Shots: 0 });
            // The same questions and texts for every seed.
            return EvaluationRun.Run(trained, tokenizer, course.Corpus, new EvaluationRecipe([.. tasks]), seed: 1, progress, stop);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static int TokenizerVocabulary(SpeedrunCourse course) => Tokenization.TokenizerFolder.Load(course.Tokenizer).VocabSize;
}
