using System.Reflection;
using Dolmen.Data.Cleaning;

namespace Dolmen.Pipeline.Recipes;

/// <summary>The recipes in <c>recipes/</c>, which travel inside the program.</summary>
public static class BuiltInRecipes
{
    private const string Folder = "recipes/", Extension = ".jsonc";

    private static readonly Assembly Program = typeof(BuiltInRecipes).Assembly;

    /// <summary>Names of the recipes of whole pipelines.</summary>
    public static IReadOnlyList<string> Pipelines { get; } =
    [
        .. Program.GetManifestResourceNames().Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
            .Select(name => name[Folder.Length..^Extension.Length]).Order(StringComparer.Ordinal),
    ];

    /// <summary>Names of the recipes of every kind.</summary>
    public static IReadOnlyList<string> Names { get; } = [CleaningRecipes.Crawl, .. Pipelines];

    /// <summary>The recipe's text, comments included.</summary>
    public static string? Find(string name)
    {
        using var stream = Program.GetManifestResourceStream(Folder + name + Extension);
        if (stream is null) return CleaningRecipes.Find(name);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>The first comment of the file: what the recipe is for.</summary>
    public static string Describe(string name) =>
        Find(name)?.Split('\n').FirstOrDefault(line => line.StartsWith("//", StringComparison.Ordinal))?[2..].Trim() ?? "";
}
