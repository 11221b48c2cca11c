using System.Text;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Artifacts.Reports;
using Dolmen.Pipeline.Recipes;
using static Dolmen.Artifacts.Reports.HtmlPage;

namespace Dolmen.Pipeline.Reports;

/// <summary>The recipe as it was run, minutes turned into tokens: a list of settings for each part.</summary>
internal static class StageSettings
{
    public static void Add(HtmlPage page, PipelineResult result, PipelineRecipe recipe)
    {
        page.Section("Settings of every stage", "settings");
        var version = result.Commit is { } commit ? $", made by commit {commit[..Math.Min(12, commit.Length)]}" : "";
        page.Note(
            $"As the run resolved them{version}. With the same seed, {recipe.Seed}, and number of threads, "
                + $"'{CommandName.Shown} run {PipelineRun.ResolvedRecipe}' repeats this run bit for bit.");
        page.Raw("<div class=\"settings\">");
        // Reports are shared, and paths are private. The names of the inputs stand above.
        var tree = ManifestInput.WithoutMachinePaths(RecipeFile.ToTree(recipe), result.Out)?.AsObject() ?? [];
        var whole = new JsonObject(tree.Where(entry => entry.Value is JsonValue)
            .Select(entry => KeyValuePair.Create(entry.Key, entry.Value?.DeepClone())));
        Part(page, "run", whole);
        foreach (var (part, value) in tree)
            if (value is JsonObject settings) Part(page, part, settings);
        page.Raw("</div>\n");
    }

    private static void Part(HtmlPage page, string part, JsonObject settings)
    {
        var rows = new StringBuilder();
        foreach (var (name, setting) in Leaves(settings, ""))
            rows.Append($"<tr><th scope=\"row\">{Escape(name)}</th><td>{Escape(setting)}</td></tr>\n");
        page.Raw($"<section><h3>{Escape(part)}</h3><table>{rows}</table></section>\n");
    }

    /// <summary>Nested settings by their dotted names; what is null is off and is left out.</summary>
    private static IEnumerable<(string Name, string Value)> Leaves(JsonNode node, string name)
    {
        switch (node)
        {
            case JsonObject part:
                foreach (var (key, value) in part)
                {
                    if (value is null) continue;
                    foreach (var leaf in Leaves(value, name.Length == 0 ? key : $"{name}.{key}")) yield return leaf;
                }
                break;
            case JsonArray list when list.All(item => item is JsonValue):
                yield return (name, string.Join(", ", list.Select(item => item?.ToString() ?? "null")));
                break;
            case JsonArray list:
                foreach (var item in list)
                {
                    if (item is not null) yield return (TitleOf(item, name), Rest(item));
                }
                break;
            default:
                yield return (name, node.ToString());
                break;
        }
    }

    /// <summary>An entry of a list goes by its first value: a task by its name.</summary>
    private static string TitleOf(JsonNode item, string name) =>
        item is JsonObject { Count: > 0 } part && part.First().Value is JsonValue first ? first.ToString() : name;

    private static string Rest(JsonNode item) =>
        item is JsonObject part ? string.Join(", ", Leaves(part, "").Skip(1).Select(leaf => $"{leaf.Name} {leaf.Value}")) : item.ToString();
}
