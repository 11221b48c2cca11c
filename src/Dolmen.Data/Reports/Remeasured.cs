using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Data.Cleaning;

namespace Dolmen.Data.Reports;

/// <summary>Which changes of a recipe can be judged by what was measured, and which need the texts again.</summary>
internal static class Remeasured
{
    /// <summary>Families that take lines out of texts: without them other texts would have been measured.</summary>
    private static readonly string[] Editing = ["c4", "lines"];

    /// <summary>Parts of deduplication that cut texts.</summary>
    private static readonly string[] Repeats = ["lines", "paragraphs", "exactSubstrings"];

    /// <exception cref="UserErrorException">All changes that need a rebuild, each with its reason.</exception>
    public static void ThrowIfNeeded(CleaningRecipe was, CleaningRecipe asked)
    {
        var problems = new List<string>();
        foreach (var (path, before, after) in Differences(Tree(was), Tree(asked), ""))
            if (Problem(path.Split('.'), before, after) is { } problem)
                problems.Add($"{path} cannot be tried on measurements: {problem}");
        if (problems.Count > 0)
            throw new UserErrorException(
                string.Join('\n', problems) + "\nBuild another corpus with 'dolmen corpus build --set …' for that."
            );
    }

    private static JsonObject Tree(CleaningRecipe recipe) =>
        JsonSerializer.SerializeToNode(recipe, CleaningRecipeJson.Default.CleaningRecipe) as JsonObject
        ?? throw new InvalidOperationException("A recipe is an object.");

    /// <summary>Settings that are not equal; a part that one of them lacks is one difference.</summary>
    private static IEnumerable<(string Path, JsonNode? Before, JsonNode? After)> Differences(JsonObject before, JsonObject after, string at)
    {
        foreach (var key in before.Select(p => p.Key).Union(after.Select(p => p.Key), StringComparer.Ordinal))
        {
            var (a, b, path) = (before[key], after[key], at.Length == 0 ? key : $"{at}.{key}");
            if (JsonNode.DeepEquals(a, b)) continue;
            if (a is JsonObject inner && b is JsonObject other)
                foreach (var difference in Differences(inner, other, path)) yield return difference;
            else yield return (path, a, b);
        }
    }

    private static string? Problem(string[] path, JsonNode? before, JsonNode? after) =>
        path switch
        {
            ["language", "keep" or "minScore"]
            or ["language", "mixed", "max"]
            or ["quality" or "perplexity", "min" or "max"]
            or ["decontaminate", "maxShare"]
            or ["shardMegabytes"] => null,
            ["language", "mixed"] => after is null ? null : "other languages inside texts were not looked for when the corpus was built.",
            ["quality" or "perplexity"] => after is null ? null : "nothing was scored when the corpus was built.",
            ["filters", var family] when before is null => $"the filter was off, so {family} was not measured.",
            ["filters", var family] => Editing.Contains(family)
                ? "it takes lines out of texts, and without it other texts would have been measured. Set its thresholds instead."
                : null,
            ["filters", var family, var key] => IsThreshold(family, key)
                ? null
                : "it changes the texts or what is measured of them, not a threshold.",
            ["decontaminate"] => after is null ? null : "evaluation items were not looked for when the corpus was built.",
            ["dedup", "minCharsLeft" or "maxCutFraction"] => null,
            ["dedup"] when before is not null && Repeats.Any(key => before[key] is not null) =>
                "without it nothing would have been cut from the texts.",
            ["dedup", var repeats, ..] when Repeats.Contains(repeats) => "it changes what is cut from the texts.",
            ["dedup"] => after is null ? null : "duplicates were not searched for when the corpus was built.",
            ["dedup", "minHash"] => after is null ? null : "near-duplicates were not searched for when the corpus was built.",
            ["dedup", "minHash", "minJaccard"] => JaccardProblem(before, after),
            ["dedup", ..] => "it changes how duplicates are searched for, and the texts' signatures are not kept.",
            _ => "it changes which texts there are or what they hold.",
        };

    private static string? JaccardProblem(JsonNode? before, JsonNode? after)
    {
        if (before is null) return "pairs were not compared when the corpus was built (minJaccard null).";
        var least = before.GetValue<double>();
        return after is not null && after.GetValue<double>() >= least
            ? null
            : $"pairs less alike than {least} were not stored. It can only be raised.";
    }

    // What a recipe may leave to the language is a threshold; all else shapes a measurement.
    private static bool IsThreshold(string family, string key)
    {
        var options = CleaningRecipeJson.Default.Options;
        var filters = options.GetTypeInfo(typeof(Filters.FilterSettings)).Properties.First(p => p.Name == family).PropertyType;
        return options.GetTypeInfo(filters).Properties.First(p => p.Name == key).PropertyType == typeof(double?);
    }
}
