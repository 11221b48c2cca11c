namespace Dolmen.Artifacts;

/// <summary>Finds out before the work begins whether its result can be written, so that hours of it are not lost at the end.</summary>
public static class OutputPlace
{
    /// <param name="path">A file or folder that is going to be made, or that is there already.</param>
    /// <exception cref="UserErrorException">A device, pipe or socket stands there, or nothing can be written there.</exception>
    public static void Check(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        var type = FileTypes.Of(full);
        if (type is not (FileType.Missing or FileType.Regular or FileType.Folder))
        {
            throw new UserErrorException($"--out {path} is {type.Name()}: it would be replaced. Name another --out.");
        }
        var folder = type == FileType.Folder ? full : Path.GetDirectoryName(full);
        while (folder is not null && FileTypes.Of(folder) == FileType.Missing) folder = Path.GetDirectoryName(folder);
        if (folder is null) return;
        if (FileTypes.Of(folder) != FileType.Folder)
        {
            throw new UserErrorException($"--out {path} lies below {folder}, which is {FileTypes.Of(folder).Name()}: name another --out.");
        }
        var probe = Path.Combine(folder, $".dolmen-{Environment.ProcessId}{AtomicFile.TemporarySuffix}");
        try
        {
            new FileStream(probe, FileMode.Create, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            throw new UserErrorException(
                $"--out {path}: no file can be made in {folder} ({error.Message.TrimEnd('.')}). Check its permissions or name another "
                    + $"--out.",
                error
            );
        }
    }
}
