using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dolmen.Artifacts;

/// <summary>A file a stage left, relative to its directory.</summary>
public sealed record ManifestFile(string Path, long Bytes, string Sha256);

/// <summary>Written last and in one piece: a directory that has one is finished. Says from what, by which recipe, with which seed, by which
/// commit, on which machine, in which time a directory was made.</summary>
/// <param name="Identity">SHA-256 of everything the outputs depend on: stage, recipe, seed, inputs.</param>
/// <param name="Inputs">Name → SHA-256 of what it held.</param>
/// <param name="RecipeSha256">Of the stage's own part of the recipe, as canonical JSON.</param>
/// <param name="Seconds">Wall time, earlier interrupted attempts included where they were recorded.</param>
public sealed record Manifest(
    string Stage,
    string Identity,
    IReadOnlyDictionary<string, string> Inputs,
    IReadOnlyList<ManifestFile> Outputs,
    string RecipeSha256,
    ulong Seed,
    string? Commit,
    MachineSnapshot Machine,
    double Seconds,
    EnergyEstimate Energy,
    long PeakMemoryBytes
)
{
    public const string FileName = "manifest.json";

    /// <summary>A stage's scratch space: needed to go on after an interruption, worth nothing once the stage is done.</summary>
    public const string ScratchFolder = "checkpoints";

    private const long MostBytes = 64 << 20;

    /// <summary>SHA-256 over the parts a result depends on.</summary>
    public static string IdentityOf(string stage, string recipeSha256, ulong seed, IReadOnlyDictionary<string, string> inputs) =>
        StableHash.Sha256(
            string.Join(
                '\n',
                [
                    stage,
                    recipeSha256,
                    $"{seed}",
                    .. inputs.OrderBy(input => input.Key, StringComparer.Ordinal).Select(input => $"{input.Key}={input.Value}"),
                ]
            )
        );

    public static IReadOnlyList<ManifestFile> FilesOf(string directory) =>
        [
            .. ContentHash
                .FilesBelow(directory)
                .Where(file => file != FileName && !file.StartsWith(ScratchFolder + "/", StringComparison.Ordinal))
                .Select(file =>
                    Path.Combine(directory, file) is var full
                        ? new ManifestFile(file, new FileInfo(full).Length, StableHash.Sha256OfFile(full))
                        : null
                )
                .OfType<ManifestFile>(),
        ];

    public void Write(string directory) =>
        AtomicFile.WriteJson(Path.Combine(directory, FileName), this, ManifestJson.Default.Manifest);

    /// <summary>Null when there is none, or none that can be read: the directory then counts as unfinished.</summary>
    public static Manifest? Read(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path) || new FileInfo(path).Length > MostBytes) return null;
        try
        {
            using var stream = File.OpenRead(path);
            return JsonSerializer.Deserialize(stream, ManifestJson.Default.Manifest);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Whether <paramref name="directory"/> holds the finished result of <paramref name="identity"/>, every file as it was
    /// left.</summary>
    public static bool IsComplete(string directory, string identity) =>
        Read(directory) is { } manifest && manifest.Identity == identity && manifest.Damage(directory) is null;

    /// <summary>The first file that is missing or has changed, with what is wrong; null when all are as they were left.</summary>
    public string? Damage(string directory)
    {
        foreach (var file in Outputs)
        {
            var path = Path.GetFullPath(file.Path, directory);
            if (!path.StartsWith(Path.GetFullPath(directory) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                return $"{file.Path} lies outside";
            if (!File.Exists(path))
                return $"{file.Path} is missing";
            if (new FileInfo(path).Length != file.Bytes)
                return $"{file.Path} has another size";
            if (StableHash.Sha256OfFile(path) != file.Sha256)
                return $"{file.Path} has other contents";
        }
        return null;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Manifest))]
[JsonSerializable(typeof(MachineSnapshot))]
internal sealed partial class ManifestJson : JsonSerializerContext;
