using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;

namespace Dolmen.Training;

/// <summary>Keeps in a stage's directory which arithmetic it began with, so that it goes on with the same bits: on another machine, or
/// after the measurements were made anew.</summary>
internal static class RunArithmetic
{
    private const string FileName = "arithmetic.json";

    public static ComputePath Choose(ModelConfig model, TrainingContext context)
    {
        var file = Path.Combine(context.OutDirectory, FileName);
        var path = ComputePath.Choose(context.Training.Precision, model);
        if (context.Training.Precision == Precision.Auto && Recorded(file) is { } recorded)
            path = new ComputePath(recorded, $"{ComputePath.Name(recorded)}, as the run in {context.OutDirectory} began");
        Directory.CreateDirectory(context.OutDirectory);
        AtomicFile.WriteJson(file, new ArithmeticRecord(path.Arithmetic), ArithmeticRecordJson.Default.ArithmeticRecord);
        context.Notice?.Invoke($"computing with {path.Reason}");
        return path;
    }

    private static Precision? Recorded(string file)
    {
        if (!File.Exists(file)) return null;
        try
        {
            return JsonSerializer.Deserialize(RegularFile.ReadAllText(file), ArithmeticRecordJson.Default.ArithmeticRecord)?.Precision;
        }
        catch (JsonException error)
        {
            throw new UserErrorException(
                $"{file} does not name an arithmetic ({error.Message}): set training.precision, or delete the file to measure anew.",
                error
            );
        }
    }
}

internal sealed record ArithmeticRecord(Precision Precision);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ArithmeticRecord))]
internal sealed partial class ArithmeticRecordJson : JsonSerializerContext;
