using System.Text.Json.Serialization;

namespace Dolmen.Artifacts;

[JsonConverter(typeof(JsonStringEnumConverter<WorkState>))]
public enum WorkState
{
    [JsonStringEnumMemberName("complete")] Complete,
    [JsonStringEnumMemberName("running")] Running,
    [JsonStringEnumMemberName("interrupted")] Interrupted,

    /// <summary>Finished, and an output is missing or has changed since.</summary>
    [JsonStringEnumMemberName("changed")] Changed,
}

/// <summary>A run, or what a verb made, in a folder.</summary>
/// <param name="Kind">The verb or stage; null where only its traces are left.</param>
/// <param name="Finished">When, in UTC; of unfinished work, when something was last written.</param>
/// <param name="Problem">What has changed.</param>
public sealed record ListedWork(
    string Name, string? Kind, WorkState State, DateTime? Finished, double? Seconds, long Bytes, string? Problem)
{
    /// <summary>What lies directly in the folder and was made, or is being made, by a verb; by name.</summary>
    /// <exception cref="UserErrorException">The folder does not exist.</exception>
    public static IReadOnlyList<ListedWork> In(string folder)
    {
        InputPlace.ThrowUnlessFileOrFolder(folder);
        if (File.Exists(folder)) throw new UserErrorException($"{folder} is a file: name a folder of runs.");
        var folders = Directory.EnumerateDirectories(folder).Select(OfFolder);
        var files = Directory.EnumerateFiles(folder, "*." + Manifest.FileName)
            .Select(manifest => manifest[..^(Manifest.FileName.Length + 1)]).Where(File.Exists).Select(OfFinished);
        return [.. folders.Concat(files).OfType<ListedWork>().OrderBy(work => work.Name, StringComparer.Ordinal)];
    }

    private static ListedWork? OfFolder(string folder)
    {
        if (Manifest.Read(folder) is not null) return OfFinished(folder);
        var unfinished = UnfinishedWork.Read(folder);
        var besideLock = folder + FileLock.Suffix;
        var isRun = File.Exists(Path.Combine(folder, RunDirectory.RunFile));
        var trains = Directory.Exists(Path.Combine(folder, Manifest.ScratchFolder));
        if (unfinished is null && !isRun && !trains && !File.Exists(besideLock)) return null;
        // A stage is at work when the run around it is.
        string[] locks = [besideLock, Path.Combine(folder, RunDirectory.LockFile),
            Path.Combine(Path.GetDirectoryName(folder) ?? folder, RunDirectory.LockFile)];
        var state = locks.Any(FileLock.IsHeld) ? WorkState.Running : WorkState.Interrupted;
        var files = new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).ToList();
        return new ListedWork(
            ShownName.Of(Path.GetFileName(folder)),
            unfinished?.Stage ?? (isRun ? RunDirectory.RunStage : null),
            state,
            files.Count == 0 ? null : files.Max(file => file.LastWriteTimeUtc),
            unfinished?.Seconds,
            files.Sum(file => file.Length),
            null);
    }

    private static ListedWork? OfFinished(string output)
    {
        if (Manifest.Read(output) is not { } manifest) return null;
        var damage = manifest.Damage(output, new RecordedHashes());
        return new ListedWork(
            ShownName.Of(Path.GetFileName(output)),
            manifest.Stage,
            damage is null ? WorkState.Complete : WorkState.Changed,
            manifest.Finished ?? File.GetLastWriteTimeUtc(Manifest.PlaceFor(output)),
            manifest.Seconds,
            manifest.Bytes,
            damage);
    }
}
