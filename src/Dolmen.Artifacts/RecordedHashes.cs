namespace Dolmen.Artifacts;

/// <summary>Hashes of files that need not be read again: where a manifest lists a file and its size and time are as they were, what it was
/// hashed to then. Folders are looked at once; not thread-safe.</summary>
public sealed class RecordedHashes
{
    /// <summary>The most folders between a file and the folder whose manifest lists it.</summary>
    private const int MostFoldersUp = 4;

    private readonly Dictionary<string, Dictionary<string, ManifestFile>?> _byFolder = new(StringComparer.Ordinal);

    /// <summary>Looks also at a manifest that was deleted since.</summary>
    public void Add(string folder, Manifest manifest) => _byFolder[Path.GetFullPath(folder)] = Index(manifest);

    /// <summary>SHA-256 of the file's contents.</summary>
    public string Of(string path)
    {
        var full = Path.GetFullPath(path);
        return Recorded(full) ?? StableHash.Sha256OfFile(full);
    }

    private string? Recorded(string path)
    {
        var info = new FileInfo(path);
        var folder = Path.GetDirectoryName(path);
        for (var up = 0; up < MostFoldersUp && folder is not null; up++, folder = Path.GetDirectoryName(folder))
        {
            if (!_byFolder.TryGetValue(folder, out var files))
                _byFolder[folder] = files = Manifest.Read(folder) is { } manifest ? Index(manifest) : null;
            if (files is null || !files.TryGetValue(Path.GetRelativePath(folder, path).Replace('\\', '/'), out var file)) continue;
            if (file.Bytes == info.Length && file.Modified == info.LastWriteTimeUtc) return file.Sha256;
        }
        return null;
    }

    private static Dictionary<string, ManifestFile> Index(Manifest manifest) =>
        manifest.Outputs.DistinctBy(file => file.Path).ToDictionary(file => file.Path, StringComparer.Ordinal);
}
