using Dolmen.Artifacts;
using Dolmen.Evaluation;
using Dolmen.Evaluation.Tasks;
using Dolmen.Pipeline.Recipes;
using Dolmen.Tests.Fakes;
using Dolmen.Training.Optimizers;

namespace Dolmen.Tests.Pipeline;

/// <summary>Changes of a recipe from the command line, and what is said of values that cannot be.</summary>
public sealed class RecipeSettings : IDisposable
{
    private readonly TemporaryFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void A_wrong_setting_of_the_command_line_is_not_blamed_on_the_recipe()
    {
        Assert.Equal("dpo.beta is 0: it must be above 0. 0.1 is usual. (--set dpo.beta=0)", Error("quickstart", "dpo.beta=0"));
        Assert.Equal(
            "--set training.precision=half: 'half' is not one of auto, float32, bfloat16, float32OneDnn, float32Packed, "
                + "which training.precision takes.",
            Error("quickstart", "training.precision=half"));
    }

    [Fact]
    public void An_entry_of_a_list_is_set_by_its_place_or_by_its_kind()
    {
        var recipe = RecipeFile.Load("quickstart", new RecipeChanges(Set:
            ["evaluation.tasks.2.shots=3", "evaluation.tasks.multiple-choice.maxQuestions=7", "evaluation.tasks.refusal.maxKnown=0"]));
        Assert.Equal(
            [
                new BitsPerByteTask(), new MultipleChoiceTask(7), new MultipleChoiceTask(7, 3), new OpenBookTask(),
                new RefusalTask(MaxKnown: 0),
            ],
            recipe.Evaluation.Tasks);
        recipe = RecipeFile.Load("quickstart", new RecipeChanges(Set: ["""evaluation.tasks=[{"task":"refusal","maxInvented":3}]"""]));
        Assert.Equal([new RefusalTask(3)], recipe.Evaluation.Tasks);
    }

    [Theory]
    [InlineData("evaluation.tasks.5.shots=3", "evaluation.tasks has no entry '5': it has 0 (bits-per-byte), 1 (multiple-choice), ")]
    [InlineData("evaluation.tasks.mmlu.shots=3", "evaluation.tasks has no entry 'mmlu'")]
    [InlineData("evaluation.tasks.refusal=3", "name a key of the entry, such as evaluation.tasks.refusal.maxInvented.")]
    [InlineData("evaluation.tasks.refusal.shots=3", "'evaluation.tasks.refusal.shots' is not a key of a recipe: known there are ")]
    [InlineData("evaluation.tasks=3", "'3' is not a list, which evaluation.tasks takes.")]
    [InlineData("evaluation.tasks=[{\"shots\":3}]", "evaluation.tasks.0.task is missing: it must be one of bits-per-byte, ")]
    [InlineData("evaluation.tasks=[{\"task\":\"mmlu\"}]", "evaluation.tasks.0.task is 'mmlu': it must be one of bits-per-byte, ")]
    [InlineData("evaluation.tasks=[{\"task\":\"refusal\",\"known\":3}]", "'evaluation.tasks.0.known' is not a key of a recipe")]
    [InlineData("evaluation.tasks=[]", "evaluation.tasks is empty: it must name at least one task.")]
    [InlineData("evaluation.tasks.1.maxQuestions=0", "evaluation.tasks.1.maxQuestions is 0: it must be 1 or more.")]
    public void A_wrong_entry_of_a_list_is_named(string assignment, string says) =>
        Assert.Contains(says, Error("quickstart", assignment), StringComparison.Ordinal);

    [Fact]
    public void Impossible_sizes_are_told_all_at_once_with_a_way_out()
    {
        var problems = Error(
                "quickstart",
                "model.depth=null",
                "model.dModel=500",
                "model.layers=4",
                "model.heads=12",
                "base.batchTokens=1000",
                "dpo.beta=0"
            )
            .Split('\n');
        Assert.Equal(
            [
                "model.heads is 12 but dModel is 500: dModel must be a multiple of heads. Try dModel 504 or heads 10. (--set "
                    + "model.heads=12)",
                "model.headDim is 41: rotary positions turn pairs, so it must be even. Try 42. (recipes/quickstart.jsonc)",
                "base.batchTokens is 1000 but base.contextLength is 256: a batch holds whole sequences. Try 768. (--set "
                    + "base.batchTokens=1000)",
                "dpo.beta is 0: it must be above 0. 0.1 is usual. (--set dpo.beta=0)",
            ],
            problems
        );
    }

    [Fact]
    public void Rows_of_pretraining_are_checked_and_never_longer_than_the_context()
    {
        Assert.Equal("base.contextLength is -5: it must be 0 (training.contextLength) or at least 8. (--set base.contextLength=-5)",
            Error("quickstart", "base.contextLength=-5"));
        Assert.Equal("training.microBatchTokens is 3840 but base.contextLength is 112: a batch holds whole sequences. Try 3808. "
            + "(recipes/quickstart.jsonc)", Error("quickstart", "base.contextLength=112", "base.batchTokens=1120"));
        Assert.Equal("base.contextLength is 2048 but training.contextLength is 640: rows of pretraining cannot be longer. Try 0, which "
            + "takes 640. (--set base.contextLength=2048)", Error("quickstart", "base.contextLength=2048"));
        var recipe = RecipeFile.Load("quickstart", new RecipeChanges());
        Assert.Equal(256, recipe.Base.Training(recipe.Training).ContextLength);
        Assert.Equal(640, (recipe.Base with { ContextLength = 0 }).Training(recipe.Training).ContextLength);
    }

