using Dolmen.Artifacts;
using Dolmen.Data.Mixing;

namespace Dolmen.Tests.Data.Mixing;

public sealed class MixtureArithmetic
{
    private static readonly ComponentKey[] Three = [new("web", "en", 0, false), new("web", "ko", 0, false), new("wiki", "ko", 0, false)];
    private static readonly double[] Tokens = [800, 150, 50];

    [Fact]
    public void Alpha_1_leaves_shares_as_they_are() =>
        Same([0.8, 0.15, 0.05], MixtureWeights.Shares(new MixRecipe(Alpha: 1), Three, Tokens));

    // Two languages get a half each; within Korean the sources keep their ratio of three to one.
    [Fact]
    public void Alpha_0_makes_languages_alike() => Same([0.5, 0.375, 0.125], MixtureWeights.Shares(new MixRecipe(Alpha: 0), Three, Tokens));

    [Fact]
    public void Alpha_between_follows_the_power_law()
    {
        var (english, korean) = (Math.Pow(0.8, 0.3), Math.Pow(0.2, 0.3));
        var sum = english + korean;
        Same([english / sum, korean / sum * 0.75, korean / sum * 0.25], MixtureWeights.Shares(new MixRecipe(Alpha: 0.3), Three, Tokens));
    }

    [Fact]
    public void Weights_multiply_natural_shares()
    {
        // 800·1·0.5, 150·1·2, 50·3·2 → 400, 300, 300.
        var recipe = new MixRecipe(Sources: Map(("wiki", 3)), Languages: Map(("en", 0.5), ("ko", 2)));
        Same([0.4, 0.3, 0.3], MixtureWeights.Shares(recipe, Three, Tokens));
    }

    [Fact]
    public void Quality_buckets_have_weights_and_documents_without_a_score_keep_theirs()
    {
        ComponentKey[] keys =
        [
            new("web", "en", 0, false),
            new("web", "en", 1, false),
            new("web", "en", 2, false),
            new("web", "en", -1, false),
        ];
        var recipe = new MixRecipe(QualityEdges: [0.3, 0.6], QualityWeights: [0, 1, 4]);
        Same([0, 100 / 600.0, 400 / 600.0, 100 / 600.0], MixtureWeights.Shares(recipe, keys, [100, 100, 100, 100]));
    }

    [Fact]
    public void A_fixed_share_of_a_source_leaves_the_rest_to_the_others() =>
        Same([0.6 * 800 / 950, 0.6 * 150 / 950, 0.4], MixtureWeights.Shares(new MixRecipe(Shares: Map(("wiki", 0.4))), Three, Tokens));

    [Fact]
    public void What_a_limit_cuts_off_goes_to_the_others_in_proportion()
    {
        // Uniform over languages asks for 500 + 375 + 125 of 1000; at 2 epochs Korean gives 300 + 100, and English takes the rest.
        var recipe = new MixRecipe(Alpha: 0, MaxEpochs: 2);
        Same([600, 300, 100], MixtureWeights.Allocate(recipe, Three, Tokens, MixtureWeights.Shares(recipe, Three, Tokens), 1000));
    }

    [Fact]
    public void A_source_may_have_a_limit_of_its_own()
    {
        var recipe = new MixRecipe(MaxEpochs: 1, MaxEpochsBySource: Map(("wiki", 3)));
        Same([800, 150, 150], MixtureWeights.Allocate(recipe, Three, Tokens, MixtureWeights.Shares(recipe, Three, Tokens), 1100));
    }

