using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Dolmen.Artifacts;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Mixing;

namespace Dolmen.Pipeline.Recipes;

/// <summary>One kind of recipe: what it may hold, and which command takes it. A new kind is one line in <see cref="All"/>.</summary>
/// <param name="Name">Names the kind in <c>recipe schema NAME</c>.</param>
/// <param name="Use">The verb that runs such a recipe and its options; {0} stands for the file.</param>
/// <param name="Check">Reads the recipe of that name or file with settings on top, and throws all that is wrong with it.</param>
public sealed record RecipeKind(string Name, JsonTypeInfo Contract, string Use, Action<string, IReadOnlyList<string>> Check)
{
    public static IReadOnlyList<RecipeKind> All { get; } =
    [
        new("pipeline", RecipeFile.Contract, "run {0}", (file, set) => RecipeFile.Load(file, new RecipeChanges(Set: set))),
        new("corpus", CleaningRecipes.Contract, "corpus build --recipe {0} --input PATH --out DIR", CleaningRecipes.Check),
        new(
            "mixture",
            MixRecipeFile.Contract,
            "corpus mix --recipe {0} --input DIR --out DIR",
            (file, set) => MixRecipeFile.Load(file, set)
        ),
    ];

    /// <summary>The kind that knows most of the recipe's keys; a pipeline where several know as many.</summary>
    public static RecipeKind Of(string nameOrPath)
    {
        var (text, source) = RecipeFile.Read(nameOrPath);
        return Of(RecipeTree.Parse(text, source));
    }

    public static RecipeKind Of(JsonObject tree)
    {
        return tree.ContainsKey(RecipeFile.ExtendsKey) ? All[0] : All.MaxBy(kind => Known(kind, tree))!;
    }

    private static int Known(RecipeKind kind, JsonObject tree) =>
        kind.Contract.Properties.Count(property => tree.ContainsKey(property.Name));
}
