using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Data.Cleaning;

/// <summary>Recipes of cleaning as files (JSON with comments), with single settings on top of them.</summary>
internal static class CleaningRecipeFile
{
    public const string Resolved = "recipe.resolved.jsonc";

    /// <summary>What every corpus needs: a recipe that says nothing of it takes its defaults.</summary>
    private static readonly string[] Parts = ["read", "language", "filters"];

    /// <param name="source">Where the text is from, for messages.</param>
    /// <param name="set"><c>filters.gopherQuality.minWords=30</c>.</param>
    /// <exception cref="UserErrorException">Everything that is wrong.</exception>
    public static CleaningRecipe Load(string text, string source, IReadOnlyList<string> set)
    {
        var tree = RecipeTree.Parse(text, source);
        foreach (var part in Parts)
        {
            if (!tree.ContainsKey(part)) tree[part] = new JsonObject();
        }
        foreach (var assignment in set) RecipeTree.Set(tree, assignment, CleaningRecipeJson.Default.CleaningRecipe);
        var recipe = RecipeTree.Bind(tree, CleaningRecipeJson.Default.CleaningRecipe, source);
        recipe.ThrowIfInvalid();
        return recipe;
    }

    public static string ToJson(CleaningRecipe recipe) => JsonSerializer.Serialize(recipe, CleaningRecipeJson.Default.CleaningRecipe);
}
