using System.Text.Json.Nodes;
using Dolmen.Training;

namespace Dolmen.Pipeline;

/// <summary>What a manifest tells of a training.</summary>
public static class TrainingFacts
{
    public static JsonObject Of(TrainingOutcome outcome)
    {
        var facts = new JsonObject
        {
            ["parameters"] = outcome.Parameters,
            ["steps"] = outcome.Steps,
            ["tokens"] = outcome.Tokens,
            ["loss"] = outcome.Loss,
        };
        if (outcome.BitsPerByte is { } bits) facts["bitsPerByte"] = bits;
        if (outcome.Data is { } data)
        {
            (facts[$"{data.Unit}Read"], facts[$"{data.Unit}Used"]) = (data.Read, data.Used);
            if (data.Dropped.Count > 0)
                facts["droppedBy"] = new JsonObject(data.Dropped.Select(why => KeyValuePair.Create(why.Reason, (JsonNode?)why.Count)));
        }
        return facts;
    }
}
