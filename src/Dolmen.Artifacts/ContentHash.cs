using System.Security.Cryptography;
using System.Text;

namespace Dolmen.Artifacts;

/// <summary>SHA-256 of what a file or folder holds: names below it and bytes, never times, owners or the order a disk lists them
/// in.</summary>
public static class ContentHash
{
    /// <exception cref="FileNotFoundException">Neither a file nor a folder.</exception>
    public static string Of(string path, CancellationToken stop = default)
    {
        if (File.Exists(path)) return StableHash.Sha256OfFile(path);
        if (!Directory.Exists(path)) throw new FileNotFoundException($"There is no file or folder '{path}'.", path);
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in FilesBelow(path))
        {
            stop.ThrowIfCancellationRequested();
            digest.AppendData(Encoding.UTF8.GetBytes($"{file}\0{StableHash.Sha256OfFile(Path.Combine(path, file))}\n"));
        }
        return Convert.ToHexStringLower(digest.GetHashAndReset());
    }

    /// <summary>Relative paths with '/' between their parts, in ordinal order; half-written files are left out.</summary>
    public static IReadOnlyList<string> FilesBelow(string folder)
    {
        var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(file => !file.EndsWith(AtomicFile.TemporarySuffix, StringComparison.Ordinal))
            .Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/'))
            .ToList();
        files.Sort(StringComparer.Ordinal);
        return files;
    }
}
