namespace Dolmen.Artifacts;

/// <summary>Where a path leads once every symbolic link in it is followed.</summary>
public static class RealPath
{
    private const int MaxLinks = 40;                                     // as the kernel follows

    /// <returns>Null when a link leads round in a circle.</returns>
    public static string? Of(string path)
    {
        var open = new Stack<string>(
            Path.GetFullPath(path).Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse()
        );
        var real = Path.GetPathRoot(Path.GetFullPath(path)) ?? "/";
        var links = 0;
        while (open.TryPop(out var part))
        {
            if (part is "." or "") continue;
            if (part == "..")
            {
                real = Path.GetDirectoryName(real) ?? real;
                continue;
            }
            var next = Path.Combine(real, part);
            if (FileTypes.Of(next, follow: false) != FileType.Link || new FileInfo(next).LinkTarget is not { } target)
            {
                real = next;
                continue;
            }
            if (++links > MaxLinks)
                return null;
            if (Path.IsPathRooted(target))
                real = Path.GetPathRoot(target) ?? "/";
            foreach (var step in target.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse())
                open.Push(step);
        }
        return real;
    }

    public static bool IsWithin(string path, string folder) =>
        path == folder
        || path.StartsWith(Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
