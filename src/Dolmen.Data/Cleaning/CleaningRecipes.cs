using System.Text.Json.Serialization.Metadata;
using Dolmen.Artifacts;

namespace Dolmen.Data.Cleaning;

/// <summary>The recipes of cleaning in <c>recipes/</c>, which travel inside the program, and files of users.</summary>
public static class CleaningRecipes
{
    public const string Crawl = "crawl-to-corpus";

    private const long MostBytes = 1 << 20;

    public static JsonTypeInfo Contract => CleaningRecipeJson.Default.CleaningRecipe;

    /// <summary>The recipe's text, comments included; null when there is none of that name.</summary>
    public static string? Find(string name) => EmbeddedText.Find(typeof(CleaningRecipes), $"recipes/{name}.jsonc");

    /// <exception cref="UserErrorException">No such recipe, or all that is wrong with it, files that it names and that are missing
    /// included.</exception>
    public static void Check(string nameOrPath, IReadOnlyList<string> set) => Load(nameOrPath, set);

    /// <param name="set"><c>filters.gopherQuality.minWords=30</c>.</param>
    /// <exception cref="UserErrorException">No such recipe, or one that is wrong.</exception>
    internal static CleaningRecipe Load(string nameOrPath, IReadOnlyList<string> set)
    {
        var recipe = Read(nameOrPath, set);
        recipe.ThrowIfMissing();
        return recipe;
    }

    private static CleaningRecipe Read(string nameOrPath, IReadOnlyList<string> set)
    {
        if (!File.Exists(nameOrPath))
            return CleaningRecipeFile.Load(
                Find(nameOrPath)
                    ?? throw new UserErrorException(
                        $"there is no recipe file '{nameOrPath}', and no built-in recipe of that name for a corpus. Built in: {Crawl}."
                    ),
                $"recipes/{nameOrPath}.jsonc",
                set
            );
        if (new FileInfo(nameOrPath).Length is > MostBytes and var size)
            throw new UserErrorException($"{nameOrPath} has {size} bytes: a recipe has at most {MostBytes}.");
        return CleaningRecipeFile.Load(RegularFile.ReadAllText(nameOrPath), nameOrPath, set);
    }
}
