using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Evaluation;

namespace Dolmen.Pipeline;

/// <summary>What a manifest tells of an evaluation.</summary>
public static class EvaluationFacts
{
    /// <summary>Model → its scores by short name, without the records.</summary>
    public static JsonObject Of(string directory) =>
        new(Read(directory).Select(model => KeyValuePair.Create(model.Key, (JsonNode?)Scores(model.Value))));

    /// <summary>Model → scores, as the evaluation wrote them.</summary>
    internal static JsonObject Read(string directory) =>
        JsonNode.Parse(RegularFile.ReadAllText(Path.Combine(directory, EvaluationFolder.ResultsFile)))?.AsObject()
        ?? throw new InvalidOperationException($"{EvaluationFolder.ResultsFile} is not an object.");

    private static JsonObject Scores(JsonNode? model) => new(
        (model?.AsObject() ?? []).TakeWhile(score => score.Key != "records")
            .Where(score => !score.Key.EndsWith("_stderr", StringComparison.Ordinal))
            .Select(score => KeyValuePair.Create(score.Key, score.Value?.DeepClone())));
}
