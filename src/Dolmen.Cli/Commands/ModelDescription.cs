using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;

namespace Dolmen.Cli.Commands;

internal sealed record StateNeed(int Tokens, long Bytes);

/// <param name="Dtype">Of the weights; the state is in the same, beside quantised weights in bfloat16.</param>
/// <param name="LargestContext">Tokens whose state fits beside the weights, 2^31 − 1 where any number does; null when no memory was
/// named.</param>
internal sealed record MemoryNeed(string Dtype, long WeightBytes, IReadOnlyList<StateNeed> States, int? LargestContext);

internal sealed record ModelDescription(
    string Folder, ModelConfig Config, long Parameters, long ActiveParameters, double TrainingFlopsPerToken, double InferenceFlopsPerToken,
    bool HasWeights, long? Budget, IReadOnlyList<MemoryNeed> Memory)
{
    public static ModelDescription Of(string folder, ModelConfig config, long? budget = null, bool hasWeights = true)
    {
        var full = config.ContextLength;
        IEnumerable<(string Name, long Weights, int StateBytes)> kinds =
        [
            .. Enum.GetValues<TensorDtype>().Select(dtype => (dtype.HuggingFaceName(), config.Parameters * dtype.Bytes(), dtype.Bytes())),
            ("Q8_0", config.Parameters * 34 / 32, 2), ("Q4_0", config.Parameters * 18 / 32, 2),
        ];
        return new ModelDescription(
            Path.GetFullPath(folder), config, config.Parameters, config.ActiveParameters, config.TrainingFlopsPerToken(full),
            config.ForwardFlopsPerToken(full), hasWeights, budget,
            [.. kinds.Select(kind => new MemoryNeed(kind.Name, kind.Weights,
                [.. Lengths(full).Select(length => new StateNeed(length, config.StateBytes(length, kind.StateBytes)))],
                budget is { } bytes ? LargestContext(config, bytes - kind.Weights, kind.StateBytes) : null))]);
    }

    /// <summary>The most tokens whose state fits; 0 when not one does.</summary>
    private static int LargestContext(ModelConfig config, long bytes, int bytesPerValue)
    {
        bool Fits(int tokens) => config.StateBytes(tokens, bytesPerValue) <= bytes;
        if (!Fits(1)) return 0;
        if (Fits(int.MaxValue)) return int.MaxValue;
        var (low, high) = (1, int.MaxValue);
        while (high - low > 1)
        {
            var middle = low + (high - low) / 2;
            if (Fits(middle)) low = middle;
            else high = middle;
        }
        return low;
    }

    /// <summary>A quarter, half and the whole of the context.</summary>
    private static IEnumerable<int> Lengths(int context) =>
        new[] { context / 4, context / 2, context }.Where(length => length > 0).Distinct();
}

/// <summary>Amounts of memory as people write them.</summary>
internal static class MemorySize
{
    private static readonly (string Unit, double Bytes)[] Units =
        [("TIB", 1L << 40), ("GIB", 1L << 30), ("MIB", 1L << 20), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6)];

    public static long Parse(string text)
    {
        foreach (var (unit, bytes) in Units)
        {
            var upper = text.Trim().ToUpperInvariant();
            if (upper.EndsWith(unit, StringComparison.Ordinal) && double.TryParse(upper[..^unit.Length], out var number) && number > 0
                && number * bytes < 1e18)
            {
                return (long)(number * bytes);
            }
        }
        throw new UserErrorException($"--memory is '{text}': write an amount with its unit, as 80GB or 16GiB.");
    }

    public static string Text(long bytes) => bytes switch
    {
        >= 1L << 30 => $"{bytes / (double)(1L << 30):0.0} GiB",
        >= 1L << 20 => $"{bytes / (double)(1L << 20):0.0} MiB",
        _ => $"{bytes / 1024.0:0.0} KiB",
    };
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ModelDescription))]
internal sealed partial class ModelCommandJson : JsonSerializerContext;
