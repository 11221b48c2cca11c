using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Training;

namespace Dolmen.Cli;

/// <summary>What a training verb puts on stdout with --json.</summary>
internal sealed record StageOutcome(
    string Model,
    long Tokens,
    int Steps,
    double Seconds,
    double TokensPerSecond,
    double Loss,
    double? BitsPerByte,
    long Parameters,
    DataCounts? Data
)
{
    public static string ToJson(string directory, TrainingOutcome outcome) =>
        JsonSerializer.Serialize(
            new StageOutcome(
                Path.Combine(directory, "model"),
                outcome.Tokens,
                outcome.Steps,
                outcome.Seconds,
                outcome.TokensPerSecond,
                outcome.Loss,
                outcome.BitsPerByte,
                outcome.Parameters,
                outcome.Data
            ),
            StageOutcomeJson.Default.StageOutcome
        );
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(StageOutcome))]
internal sealed partial class StageOutcomeJson : JsonSerializerContext;
