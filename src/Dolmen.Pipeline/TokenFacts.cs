using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Pipeline;

/// <summary>What a manifest tells of token shards.</summary>
public static class TokenFacts
{
    public static JsonObject Of(string directory)
    {
        var (facts, counts) = (new JsonObject(), Counts(directory));
        foreach (var key in (string[])["trainTokens", "trainDocuments", "valTokens", "valDocuments", "vocabSize"])
            facts[key] = counts[key]?.DeepClone();
        return facts;
    }

    /// <summary>As <c>tokens.json</c> has them.</summary>
    internal static JsonObject Counts(string directory) =>
        JsonNode.Parse(RegularFile.ReadAllText(Path.Combine(directory, "tokens.json")))?.AsObject()
        ?? throw new InvalidOperationException("tokens.json is not an object.");
}
