using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Pipeline.Stages;

/// <summary>Runs stages one after the other in a run's directory: finished ones are skipped, interrupted ones go on, stale ones begin
/// anew.</summary>
internal sealed class StageExecutor(string runDirectory, ulong seed, string? commit, MachineSnapshot machine)
{
    private readonly List<StageCost> _costs = [];

    public IReadOnlyList<StageCost> Costs => _costs;

    /// <summary>Leaves the stage's directory finished, with its manifest.</summary>
    public string Execute(Stage stage)
    {
        var directory = Path.Combine(runDirectory, stage.Name);
        var recipeSha256 = StableHash.Sha256(stage.Recipe?.ToJsonString() ?? "null");
        var identity = Manifest.IdentityOf(stage.Name, recipeSha256, seed, stage.Inputs);
        if (Manifest.Read(directory) is { } finished && finished.Identity == identity && finished.Damage(directory) is null)
        {
            _costs.Add(
                new StageCost(
                    stage.Name,
                    finished.Seconds,
                    finished.Energy.Joules,
                    finished.Energy.Method,
                    finished.PeakMemoryBytes,
                    Skipped: true
                )
            );
            return directory;
        }
        var earlierSeconds = Prepare(directory, identity, stage.Resumes);
        MachineSnapshot.RestartPeakMemory();
        var energy = EnergyMeter.Start();
        var started = Stopwatch.GetTimestamp();
        double Seconds() => earlierSeconds + Stopwatch.GetElapsedTime(started).TotalSeconds;
        try
        {
            stage.Run(directory);
        }
        catch
        {
            if (Directory.Exists(directory)) TryWriteAttempt(directory, new StageAttempt(identity, Seconds()));
            throw;
        }
        var (seconds, spent, memory) = (Seconds(), energy.Stop(), MachineSnapshot.PeakMemoryBytes());
        File.Delete(Path.Combine(directory, StageAttempt.FileName));
        new Manifest(
            stage.Name,
            identity,
            stage.Inputs,
            Manifest.FilesOf(directory),
            recipeSha256,
            seed,
            commit,
            machine,
            seconds,
            spent,
            memory
        ).Write(directory);
        _costs.Add(new StageCost(stage.Name, seconds, spent.Joules, spent.Method, memory, Skipped: false));
        return directory;
    }

    /// <returns>Seconds an interrupted attempt that goes on has already taken.</returns>
    private static double Prepare(string directory, string identity, bool resumes)
    {
        var attempt = ReadAttempt(directory);
        var goesOn = resumes && attempt?.Identity == identity;
        if (!goesOn && Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
        Directory.CreateDirectory(directory);
        attempt = new StageAttempt(identity, goesOn && attempt is not null ? attempt.Seconds : 0);
        WriteAttempt(directory, attempt);
        return attempt.Seconds;
    }

    private static void WriteAttempt(string directory, StageAttempt attempt) =>
        AtomicFile.WriteJson(Path.Combine(directory, StageAttempt.FileName), attempt, StageJson.Default.StageAttempt);

    /// <summary>The time of an attempt is a note: on a full disk the reason the stage stopped matters more.</summary>
    private static void TryWriteAttempt(string directory, StageAttempt attempt)
    {
        try
        {
            WriteAttempt(directory, attempt);
        }
        catch (IOException)
        {
            // The attempt written at the start still stands.
        }
    }

    private static StageAttempt? ReadAttempt(string directory)
    {
        var path = Path.Combine(directory, StageAttempt.FileName);
        if (!File.Exists(path)) return null;
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(path), StageJson.Default.StageAttempt);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StageAttempt))]
internal sealed partial class StageJson : JsonSerializerContext;
