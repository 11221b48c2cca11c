using Dolmen.Artifacts;
using Dolmen.Data.Inputs;
using Dolmen.Pipeline;
using Dolmen.Pipeline.Recipes;
using Dolmen.Pipeline.Stages;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Pipeline;

/// <summary>The whole way in small, inside this process: a made-up library, a model of a few thousand parameters, a handful of
/// steps.</summary>
public sealed class SmallPipelineRun : IDisposable
{
    private static readonly string[] Verbs = ["Open", "Close", "Read", "Write", "Count", "Sort", "Find", "Merge"];
    private static readonly string[] Nouns = ["Door", "Letter", "Garden", "Engine", "Recipe", "Ledger"];

    private readonly TemporaryFolder _temp = new();
    private readonly PipelineRecipe _recipe;

    public SmallPipelineRun()
    {
        _temp.Write("library.xml", Documentation());
        _recipe = RecipeFile.Load("quickstart", new RecipeChanges(Inputs: [Path.Combine(_temp.Path, "library.xml")], Set:
        [
            "minutes=0", "base.totalTokens=1024", "sft.totalTokens=1024", "dpo.totalPairs=4", "dpo.batchPairs=4", "base.batchTokens=512",
            "sft.batchTokens=512", "training.microBatchTokens=512", "training.contextLength=128", "training.validations=1",
            "training.validationTokens=512", "training.sampleTokens=4", "tokenizer.vocabSize=400", "model.depth=1",
            "corpus.minAlignmentEntries=20", "corpus.heldOutFraction=0.2", "evaluation.tasks.multiple-choice.maxQuestions=4",
            "evaluation.tasks.refusal.maxInvented=2", "evaluation.tasks.refusal.maxKnown=2", "training.precision=float32",
        ]));
        Run();
    }

    public string Root => _temp.Path;

    public string Directory => Path.Combine(_temp.Path, "run");

    public string At(params ReadOnlySpan<string> parts) => Path.Combine([Directory, .. parts]);

    public void Dispose() => _temp.Dispose();

    internal PipelineResult Run() => PipelineRun.Run(_recipe, Directory, null, new Ignore(), _ => { }, CancellationToken.None);

    /// <summary>Names of the stages that had to work.</summary>
    internal IReadOnlyList<string> Executed(IReadOnlyList<PipelineStage> stages)
    {
        var inputs = CorpusInputs.Sha256(_recipe.Inputs, CancellationToken.None);
        var context = new PipelineContext(Directory, _recipe, inputs, null, new Ignore(), _ => { }, CancellationToken.None);
        var executor = new StageExecutor(Directory, _recipe.Seed, null, context.Machine);
        PipelineStage.RunAll(stages, context, executor);
        return [.. executor.Costs.Where(cost => !cost.Skipped).Select(cost => cost.Stage)];
    }

    private static string Documentation()
    {
        var members =
            from noun in Nouns
            from verb in Verbs
            select $"<member name=\"M:Village.{noun}.{verb}(System.Int32)\"><summary>{verb}s the {noun.ToLowerInvariant()} and tells the "
                + $"{verb.ToLowerInvariant()} keeper of every {noun.ToLowerInvariant()} nearby.</summary>"
                + $"<returns>The number that the {verb.ToLowerInvariant()} reached.</returns></member>";
        var types = Nouns.Select(noun =>
            $"<member name=\"T:Village.{noun}\"><summary>A {noun.ToLowerInvariant()} of the village.</summary></member>");
        return "<?xml version=\"1.0\"?><doc><assembly><name>Village</name></assembly><members>"
            + $"{string.Concat(types.Concat(members))}</members></doc>";
    }

    private sealed class Ignore : IProgress<StageProgress>
    {
        public void Report(StageProgress value) { }
    }
}
