using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Evaluation;
using Dolmen.Pipeline.Stages;
using Dolmen.Training;

namespace Dolmen.Pipeline;

/// <summary>What a run made and what it cost.</summary>
/// <param name="Seconds">Sum over the stages, whichever command ran them.</param>
/// <param name="Tokens">Trained on in all training stages together.</param>
/// <param name="Training">base, sft, dpo → what their trainer reported.</param>
/// <param name="Evaluation">base, sft, dpo → metrics, under the names of evaluation.json.</param>
public sealed record PipelineResult(
    string Out,
    string Model,
    double Seconds,
    long PeakMemoryBytes,
    long Parameters,
    long Tokens,
    double EnergyJoules,
    string EnergyMethod,
    ulong Seed,
    IReadOnlyDictionary<string, TrainingOutcome> Training,
    JsonObject Evaluation,
    IReadOnlyList<StageCost> Stages,
    IReadOnlyList<string> Notices,
    string? Commit,
    MachineSnapshot Machine
)
{
    internal const string FileName = "results.json";

    /// <summary>The evaluation as records, in the order of the stages.</summary>
    public IReadOnlyList<(string Name, EvaluationResult Result)> Models() =>
    [
        .. Evaluation.Select(model => (model.Key, model.Value.Deserialize(PipelineJson.Default.EvaluationResult)
            ?? throw new InvalidOperationException($"The evaluation of {model.Key} is null."))),
    ];

    /// <summary>The text of the file inside the run, which people share and move: its paths are relative to the run.</summary>
    internal string ToFile() =>
        (this with { Out = ".", Model = Path.GetRelativePath(Out, Model).Replace('\\', '/') }).ToJson() + "\n";

    public string ToJson() => JsonSerializer.Serialize(this, PipelineJson.Default.PipelineResult);

    /// <exception cref="UserErrorException">The directory holds no finished run.</exception>
    public static PipelineResult Read(string runDirectory)
    {
        var path = Path.Combine(runDirectory, FileName);
        if (!File.Exists(path))
            throw new UserErrorException(
                $"{runDirectory} holds no finished run: it has no {FileName}. The command that began it goes on from where it stopped."
            );
        try
        {
            var result = JsonSerializer.Deserialize(RegularFile.ReadAllText(path), PipelineJson.Default.PipelineResult)
                ?? throw new JsonException("It is null.");
            var place = Path.GetFullPath(runDirectory);
            return result with { Out = place, Model = Path.GetFullPath(Path.Combine(place, result.Model)) };
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{path} cannot be read: {error.Message} Delete it and run the same command again.", error);
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true
)]
[JsonSerializable(typeof(PipelineResult))]
[JsonSerializable(typeof(EvaluationResult))]
[JsonSerializable(typeof(TrainingOutcome))]
internal sealed partial class PipelineJson : JsonSerializerContext;
