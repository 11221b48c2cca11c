using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <param name="FlopsPerSecond">Of one thread, over the three products of a training step, on the shapes that were measured.</param>
public sealed record ArithmeticRate(Precision Arithmetic, double FlopsPerSecond);

/// <summary>Which arithmetic this machine computes a model's products fastest with, and by how much.</summary>
/// <param name="Rates">The fastest first.</param>
public sealed record ArithmeticChoice(Precision Fastest, IReadOnlyList<ArithmeticRate> Rates)
{
    private static readonly Dictionary<string, ArithmeticChoice> InProcess = new(StringComparer.Ordinal);

    /// <summary>Whether the machine did other work meanwhile: the answer is then good for this run and is not kept.</summary>
    [JsonIgnore]
    public bool IsDisturbed { get; init; }

    [JsonIgnore]
    public string Reason =>
        "measured on one thread of this machine: "
        + string.Join(
            ", ",
            Rates.Select(rate =>
                string.Create(CultureInfo.InvariantCulture, $"{rate.Arithmetic} {rate.FlopsPerSecond / 1e9:0} GFLOP/s")
            )
        )
        + (IsDisturbed ? "; other work disturbed this, so it is not kept for later runs" : "");

    /// <summary>One file a processor, number of threads, version of libtorch and list of shapes.</summary>
    private static string CacheDirectory
    {
        get
        {
            var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            if (string.IsNullOrEmpty(cache))
                cache = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
            return Path.Combine(cache, "dolmen", "arithmetic");
        }
    }

    /// <summary>Measured on the model's own shapes in under a second, unless this machine did it before.</summary>
    public static ArithmeticChoice For(ModelConfig model)
    {
        // Models over pairs multiply through libtorch alone.
        IReadOnlyList<Precision> candidates =
            [.. ComputePath.Candidates.Where(candidate => model is DecoderConfig || candidate != Precision.Float32Packed)];
        return For(ProductShape.Of(model), candidates);
    }

    internal static ArithmeticChoice For(IReadOnlyList<ProductShape> shapes, IReadOnlyList<Precision> candidates) =>
        For(shapes, candidates, CacheDirectory, ArithmeticMeasurement.Run);

    internal static ArithmeticChoice For(
        IReadOnlyList<ProductShape> shapes,
        IReadOnlyList<Precision> candidates,
        string directory,
        Func<IReadOnlyList<ProductShape>, IReadOnlyList<Precision>, ArithmeticChoice> measure
    )
    {
        var machine = MachineSnapshot.Take();
        var key = StableHash.Sha256(
            string.Join(
                '\n',
                "2",
                machine.CpuModel,
                string.Join(' ', machine.CpuFeatures),
                get_num_threads(),
                directory,
                __version__,
                string.Join(' ', candidates),
                string.Join(' ', shapes)
            )
        )[..32];
        lock (InProcess)
        {
            if (InProcess.TryGetValue(key, out var known)) return known;
            var file = Path.Combine(directory, key + ".json");
            var choice = Read(file, candidates);
            if (choice is null)
            {
                choice = measure(shapes, candidates);
                // What disturbs may have ended a moment later.
                if (choice.IsDisturbed) choice = measure(shapes, candidates);
                if (!choice.IsDisturbed) Keep(file, choice);
            }
            return InProcess[key] = choice;
        }
    }

    /// <summary>Forgets every measurement, so that the next question measures anew.</summary>
    public static void Forget()
    {
        lock (InProcess)
        {
            InProcess.Clear();
            if (Directory.Exists(CacheDirectory)) Directory.Delete(CacheDirectory, recursive: true);
        }
    }

    /// <summary>Null where the file is missing, damaged, or names an arithmetic that is not a candidate here.</summary>
    private static ArithmeticChoice? Read(string file, IReadOnlyList<Precision> candidates)
    {
        try
        {
            if (!File.Exists(file)) return null;
            var choice = JsonSerializer.Deserialize(RegularFile.ReadAllText(file), ArithmeticJson.Default.ArithmeticChoice);
            return choice is { Rates.Count: > 0 } && candidates.Contains(choice.Fastest) ? choice : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private static void Keep(string file, ArithmeticChoice choice)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            AtomicFile.WriteJson(file, choice, ArithmeticJson.Default.ArithmeticChoice);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A home that cannot be written to costs a measurement a run, and nothing else.
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = true)]
[JsonSerializable(typeof(ArithmeticChoice))]
internal sealed partial class ArithmeticJson : JsonSerializerContext;
