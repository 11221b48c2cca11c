using Dolmen.Artifacts;
using Dolmen.Pipeline.Recipes;
using Dolmen.Pipeline.Stages;
using Dolmen.Tests.Fakes;
using Dolmen.Training;
using Dolmen.Training.Optimizers;

namespace Dolmen.Tests.Pipeline;

/// <summary>Minutes to tokens: which model they are enough for, and how they are divided.</summary>
public class TrainingBudgetTests
{
    [Fact]
    public void Few_minutes_take_a_smaller_model_and_say_so()
    {
        var said = new List<string>();
        Assert.Equal(2, RecipeFile.Load("quickstart", new RecipeChanges(Minutes: 1), said.Add).Model.Depth);
        Assert.Equal(
            "minutes is 1, too little for a model of depth 4: taking depth 2. With 3 minutes or more the recipe's is kept.",
            Assert.Single(said)
        );
        Assert.Equal(4, RecipeFile.Load("quickstart", new RecipeChanges(Minutes: 3), said.Add).Model.Depth);
        Assert.Equal(5, RecipeFile.Load("quickstart", new RecipeChanges(Minutes: 1, Set: ["model.depth=5"])).Model.Depth);
    }

    [Fact]
    public void Without_minutes_every_length_must_be_named()
    {
        Assert.StartsWith(
            "minutes is 0, and base.totalTokens, sft.totalTokens or dpo.totalPairs is 0 too",
            Assert.Throws<UserErrorException>(() => RecipeFile.Load("quickstart", new RecipeChanges(Set: ["minutes=0"]))).Message,
            StringComparison.Ordinal
        );
        RecipeFile.Load(
            "quickstart",
            new RecipeChanges(Set: ["minutes=0", "base.totalTokens=8192", "sft.totalTokens=8192", "dpo.totalPairs=32"])
        );
    }

    [Fact]
    public void Minutes_become_whole_batches_and_named_lengths_stay()
    {
        var recipe = RecipeFile.Load("quickstart", new RecipeChanges(
            Set: ["sft.totalTokens=81920", "shares.base=0.7", "shares.sft=0.2", "shares.dpo=0.1"]));
        var resolved = TrainingBudget.Resolve(recipe, minutes: 10, new StageSpeeds(Base: 1000, Sft: 0, Dpo: 1000, TokensPerPair: 75));
        Assert.Equal(109 * 3840, resolved.Base.TotalTokens);              // 0.7 · 600 s · 1000 = 420,000 tokens
        Assert.Equal(81920, resolved.Sft.TotalTokens);
        Assert.Equal(18 * 32, resolved.Dpo.TotalPairs);                  // 0.1 · 600 s · 1000 / (75 · 4/3) = 600 pairs
    }

    [Theory]
    [InlineData(null, 640)]
    [InlineData("preferences.jsonl", 256)]
    public void A_model_that_is_not_aligned_is_pretrained_on_rows_as_long_as_its_context(string? preferences, int rows)
    {
        var recipe = RecipeFile.Load("quickstart", new RecipeChanges(Set:
            ["minutes=0", "base.totalTokens=8192", "sft.totalTokens=8192", "dpo.totalPairs=32", "training.precision=float32"]));
        var model = recipe.Model.Build(4096, recipe.Training.ContextLength);
        var resolved = TrainingBudget.Resolve(recipe, model, new ByteTokenizer(), preferences, new Progress<StageProgress>());
        Assert.Equal(640, model.ContextLength);
        Assert.Equal(rows, resolved.Base.Training(resolved.Training).ContextLength);
    }

    [Fact]
    public void Every_stage_is_given_the_tokens_of_its_own_speed()
    {
        var recipe = RecipeFile.Load("quickstart", new RecipeChanges(Set: ["shares.base=0.5", "shares.sft=0.25", "shares.dpo=0.1"]));
        var resolved = TrainingBudget.Resolve(recipe, minutes: 10, new StageSpeeds(Base: 1000, Sft: 500, Dpo: 200, TokensPerPair: 75));
        Assert.Equal(78 * 3840, resolved.Base.TotalTokens);              // 0.5 · 600 s · 1000 = 300,000 tokens
        Assert.Equal(19 * 3840, resolved.Sft.TotalTokens);               // 0.25 · 600 s · 500 = 75,000 tokens
        Assert.Equal(3 * 32, resolved.Dpo.TotalPairs);                   // 0.1 · 600 s · 200 / (75 · 4/3) = 120 pairs
    }

    [Fact]
    public void Rows_and_optimizers_that_differ_are_measured_and_those_alike_once()
    {
        var measured = new List<(int Rows, int BatchTokens, Type Optimizer)>();
        StageSpeeds Speeds(double? tokensPerPair, params string[] set)
        {
            measured.Clear();
            var recipe = RecipeFile.Load("quickstart", new RecipeChanges(Set: set));
            return StageSpeeds.Of(recipe, recipe.Model.Build(4096, 640), tokensPerPair, new Progress<StageProgress>(),
                (training, batchTokens, optimizer) =>
                {
                    measured.Add((training.ContextLength, batchTokens, optimizer.GetType()));
                    return measured.Count;
                });
        }
        Assert.Equal(new StageSpeeds(1, 2, 3, 270), Speeds(270));
        Assert.Equal(
            [(256, 3840, typeof(MuonRecipe)), (640, 3840, typeof(MuonRecipe)), (144, 2 * 32 * 144, typeof(AdamWRecipe))], measured);
        Assert.Equal(new StageSpeeds(1, 1, 2, 270), Speeds(270, "base.contextLength=0"));
        Assert.Equal(new StageSpeeds(1, 0, 0, 270), Speeds(270, "sft.totalTokens=4096", "dpo.totalPairs=32"));
        Speeds(null);
        Assert.Equal([(256, 3840, typeof(MuonRecipe))], measured);
    }

    [Theory]
    [InlineData(32768, 8)]
    [InlineData(4096, 1)]
    [InlineData(6144, 2)]
    public void A_measured_step_is_a_whole_batch_in_micro_batches(int batchTokens, int microBatches)
    {
        var training = new TrainingRecipe(ContextLength: 512, MicroBatchTokens: 4096);
        var model = RecipeFile.Load("quickstart", new RecipeChanges()).Model.Build(4096, 512);
        var batches = TrainingSpeed.RandomStep(model, training, batchTokens, new StableRandom(1));
        Assert.Equal(microBatches, batches.Count);
        Assert.Equal(batchTokens, batches.Sum(batch => batch.Counted));
    }
}
