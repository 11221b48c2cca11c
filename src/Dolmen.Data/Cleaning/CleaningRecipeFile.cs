using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Data.Cleaning;

/// <summary>Recipes of cleaning as files (JSON with comments), with single settings on top of them.</summary>
internal static class CleaningRecipeFile
{
    public const string Resolved = "recipe.resolved.jsonc";

    /// <summary>Parts that every corpus needs, as they are where a recipe leaves them out or says null: all is read, and nothing is dropped
    /// for its language or by a filter.</summary>
    private static JsonObject WithoutRules => new()
    {
        ["read"] = new JsonObject(), ["language"] = new JsonObject { ["minScore"] = 0.0 }, ["filters"] = new JsonObject(),
    };

    /// <param name="source">Where the text is from, for messages.</param>
    /// <param name="set"><c>filters.gopherQuality.minWords=30</c>.</param>
    /// <exception cref="UserErrorException">Everything that is wrong.</exception>
    public static CleaningRecipe Load(string text, string source, IReadOnlyList<string> set)
    {
        var tree = RecipeTree.Parse(text, source);
        var missing = WithoutRules.Where(part => tree[part.Key] is null).Select(part => part.Key).ToList();
        foreach (var part in missing) tree[part] = new JsonObject();
        foreach (var assignment in set) RecipeTree.Set(tree, assignment, CleaningRecipeJson.Default.CleaningRecipe);
        foreach (var (part, without) in WithoutRules)
        {
            if (tree[part] is null || tree[part] is JsonObject { Count: 0 } && missing.Contains(part)) tree[part] = without!.DeepClone();
        }
        var recipe = RecipeTree.Bind(tree, CleaningRecipeJson.Default.CleaningRecipe, source);
        recipe.ThrowIfInvalid();
        return recipe;
    }

    public static string ToJson(CleaningRecipe recipe) => JsonSerializer.Serialize(recipe, CleaningRecipeJson.Default.CleaningRecipe);
}
