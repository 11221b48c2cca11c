using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Dolmen.Artifacts;

/// <summary>A file that a piece of work left, relative to its directory.</summary>
public sealed record ManifestFile(string Path, long Bytes, string Sha256)
{
    /// <summary>When the file was last written, in UTC: where size and time still agree, its hash is taken from here.</summary>
    public DateTime? Modified { get; init; }
}

/// <summary>
/// Written last and in one piece: a directory that has one is finished. Says from what, by which recipe, with which seed, by which commit,
/// on which machine, in which time it was made, whichever verb made it. Where the output is a single file, the manifest lies beside it.
/// </summary>
/// <param name="Stage">The stage of a run, or the verb: "base", "tokenizer train".</param>
/// <param name="Identity">SHA-256 of everything the outputs depend on: stage, recipe, seed, inputs.</param>
/// <param name="RecipeSha256">Of the stage's own part of the recipe, as canonical JSON.</param>
/// <param name="Commit">Of the checkout that the program was built in; null outside one.</param>
/// <param name="Seconds">Wall time, earlier interrupted attempts included where they were recorded.</param>
public sealed record Manifest(
    string Stage,
    string Identity,
    IReadOnlyList<ManifestInput> Inputs,
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

    /// <summary>The version of Dolmen that made the output.</summary>
    public string? Version { get; init; }

    public DateTime? Finished { get; init; }

    /// <summary>The recipe as it was resolved; settings that hold a path of the machine name its last part alone.</summary>
    public JsonNode? Recipe { get; init; }

    /// <summary>Figures that tell what was made: how many documents, which vocabulary, how many steps.</summary>
    public JsonObject? Facts { get; init; }

    [JsonIgnore]
    public long Bytes => Outputs.Sum(file => file.Bytes);

    /// <summary>The version of the program that is running.</summary>
    public static string ProgramVersion { get; } =
        typeof(Manifest).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

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

    /// <summary>Where the manifest of an output lies: inside a folder, beside a file.</summary>
    public static string PlaceFor(string output) =>
        Directory.Exists(output) ? Path.Combine(output, FileName) : $"{output}.{FileName}";

    /// <summary>What lies in a directory that a piece of work left, without the manifest and what is of no use once it is done.</summary>
    public static IReadOnlyList<ManifestFile> FilesOf(string directory, RecordedHashes? known = null) =>
    [
        .. ContentHash.FilesBelow(directory)
            .Where(file => file is not (FileName or UnfinishedWork.FileName)
                && !file.StartsWith(ScratchFolder + "/", StringComparison.Ordinal))
            .Select(file => FileOf(Path.Combine(directory, file), file, known)),
    ];

    /// <param name="name">The path to record.</param>
    public static ManifestFile FileOf(string path, string name, RecordedHashes? known = null)
    {
        var info = new FileInfo(path);
        return new ManifestFile(name, info.Length, known?.Of(path) ?? StableHash.Sha256OfFile(path)) { Modified = info.LastWriteTimeUtc };
    }

    public void Write(string output) => AtomicFile.WriteJson(PlaceFor(output), this, ManifestJson.Default.Manifest);

    /// <summary>Null when there is none, or none that can be read: the output then counts as unfinished.</summary>
    /// <param name="output">A directory, or a file whose manifest lies beside it.</param>
    public static Manifest? Read(string output)
    {
        var path = PlaceFor(output);
        if (!File.Exists(path) || new FileInfo(path).Length > MostBytes) return null;
        try
        {
            using var stream = RegularFile.OpenRead(path);
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
    /// <param name="known">Trusts a file of the recorded size and time; every file is read when null.</param>
    public string? Damage(string output, RecordedHashes? known = null)
    {
        var directory = Directory.Exists(output) ? output : Path.GetDirectoryName(Path.GetFullPath(output)) ?? output;
        foreach (var file in Outputs)
        {
            var path = Path.GetFullPath(file.Path, Path.GetFullPath(directory));
            if (!path.StartsWith(Path.GetFullPath(directory) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                return $"{file.Path} lies outside";
            if (!File.Exists(path))
                return $"{file.Path} is missing";
            if (new FileInfo(path).Length != file.Bytes)
                return $"{file.Path} has another size";
            if ((known?.Of(path) ?? StableHash.Sha256OfFile(path)) != file.Sha256)
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