    [Fact]
    public void Rows_of_pretraining_become_shorter_with_the_context_and_it_is_said()
    {
        var said = new List<string>();
        var recipe = RecipeFile.Load("quickstart", new RecipeChanges(Set: ["training.contextLength=128"]), said.Add);
        Assert.Equal((0, 128), (recipe.Base.ContextLength, recipe.Base.Training(recipe.Training).ContextLength));
        Assert.Equal("base.contextLength is 256, longer than training.contextLength: rows of pretraining have 128 tokens too.",
            Assert.Single(said));
        said.Clear();
        recipe = RecipeFile.Load("quickstart", new RecipeChanges(Set: ["training.contextLength=768"]), said.Add);
        Assert.Equal(256, recipe.Base.ContextLength);
        Assert.Empty(said);
        Assert.StartsWith("base.contextLength is 256 but training.contextLength is 128: ",
            Error("quickstart", "training.contextLength=128", "base.contextLength=256"), StringComparison.Ordinal);
    }

    [Fact]
    public void Overrides_are_typed_and_know_the_keys()
    {
        var recipe = RecipeFile.Load(
            "quickstart",
            new RecipeChanges(
                Minutes: 5,
                Seed: 7,
                Inputs: ["docs"],
                Set: ["training.samplePrompt=12", "model.depth=6", "base.optimizer.learningRate=1e-3", "dpo.totalPairs=64"]
            )
        );
        Assert.Equal(
            (7UL, 5.0, "12", 6, 1e-3, 64L),
            (
                recipe.Seed,
                recipe.Minutes,
                recipe.Training.SamplePrompt,
                recipe.Model.Depth,
                recipe.Base.Optimizer.LearningRate,
                recipe.Dpo.TotalPairs
            )
        );
        Assert.Equal([Path.GetFullPath("docs")], recipe.Inputs);
        Assert.Equal(
            "--set model.deepth=6: 'model.deepth' is not a key of a recipe: did you mean 'depth'?",
            Error("quickstart", "model.deepth=6")
        );
        Assert.Equal(
            "--set model.depth=six: 'six' is not a whole number, which model.depth takes.",
            Error("quickstart", "model.depth=six")
        );
        Assert.Equal("--set seed.x=1: 'seed' has no keys below it.", Error("quickstart", "seed.x=1"));
        Assert.Equal(
            "--set seed has no value: write --set path=value, such as --set training.precision=float32.",
            Error("quickstart", "seed")
        );
    }

    [Fact]
    public void An_optimizer_is_named_by_its_kind_which_decides_its_other_keys()
    {
        var quickstart = RecipeFile.Load("quickstart", new RecipeChanges());
        Assert.IsType<MuonRecipe>(quickstart.Base.Optimizer);
        Assert.IsType<AdamWRecipe>(quickstart.Dpo.Optimizer);            // a recipe that names no kind
        var lion = RecipeFile
            .Load("quickstart", new RecipeChanges(Set: ["base.optimizer.optimizer=lion", "base.optimizer.beta2=0.98"]))
            .Base.Optimizer;
        Assert.Equal((0.02, 0.98), (lion.LearningRate, Assert.IsType<LionRecipe>(lion).Beta2));
        var muon = RecipeFile.Load(
            Edited(text =>
                text.Replace(
                    "\"optimizer\": \"muon\", \"learningRate\": 0.02,",
                    "\"optimizer\": \"muon\", \"adamW\": { \"learningRate\": 0.005 },"
                )
            ),
            new RecipeChanges()
        );
        Assert.Equal((0.02, 0.005), (muon.Base.Optimizer.LearningRate, Assert.IsType<MuonRecipe>(muon.Base.Optimizer).AdamW!.LearningRate));
        Assert.StartsWith(
            "base.optimizer.optimizer is 'adam': it must be one of adamw, muon, lion, sgd, scheduleFree.",
            Error("quickstart", "base.optimizer.optimizer=adam"),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "'base.optimizer.beta1' is not a key of a recipe",
            Error("quickstart", "base.optimizer.optimizer=sgd", "base.optimizer.beta1=0.9"),
            StringComparison.Ordinal
        );
        Assert.Equal(
            "base.optimizer.momentum is 1: it must be at least 0 and below 1. 0.9 is usual. (--set base.optimizer.momentum=1)",
            Error("quickstart", "base.optimizer.optimizer=sgd", "base.optimizer.momentum=1")
        );
    }

    private static string Error(string recipe, params string[] set) =>
        Assert.Throws<UserErrorException>(() => RecipeFile.Load(recipe, new RecipeChanges(Set: set))).Message;

    private string Edited(Func<string, string> edit)
    {
        var path = Path.Combine(_temp.Path, "recipe.jsonc");
        File.WriteAllText(path, edit(BuiltInRecipes.Find("quickstart") ?? ""));
        return path;
    }
}
