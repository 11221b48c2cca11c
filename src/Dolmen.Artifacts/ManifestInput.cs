using System.Text.Json.Nodes;

namespace Dolmen.Artifacts;

/// <summary>Something a piece of work read.</summary>
/// <param name="Role">What it was read as: "corpus", "tokenizer", "model".</param>
/// <param name="Name">For people: the last part of its path, or what stands for an input that has none.</param>
/// <param name="Path">From the folder of the manifest; null where only the root of the machine holds both, or where there is no
/// path.</param>
/// <param name="Sha256">Of its contents; null where there is nothing to hash.</param>
/// <param name="Manifest">SHA-256 of the manifest of the work that made it; null where none says so.</param>
public sealed record ManifestInput(string Role, string Name, string? Path, string? Sha256, string? Manifest)
{
    /// <summary>Hashes a file or folder; a path that is neither is recorded by name alone.</summary>
    /// <param name="folder">Of the manifest.</param>
    public static ManifestInput Of(string role, string path, string folder, CancellationToken stop = default)
    {
        if (!File.Exists(path) && !Directory.Exists(path)) return new ManifestInput(role, ShownName.Of(path), null, null, null);
        string? sha256 = null;
        try
        {
            sha256 = ContentHash.Of(path, stop);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Whether an input that cannot be read is an error is for the work to say.
        }
        var way = Relative(folder, path);
        if (way is null && sha256 is not null) KnownPlaces.Remember(sha256, path);
        return new ManifestInput(role, ShownName.Of(NameOf(path)), way, sha256, MadeBy.Of(path)?.Sha256);
    }

    /// <summary>The last part; of a run's model folder the run as well.</summary>
    private static string NameOf(string path)
    {
        var full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        var (name, parent) = (System.IO.Path.GetFileName(full), System.IO.Path.GetFileName(System.IO.Path.GetDirectoryName(full)));
        return name == "model" && parent is { Length: > 0 } ? $"{parent}/{name}" : name;
    }

    /// <summary>The way from one folder to the other where it says nothing about the machine: it does not pass the root, nor the folder of
    /// all users' homes.</summary>
    /// <param name="home">The user's own when null.</param>
    public static string? Relative(string folder, string path, string? home = null)
    {
        var (from, to) = (System.IO.Path.GetFullPath(folder), System.IO.Path.GetFullPath(path));
        var homes = System.IO.Path.GetDirectoryName(home ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));
        for (var at = from; at is not null; at = System.IO.Path.GetDirectoryName(at))
        {
            var below = System.IO.Path.GetRelativePath(at, to);
            if (below.StartsWith("..", StringComparison.Ordinal) || System.IO.Path.IsPathRooted(below)) continue;
            return at == homes || System.IO.Path.GetDirectoryName(at) is null ? null
                : System.IO.Path.GetRelativePath(from, to).Replace('\\', '/');
        }
        return null;
    }

    /// <summary>A copy in which every text that is a path of this machine is the way there from <paramref name="folder"/>, or its last
    /// part.</summary>
    public static JsonNode? WithoutMachinePaths(JsonNode? node, string folder) => node switch
    {
        JsonObject properties => new JsonObject(
            properties.Select(property => KeyValuePair.Create(property.Key, WithoutMachinePaths(property.Value, folder)))),
        JsonArray items => new JsonArray([.. items.Select(item => WithoutMachinePaths(item, folder))]),
        JsonValue value when value.TryGetValue<string>(out var text) && System.IO.Path.IsPathFullyQualified(text)
            && (File.Exists(text) || Directory.Exists(text)) => Relative(folder, text) ?? NameOf(text),
        _ => node?.DeepClone(),
    };
}
