using System.Diagnostics;
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
        var identity = Manifest.IdentityOf(stage.Name, recipeSha256, seed, stage.Depends);
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
        var earlierSeconds = Prepare(directory, stage, identity);
        var inputs = stage.Inputs();
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
            if (Directory.Exists(directory)) new UnfinishedWork(stage.Name, identity, Seconds()).TryWrite(directory);
            throw;
        }
        var (seconds, spent, memory) = (Seconds(), energy.Stop(), MachineSnapshot.PeakMemoryBytes());
        UnfinishedWork.Remove(directory);
        new Manifest(
            stage.Name,
            identity,
            inputs,
            Manifest.FilesOf(directory),
            recipeSha256,
            seed,
            commit,
            machine,
            seconds,
            spent,
            memory
        )
        {
            Version = Manifest.ProgramVersion,
            Finished = DateTimeOffset.UtcNow.UtcDateTime,
            Recipe = ManifestInput.WithoutMachinePaths(stage.Recipe, directory),
            Facts = stage.Facts(directory),
        }.Write(directory);
        _costs.Add(new StageCost(stage.Name, seconds, spent.Joules, spent.Method, memory, Skipped: false));
        return directory;
    }

    /// <returns>Seconds an interrupted attempt that goes on has already taken.</returns>
    private static double Prepare(string directory, Stage stage, string identity)
    {
        var attempt = UnfinishedWork.Read(directory);
        var goesOn = stage.Resumes && attempt?.Identity == identity;
        if (!goesOn && Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
        Directory.CreateDirectory(directory);
        attempt = new UnfinishedWork(stage.Name, identity, goesOn && attempt is not null ? attempt.Seconds : 0);
        attempt.Write(directory);
        return attempt.Seconds;
    }
}
