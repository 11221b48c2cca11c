using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dolmen.Artifacts;

/// <summary>A note in a directory whose work has begun and is not finished; gone when the manifest is written.</summary>
/// <param name="Identity">Of what was asked for; work with another identity begins anew.</param>
/// <param name="Seconds">Wall time of the attempts so far.</param>
public sealed record UnfinishedWork(string Stage, string Identity, double Seconds)
{
    public const string FileName = "unfinished.json";

    public void Write(string directory) =>
        AtomicFile.WriteJson(Path.Combine(directory, FileName), this, UnfinishedWorkJson.Default.UnfinishedWork);

    /// <summary>The time of an attempt is a note: on a full disk the reason why the work stopped matters more.</summary>
    public void TryWrite(string directory)
    {
        try
        {
            Write(directory);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What was written at the start, if anything was, still stands.
        }
    }

    public static UnfinishedWork? Read(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path)) return null;
        try
        {
            return JsonSerializer.Deserialize(RegularFile.ReadAllText(path), UnfinishedWorkJson.Default.UnfinishedWork);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static void Remove(string directory) => File.Delete(Path.Combine(directory, FileName));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(UnfinishedWork))]
internal sealed partial class UnfinishedWorkJson : JsonSerializerContext;
