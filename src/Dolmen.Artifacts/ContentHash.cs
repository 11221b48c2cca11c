using System.IO.Enumeration;
using System.Security.Cryptography;
using System.Text;

namespace Dolmen.Artifacts;

/// <summary>SHA-256 of what a file or folder holds: names below it and bytes, never times, owners or the order a disk lists them in. A
/// folder that a piece of work left hashes as its outputs do: its manifest, which also says when and where, does not count.</summary>
public static class ContentHash
{
    /// <exception cref="FileNotFoundException">Neither a file nor a folder.</exception>
    public static string Of(string path, CancellationToken stop = default)
    {
        var known = new RecordedHashes();
        if (File.Exists(path)) return known.Of(path);
        if (!Directory.Exists(path)) throw new FileNotFoundException($"There is no file or folder '{path}'.", path);
        var made = Manifest.Read(path) is not null;
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in FilesBelow(path))
        {
            stop.ThrowIfCancellationRequested();
            if (made && (file is Manifest.FileName or UnfinishedWork.FileName
                || file.StartsWith(Manifest.ScratchFolder + "/", StringComparison.Ordinal)))
                continue;
            digest.AppendData(Encoding.UTF8.GetBytes($"{file}\0{known.Of(Path.Combine(path, file))}\n"));
        }
        return Convert.ToHexStringLower(digest.GetHashAndReset());
    }

    /// <summary>Relative paths with '/' between their parts, in ordinal order; half-written files are left out, and so are pipes, devices
    /// and what lies behind links to folders, which may lead in a circle.</summary>
    public static IReadOnlyList<string> FilesBelow(string folder)
    {
        var options = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.None,
            IgnoreInaccessible = false,
        };
        var all = new FileSystemEnumerable<string>(folder, (ref FileSystemEntry entry) => entry.ToFullPath(), options)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) =>
                !entry.IsDirectory && !entry.FileName.EndsWith(AtomicFile.TemporarySuffix, StringComparison.Ordinal),
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
        };
        var files = all.Where(file => FileTypes.Of(file) == FileType.Regular)
            .Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/'))
            .ToList();
        files.Sort(StringComparer.Ordinal);
        return files;
    }
}
