using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Evaluation;
using Dolmen.Evaluation.Tasks;
using Dolmen.Pipeline.Recipes;
using Dolmen.Pipeline.Stages;
using Dolmen.Tests.Fakes;
using Dolmen.Training.Optimizers;

namespace Dolmen.Tests.Pipeline;

public sealed class Recipes : IDisposable
{
    private readonly TemporaryFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Every_built_in_recipe_is_valid()
    {
        Assert.Contains("quickstart", BuiltInRecipes.Names);
        foreach (var name in BuiltInRecipes.Names) RecipeKind.Of(name).Check(name, []);
    }

    [Fact]
    public void The_recipe_of_a_corpus_is_known_by_its_keys_and_refused_where_a_pipeline_is_needed()
    {
        Assert.Equal("corpus", RecipeKind.Of("crawl-to-corpus").Name);
        Assert.Equal("corpus", RecipeKind.Of(Written("{ \"filters\": { \"gopherQuality\": {} } }")).Name);
        Assert.Equal("mixture", RecipeKind.Of(Written("{ \"alpha\": 0.3 }")).Name);
        Assert.Equal("pipeline", RecipeKind.Of(Written("{ \"extends\": \"quickstart\", \"filters\": {} }")).Name);
        Assert.StartsWith(
            "recipes/crawl-to-corpus.jsonc is a recipe of a corpus, and a pipeline's is needed here. Use it with: "
                + $"{CommandName.Shown} corpus build --recipe ",
            Error("crawl-to-corpus"), StringComparison.Ordinal);
        RecipeKind.Of("crawl-to-corpus").Check(Written("{ \"dedup\": {} }"), ["filters.gopherQuality.minWords=30"]);
    }

