using Dolmen.Artifacts;

namespace Dolmen.Data.Inputs;

/// <summary>The files behind the folders and files a user names, in ordinal order of their names.</summary>
internal static class InputFiles
{
    public const string Readable = ".txt .md .html .htm .xml .jsonl .jsonl.gz .cs";

    private const int MaxDepth = 64;

    public static IReadOnlyList<InputFile> Find(IReadOnlyList<string> inputs, Funnel funnel)
    {
        var files = new List<InputFile>();
        var paths = new HashSet<string>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var input in inputs)
        {
            var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(input));
            var rootName = Path.GetFileName(root) is { Length: > 0 } last ? last : "input";
            if (Directory.Exists(root))
            {
                var before = files.Count;
                foreach (var path in Walk(root)) Add(path, $"{rootName}/{Path.GetRelativePath(root, path).Replace('\\', '/')}", rootName);
                if (files.Count == before)
                    throw new UserErrorException($"--input {input} holds no file that can be read: {Readable} are. Name another folder or file.");
            }
            else if (File.Exists(root))
            {
                if (!IsReadable(root)) throw new UserErrorException($"--input {input} is of no type that can be read: {Readable} are. Convert it, or name another file.");
                Add(root, rootName, rootName);
            }
            else
            {
                throw new UserErrorException($"--input {input} does not exist: name a folder or a file of type {Readable}.");
            }
        }
        return [.. files.OrderBy(f => f.Name, StringComparer.Ordinal)];

        void Add(string path, string name, string dump)
        {
            if (!IsReadable(path))
            {
                funnel.Drop("file-type-unknown");
                return;
            }
            if (!paths.Add(path)) return;
            var unique = name;
            for (var copy = 2; !names.Add(unique); copy++) unique = $"{name}~{copy}";
            files.Add(new InputFile(path, unique, dump));
        }
    }

    public static string TypeOf(string path)
    {
        var name = path.ToLowerInvariant();
        return name.EndsWith(".jsonl.gz", StringComparison.Ordinal) ? ".jsonl.gz" : Path.GetExtension(name);
    }

    private static bool IsReadable(string path) => TypeOf(path) is { Length: > 0 } type && Readable.Split(' ').Contains(type);

    // Folders behind symbolic links are not entered, so that a loop of links ends and nothing outside the named folder is read.
    private static IEnumerable<string> Walk(string root)
    {
        var open = new Stack<(string Folder, int Depth)>();
        open.Push((root, 0));
        while (open.TryPop(out var at))
        {
            FileSystemInfo[] items;
            try
            {
                items = new DirectoryInfo(at.Folder).GetFileSystemInfos();
            }
            catch (Exception error) when (error is UnauthorizedAccessException or IOException)
            {
                throw new UserErrorException($"the folder {at.Folder} cannot be read: {error.Message} Check its permissions or name another --input.", error);
            }
            Array.Sort(items, (a, b) => string.CompareOrdinal(a.Name, b.Name));
            foreach (var item in items)
            {
                if (item.Name.StartsWith('.')) continue;
                if (item is FileInfo)
                {
                    if (item.LinkTarget is null || LeadsToFile(item)) yield return item.FullName;
                }
                else if (item.LinkTarget is null && at.Depth < MaxDepth)
                {
                    open.Push((item.FullName, at.Depth + 1));
                }
            }
        }
    }

    private static bool LeadsToFile(FileSystemInfo link)
    {
        try
        {
            return link.ResolveLinkTarget(returnFinalTarget: true) is FileInfo { Exists: true };
        }
        catch (IOException)
        {
            return false;                                                // a link that leads to itself
        }
    }
}
