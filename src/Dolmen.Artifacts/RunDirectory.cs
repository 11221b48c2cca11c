using System.Text.Json;
using System.Text.Json.Nodes;

namespace Dolmen.Artifacts;

public enum RunState { New, Resumable, Complete }

/// <summary>A directory that belongs to one run: what the user asked for is written into it at the start, so that the same command goes on
/// and any other is refused. One process works in it at a time; the lock is the system's and ends with the process.</summary>
public sealed class RunDirectory : IDisposable
{
    public const string RunFile = "run.json";
    public const string LockFile = "run.lock";

    /// <summary>What the manifest of a whole run calls it.</summary>
    public const string RunStage = "run";

    private const int MostDifferencesNamed = 3;

    private readonly FileLock _beside, _inside;

    private RunDirectory(string path, string identity, RunState state, FileLock beside, FileLock inside) =>
        (Path, Identity, State, _beside, _inside) = (path, identity, state, beside, inside);

    public string Path { get; }

    public string Identity { get; }

    public RunState State { get; }

    /// <param name="request">All that the run's results depend on, the inputs by content hash: its canonical JSON is the run's
    /// identity.</param>
    /// <exception cref="UserErrorException">The folder holds something else, or another process works in it.</exception>
    public static RunDirectory Open(string path, JsonObject request)
    {
        path = System.IO.Path.GetFullPath(path);
        OutputPlace.Check(path);
        if (File.Exists(path)) throw new UserErrorException($"--out {path} is a file: a run needs a directory. Name another --out.");
        // Two locks: the one that every verb takes, and one inside, by which the verbs that make a part of a run see that it is at work.
        var beside = FileLock.Beside(path);
        FileLock? inside = null;
        try
        {
            RefuseForeignFolder(path);
            Directory.CreateDirectory(path);
            inside = FileLock.Take(System.IO.Path.Combine(path, LockFile), path);
            var identity = StableHash.Sha256(request.ToJsonString());
            var runFile = System.IO.Path.Combine(path, RunFile);
            if (!File.Exists(runFile))
            {
                AtomicFile.WriteText(
                    runFile,
                    new JsonObject { ["identity"] = identity, ["request"] = request.DeepClone() }.ToJsonString(Indented) + "\n"
                );
                return new RunDirectory(path, identity, RunState.New, beside, inside);
            }
            var (theirs, theirRequest) = ReadRun(runFile);
            if (theirs != identity)
            {
                throw new UserErrorException(
                    $"{path} holds a different run{Differences(theirRequest, request)}: use another --out or delete it.");
            }
            var state = Manifest.IsComplete(path, identity) ? RunState.Complete : RunState.Resumable;
            return new RunDirectory(path, identity, state, beside, inside);
        }
        catch
        {
            inside?.Dispose();
            beside.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _inside.Dispose();
        _beside.Dispose();
    }

    private static JsonSerializerOptions Indented { get; } = new() { WriteIndented = true };

    private static void RefuseForeignFolder(string path)
    {
        if (!Directory.Exists(path) || File.Exists(System.IO.Path.Combine(path, RunFile))) return;
        var stranger = Directory.EnumerateFileSystemEntries(path).Select(System.IO.Path.GetFileName)
            .Where(name => name is not (LockFile or RunFile + AtomicFile.TemporarySuffix)).Order(StringComparer.Ordinal).FirstOrDefault();
        if (stranger is not null)
        {
            throw new UserErrorException(
                $"{path} is not empty and holds no run ('{stranger}' is there, {RunFile} is not): nothing was touched. Name a new or empty "
                    + $"folder with --out."
            );
        }
    }

    private static (string Identity, JsonObject Request) ReadRun(string file)
    {
        try
        {
            var run = JsonNode.Parse(RegularFile.ReadAllText(file)) as JsonObject;
            if (run?["identity"]?.GetValue<string>() is { } identity && run["request"] is JsonObject request) return (identity, request);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new UserErrorException($"{file} cannot be read as a run's record: use another --out or delete the folder.", error);
        }
        throw new UserErrorException($"{file} is not a run's record: use another --out or delete the folder.");
    }

    private static string Differences(JsonNode theirs, JsonNode ours)
    {
        var before = Leaves(theirs).ToDictionary();
        var now = Leaves(ours).ToDictionary();
        var differing = before.Keys.Union(now.Keys).Where(key => before.GetValueOrDefault(key) != now.GetValueOrDefault(key)).ToList();
        var named = differing.Take(MostDifferencesNamed)
            .Select(key => $"{key} is {before.GetValueOrDefault(key, "absent")} there and {now.GetValueOrDefault(key, "absent")} here");
        var more = differing.Count > MostDifferencesNamed ? $", and {differing.Count - MostDifferencesNamed} more" : "";
        return differing.Count == 0 ? "" : $" ({string.Join(", ", named)}{more})";
    }

    private static IEnumerable<KeyValuePair<string, string>> Leaves(JsonNode? node, string path = "") =>
        node switch
        {
            JsonObject properties => properties.SelectMany(property =>
                Leaves(property.Value, path.Length == 0 ? property.Key : $"{path}.{property.Key}")
            ),
            JsonArray items => items.SelectMany((item, i) => Leaves(item, $"{path}[{i}]")),
            _ => [new(path, Shorten(node?.ToJsonString() ?? "null"))],
        };

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..18] + "…" + text[^18..];
}