    [Fact]
    public void A_recipe_without_tasks_runs_the_standard_ones_and_says_so_when_resolved()
    {
        var recipe = RecipeFile.Load(Written("{ \"extends\": \"quickstart\" }"), new RecipeChanges());
        Assert.Contains(
            "\"multiple-choice\"",
            RecipeFile.ToJson(recipe with { Evaluation = new EvaluationRecipe() }),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Tiny_recipes_of_text_models_differ_in_the_model_alone_and_not_in_its_parameters()
    {
        var transformer = RecipeFile.Load("tiny/transformer", new RecipeChanges());
        long Parameters(PipelineRecipe recipe) => recipe.Model.Build(recipe.Tokenizer.VocabSize, recipe.Training.ContextLength).Parameters;
        var names = BuiltInRecipes.Names.Where(name => name.StartsWith("tiny/", StringComparison.Ordinal)
            && BuiltInRecipes.Find(name)!.Contains("\"extends\": \"tiny/transformer\"", StringComparison.Ordinal)).ToList();
        Assert.True(names.Count >= 9, string.Join(' ', names));
        Assert.All(names, name =>
        {
            var recipe = RecipeFile.Load(name, new RecipeChanges());
            Assert.Equal(RecipeFile.ToJson(transformer), RecipeFile.ToJson(recipe with { Model = transformer.Model }));
            Assert.InRange((double)Parameters(recipe) / Parameters(transformer), 0.97, 1.03);
        });
    }

    [Fact]
    public void A_recipe_that_extends_another_says_only_what_differs()
    {
        var recipe = RecipeFile.Load(
            Written(
                "{ \"extends\": \"quickstart\", \"model\": { \"architecture\": \"mamba\", \"depth\": 2 }, \"base\": { \"totalTokens\": "
                    + "4096 } }"
            ),
            new RecipeChanges()
        );
        var quickstart = RecipeFile.Load("quickstart", new RecipeChanges());
        Assert.Equal(quickstart.Base with { TotalTokens = 4096 }, recipe.Base);
        Assert.Equal("mamba", recipe.Model.Architecture);
        Assert.Null(recipe.Model.Heads);
        Assert.StartsWith(
            "extends is 'quickstrat': it must be a built-in recipe, one of ",
            Error(Written("{ \"extends\": \"quickstrat\" }")),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_portable_plan_is_the_recipes_without_what_only_Dolmen_has()
    {
        const string own = "{ \"extends\": \"quickstart\", \"model\": { \"architecture\": \"dolmen\", \"depth\": 3, "
            + "\"bigramRows\": 128 } }";
        var path = Written(own);
        var config = Assert.IsType<DolmenConfig>(Config(RecipeFile.Load(path, new RecipeChanges())));
        Assert.Equal((128, 32768), (config.BigramRows, config.TrigramRows));
        Assert.Equal(config.Portable(), Config(RecipeFile.Load(path, new RecipeChanges(Portable: true))));
        // Overrides come after it, and a Transformer is portable as it is.
        var deeper = RecipeFile.Load(path, new RecipeChanges(Portable: true, Set: ["model.depth=5"]));
        Assert.Equal(5, Assert.IsType<TransformerConfig>(Config(deeper)).Layers);
        Assert.IsType<TransformerConfig>(Config(RecipeFile.Load("tiny/transformer", new RecipeChanges(Portable: true))));
        Assert.StartsWith(
            "--plan llama: model.architecture is 'mamba', and only 'dolmen' has a portable plan.",
            Assert.Throws<UserErrorException>(() => RecipeFile.Load("tiny/mamba", new RecipeChanges(Portable: true))).Message,
            StringComparison.Ordinal
        );

        static ModelConfig Config(PipelineRecipe recipe) => recipe.Model.Build(4096, 256);
    }

    [Fact]
    public void A_resolved_recipe_of_Dolmens_own_plan_names_every_size()
    {
        var config = new DolmenConfig(4096, 128, 4, 2, 2, 64, 352, 256, QkNorm: true, BigramRows: 0, TrigramRows: 77);
        Assert.Equal(config, ModelRecipe.Of(config).Build(4096, 256));
    }

    [Fact]
    public void What_an_architecture_does_not_have_is_refused()
    {
        Assert.Equal(
            "model.heads does not belong to architecture 'mamba', which has dState, dConv, expand, depth, layers, dtRank. Take it out. "
                + "(--set model.heads=2)",
            Error("tiny/mamba", "model.heads=2")
        );
        Assert.StartsWith(
            "model.architecture is 'manba': it must be one of ",
            Error("tiny/mamba", "model.architecture=manba"),
            StringComparison.Ordinal
        );
        Assert.StartsWith(
            "model.pattern is 'Mf Xe': 'X' is not a mixer.",
            Error("tiny/hybrid", "model.pattern=Mf Xe"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_recipe_written_and_read_again_is_the_same()
    {
        var recipe = RecipeFile.Load("quickstart", new RecipeChanges());
        var path = Path.Combine(_temp.Path, "again.jsonc");
        File.WriteAllText(path, "// a comment\n" + RecipeFile.ToJson(recipe));
        Assert.Equal(RecipeFile.ToJson(recipe), RecipeFile.ToJson(RecipeFile.Load(path, new RecipeChanges())));
    }

    [Fact]
    public void Unknown_keys_are_named_all_at_once_with_the_nearest_known_one()
    {
        var path = Edited(text => text.Replace("\"learningRate\": 0.02", "\"learnngRate\": 0.02").Replace("\"vocabSize\"", "\"wombat\""));
        Assert.Equal(
            $"'tokenizer.wombat' is not a key of a recipe: known there are vocabSize, minPairCount, preTokenizer, digits, maxTokenBytes, "
                + $"tiesByBytes, specialTokens, balance, memoryMegabytes. ({path})\n"
                + $"'base.optimizer.learnngRate' is not a key of a recipe: did you mean 'learningRate'? ({path})",
            Error(path)
        );
    }

    [Fact]
    public void A_value_of_another_type_is_named_with_what_it_must_be()
    {
        Assert.Equal(
            "tokenizer.vocabSize is \"many\": it must be a whole number. (",
            ErrorUpToFile(Edited(text => text.Replace("4096 }", "\"many\" }")))
        );
        Assert.Equal(
            "training.precision is \"half\": it must be one of auto, float32, bfloat16, float32OneDnn, float32Packed. (",
            ErrorUpToFile(Edited(text => text.Replace("\"auto\"", "\"half\"")))
        );
    }

    [Fact]
    public void Text_that_is_no_JSON_is_named_by_line_and_column() =>
        Assert.Matches(@"is not valid JSON at line 2, column \d+:", Error(Written("{\n  \"seed\" 1 }")));

    [Fact]
    public void A_name_that_is_neither_file_nor_recipe_is_told_so() =>
        Assert.StartsWith(
            "there is no recipe file 'quikstart', and no built-in recipe of that name. Did you mean 'quickstart'? Built in: "
                + "crawl-to-corpus, quickstart, tiny/",
            Error("quikstart"),
            StringComparison.Ordinal
        );

    [Fact]
    public void The_schema_knows_every_part() =>
        Assert.All(new[] { "\"learningRate\"", "\"dModel\"", "\"heldOutFraction\"", "\"additionalProperties\": false" },
            part => Assert.Contains(part, RecipeFile.Schema(RecipeKind.All[0]), StringComparison.Ordinal));

    private static string Error(string recipe, params string[] set) =>
        Assert.Throws<UserErrorException>(() => RecipeFile.Load(recipe, new RecipeChanges(Set: set))).Message;

    private static string ErrorUpToFile(string path) => Error(path).Replace(path + ")", "", StringComparison.Ordinal);

    private string Edited(Func<string, string> edit) => Written(edit(BuiltInRecipes.Find("quickstart") ?? ""));

    private string Written(string text)
    {
        var path = Path.Combine(_temp.Path, "recipe.jsonc");
        File.WriteAllText(path, text);
        return path;
    }
}
