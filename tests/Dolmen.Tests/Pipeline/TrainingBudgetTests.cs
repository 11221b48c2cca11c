using Dolmen.Artifacts;
using Dolmen.Pipeline.Recipes;
using Dolmen.Pipeline.Stages;

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
        var resolved = TrainingBudget.Resolve(recipe, minutes: 10, tokensPerSecond: 1000, tokensPerPair: 75);
        Assert.Equal(51 * 8192, resolved.Base.TotalTokens);              // 0.7 · 600 s · 1000 = 420,000 tokens
        Assert.Equal(81920, resolved.Sft.TotalTokens);
        Assert.Equal(18 * 32, resolved.Dpo.TotalPairs);                  // 0.1 · 600 s · 1000 / (75 · 4/3) = 600 pairs
    }
}