    [Fact]
    public void A_budget_beyond_all_limits_is_refused_and_the_most_is_named()
    {
        var recipe = new MixRecipe();
        var shares = MixtureWeights.Shares(recipe, Three, Tokens);
        Same([3200, 600, 200], MixtureWeights.Allocate(recipe, Three, Tokens, shares, 4000));
        var error = Assert.Throws<UserErrorException>(() => MixtureWeights.Allocate(recipe, Three, Tokens, shares, 4001));
        Assert.Equal(
            "the budget is 4,001 tokens, but within maxEpochs no more than 4,000 can be taken of these inputs: lower tokens to 4,000, "
                + "raise maxEpochs (it is 4; repeats beyond 4 are worth little), or add documents.",
            error.Message);
    }

    [Fact]
    public void AI_made_text_stays_within_its_share()
    {
        ComponentKey[] keys = [new("web", "en", 0, false), new("made", "en", 0, true)];
        var recipe = new MixRecipe(MaxAiShare: 0.25);
        var shares = MixtureWeights.Shares(recipe, keys, [100, 300]);
        Same([150, 50], MixtureWeights.Allocate(recipe, keys, [100, 300], shares, 200));
        // 4 epochs of 100 are 400, to which a quarter of the whole adds a third: 533.33.
        var error = Assert.Throws<UserErrorException>(() => MixtureWeights.Allocate(recipe, keys, [100, 300], shares, 600));
        Assert.Contains("within maxEpochs and maxAiShare 0.25 no more than 533 ", error.Message, StringComparison.Ordinal);
        var without = recipe with { MaxAiShare = null };
        Same([50, 150], MixtureWeights.Allocate(without, keys, [100, 300], shares, 200));
        Same([200, 0], MixtureWeights.Allocate(recipe with { MaxAiShare = 0 }, keys, [100, 300], shares, 200));
    }

    [Theory]
    [InlineData("alpha=1.5", "alpha is 1.5")]
    [InlineData("maxAiShare=2", "maxAiShare is 2")]
    [InlineData("tokens=0", "tokens is 0")]
    [InlineData("sources.wiki=-1", "sources.wiki is -1")]
    [InlineData("shares={\"a\":0.7,\"b\":0.6}", "shares add up to 1.")]
    [InlineData("qualityEdges=[0.5,0.2]", "edges must be finite and ascend")]
    [InlineData("qualityWeights=[1,2]", "qualityWeights has 2 values and qualityEdges 0")]
    [InlineData("alfa=0.5", "known there are tokens, sourceColumn")]
    [InlineData("alpha=high", "alpha")]
    [InlineData("alpha", "has no value: write --set path=value")]
    public void A_setting_that_makes_no_sense_is_refused(string set, string says) =>
        Assert.Contains(says, Assert.Throws<UserErrorException>(() => MixRecipeFile.Load(null, [set])).Message, StringComparison.Ordinal);

    [Fact]
    public void Settings_change_a_recipe_file_and_names_may_hold_points()
    {
        using var folder = new Fakes.TemporaryFolder();
        folder.Write("mix.jsonc", "{ // low-resource languages", "\"alpha\": 0.3, \"sources\": { \"wiki\": 2 }, }");
        var recipe = MixRecipeFile.Load(Path.Combine(folder.Path, "mix.jsonc"), ["sources.example.org=0.5", "tokens=1000"]);
        Assert.Equal((0.3, 1000L, 2.0, 0.5), (recipe.Alpha, recipe.Tokens, recipe.Sources?["wiki"], recipe.Sources?["example.org"]));
        Assert.Equal((4.0, 1.0), (recipe.MaxEpochs, new MixRecipe().Alpha));
    }

    [Fact]
    public void A_name_no_document_has_is_refused() =>
        Assert.Contains(
            "there are web, wiki",
            Assert
                .Throws<UserErrorException>(() => MixtureWeights.Shares(new MixRecipe(Sources: Map(("wikki", 2))), Three, Tokens))
                .Message,
            StringComparison.Ordinal
        );

    private static Dictionary<string, double> Map(params (string Name, double Value)[] pairs) =>
        pairs.ToDictionary(p => p.Name, p => p.Value, StringComparer.Ordinal);

    private static void Same(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 9);
    }
}
