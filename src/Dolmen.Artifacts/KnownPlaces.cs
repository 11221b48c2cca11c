namespace Dolmen.Artifacts;

/// <summary>
/// Where an input lay on this machine, by the hash of its contents. Manifests, which people share, name no path of the machine; this note
/// in the user's own cache lets the trail be followed all the same. The cache may be deleted at any time.
/// </summary>
public static class KnownPlaces
{
    /// <summary>Moves the cache elsewhere.</summary>
    public const string CacheVariable = "DOLMEN_CACHE";

    private static string Folder => CacheFolder("places");

    /// <summary>Where what can be made again is kept between runs, each kind in a folder of its own.</summary>
    public static string CacheFolder(string kind) =>
        Environment.GetEnvironmentVariable(CacheVariable) is { Length: > 0 } named ? Path.Combine(named, kind)
        : Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
            "dolmen",
            kind);

    public static void Remember(string sha256, string path)
    {
        try
        {
            Directory.CreateDirectory(Folder);
            AtomicFile.WriteText(Path.Combine(Folder, sha256), Path.GetFullPath(path) + "\n");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Without a cache the trail ends where a path would be needed.
        }
    }

    /// <summary>Null where nothing is known or nothing is there any more.</summary>
    public static string? Find(string sha256)
    {
        var note = Path.Combine(Folder, sha256);
        try
        {
            var path = File.Exists(note) ? RegularFile.ReadAllText(note).Trim() : "";
            return File.Exists(path) || Directory.Exists(path) ? path : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
