namespace Dolmen.Artifacts;

/// <summary>
/// The regular files below a folder. Nothing is opened to learn what it is, so that a named pipe or a device cannot hold a run up. Links
/// that lead out of the folder, and those to folders, are left out unless <paramref name="followLinks"/> is set; a folder is entered once,
/// so that a loop of links ends.
/// </summary>
/// <param name="leftOut">Called for each path that is left out, with the reason.</param>
public sealed class FolderWalk(bool followLinks, Action<string, string> leftOut)
{
    public const string NotRegular = "not-a-regular-file",
        LinkOut = "link-out-of-the-folder",
        LinkedFolder = "link-to-a-folder",
        BrokenLink = "broken-link",
        NotUtf8 = "file-name-not-utf8",
        TooDeep = "folder-too-deep";

    private const int MaxDepth = 64;

    /// <param name="only">A pattern for the names of files; with one, folders below are not entered.</param>
    public IEnumerable<string> Files(string root, string? only = null)
    {
        var realRoot = RealPath.Of(root) ?? root;
        var entered = new HashSet<string>(StringComparer.Ordinal) { realRoot };
        var open = new Stack<(string Folder, int Depth)>();
        open.Push((root, 0));
        while (open.TryPop(out var at))
        {
            foreach (var path in Items(at.Folder, only))
            {
                var type = FileTypes.Of(path, follow: false);
                if (type == FileType.Link)
                {
                    type = Followed(path, realRoot);
                    // A linked folder may hold a link back to what was entered already.
                    if (type == FileType.Folder && !entered.Add(RealPath.Of(path) ?? path)) continue;
                }
                else if (type == FileType.Folder && followLinks && !entered.Add(RealPath.Of(path) ?? path))
                {
                    continue;
                }
                switch (type)
                {
                    case FileType.Regular: yield return path; break;
                    case FileType.Folder when only is not null: break;
                    case FileType.Folder when at.Depth < MaxDepth: open.Push((path, at.Depth + 1)); break;
                    case FileType.Folder: leftOut(path, TooDeep); break;
                    case FileType.Link: break;                           // told by Followed
                    case FileType.Missing: leftOut(path, NotUtf8); break;
                    default: leftOut(path, NotRegular); break;
                }
            }
        }
    }

    /// <returns>What the link leads to, or <see cref="FileType.Link"/> when it is left out.</returns>
    private FileType Followed(string path, string realRoot)
    {
        var type = FileTypes.Of(path);
        var why = type switch
        {
            FileType.Missing => BrokenLink,
            FileType.Folder => followLinks ? null : LinkedFolder,
            FileType.Regular when !followLinks => RealPath.Of(path) is { } real && RealPath.IsWithin(real, realRoot) ? null : LinkOut,
            _ => null,
        };
        if (why is null) return type;
        leftOut(path, why);
        return FileType.Link;
    }

    private static List<string> Items(string folder, string? only)
    {
        try
        {
            var names = new DirectoryInfo(folder)
                .EnumerateFileSystemInfos(only ?? "*")
                .Select(item => item.Name)
                .Where(name => !name.StartsWith('.'))
                .ToList();
            names.Sort(StringComparer.Ordinal);
            return names.ConvertAll(name => Path.Combine(folder, name));
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            throw new UserErrorException(
                $"the folder {folder} cannot be read: {error.Message} Check its permissions or name another --input.",
                error
            );
        }
    }
}
