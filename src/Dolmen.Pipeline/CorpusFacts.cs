using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Building;

namespace Dolmen.Pipeline;

/// <summary>What a manifest tells of a corpus.</summary>
public static class CorpusFacts
{
    private const string RecipeFileName = "recipe.resolved.jsonc";

    /// <summary>Counts of documents, by what they were dropped, and which filters looked at them.</summary>
    public static JsonObject Of(string directory)
    {
        var report = CorpusBuild.ReadReport(directory);
        var facts = new JsonObject
        {
            ["files"] = report.Files,
            ["documents"] = report.Documents,
            ["characters"] = report.Characters,
            ["heldOut"] = report.HeldOut,
            ["conversations"] = report.Conversations,
            ["preferences"] = report.Preferences,
        };
        if (report.Cleaning is { } cleaning)
        {
            facts["documentsRead"] = cleaning.Read;
            facts["documentsKept"] = cleaning.Kept;
            facts["droppedBy"] = new JsonObject(cleaning.Dropped.Select(rule => KeyValuePair.Create(rule.Key, (JsonNode?)rule.Value)));
        }
        if (Recipe(directory) is { } recipe)
        {
            facts["filters"] = new JsonArray([.. Names(recipe["filters"]).Select(name => JsonValue.Create(name))]);
            facts["deduplication"] = recipe["dedup"] is JsonObject;
        }
        return facts;
    }

    /// <summary>The recipe of cleaning as it was resolved; null where none was written.</summary>
    public static JsonObject? Recipe(string directory)
    {
        var path = Path.Combine(directory, RecipeFileName);
        return File.Exists(path) ? RecipeTree.Parse(RegularFile.ReadAllText(path), path) : null;
    }

    /// <summary>What stands for the documentation that every SDK carries.</summary>
    public static ManifestInput DefaultInput(string sha256) =>
        new("input", "the XML API documentation of the running .NET SDK", null, sha256, null);

    private static IEnumerable<string> Names(JsonNode? filters) =>
        filters is JsonObject table ? table.Where(filter => filter.Value is not null).Select(filter => filter.Key) : [];
}
