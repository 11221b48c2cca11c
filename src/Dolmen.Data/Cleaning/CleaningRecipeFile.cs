using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Data.Cleaning;

/// <summary>Recipes of cleaning as files (JSON with comments), with single settings on top of them.</summary>
internal static class CleaningRecipeFile
{
    public const string Resolved = "recipe.resolved.jsonc";

    /// <param name="source">Where the text is from, for messages.</param>
    /// <param name="set"><c>filters.gopherQuality.minWords=30</c>.</param>
    /// <exception cref="UserErrorException">Everything that is wrong.</exception>
    public static CleaningRecipe Load(string text, string source, IReadOnlyList<string> set)
    {
        var tree = RecipeTree.Parse(text, source);
        var contract = CleaningRecipeJson.Default.CleaningRecipe;
        if (RecipeTree.UnknownKeys(tree, contract).ToList() is { Count: > 0 } unknown) throw new UserErrorException(string.Join('\n', unknown.Select(problem => $"{problem} ({source})")));
        foreach (var assignment in set) RecipeTree.Set(tree, assignment, contract);
        return Bind(tree, source);
    }

    public static CleaningRecipe Bind(JsonObject tree, string source)
    {
        CleaningRecipe recipe;
        try
        {
            recipe = tree.Deserialize(CleaningRecipeJson.Default.CleaningRecipe) ?? throw new UserErrorException($"{source} holds no recipe.");
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{error.Path?.TrimStart('$', '.')}: {RecipeTree.Reason(error)} ({source})", error);
        }
        recipe.ThrowIfInvalid();
        return recipe;
    }

    public static string ToJson(CleaningRecipe recipe) => JsonSerializer.Serialize(recipe, CleaningRecipeJson.Default.CleaningRecipe);
}
