using Dolmen.Artifacts;

namespace Dolmen.Data.Inputs;

/// <summary>The files behind the folders and files a user names, in ordinal order of their names.</summary>
internal static class InputFiles
{
    public const string Readable = ".warc .wet .arc .jsonl .ndjson .csv .tsv .txt .md .html .htm (these also .gz or .zst) .parquet .xml .cs";

    private static readonly HashSet<string> Compressible =
        new([".warc", ".wet", ".wat", ".arc", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".md", ".html", ".htm", ".xhtml"], StringComparer.Ordinal);

    private static readonly HashSet<string> Others = new([".parquet", ".xml", ".cs"], StringComparer.Ordinal);

    private const int MaxDepth = 64;

    public static IReadOnlyList<InputFile> Find(IReadOnlyList<string> inputs, Funnel funnel)
    {
        var names = new SortedDictionary<string, (string Name, string Dump)>(StringComparer.Ordinal);
        var unknown = new HashSet<string>(StringComparer.Ordinal);
        foreach (var input in inputs)
        {
            var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(input));
            var rootName = Path.GetFileName(root) is { Length: > 0 } last ? last : "input";
            if (Directory.Exists(root))
            {
                var readable = false;
                foreach (var path in Walk(root)) readable |= Add(path, $"{rootName}/{Path.GetRelativePath(root, path).Replace('\\', '/')}", rootName);
                if (!readable)
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
        if (unknown.Count > 0) funnel.Drop("file-type-unknown", unknown.Count);
        return Unique([.. names.Select(n => new InputFile(n.Key, n.Value.Name, n.Value.Dump))]);

        bool Add(string path, string name, string dump)
        {
            if (!IsReadable(path))
            {
                unknown.Add(path);
                return false;
            }
            // A file named twice, by itself and by its folder, has the same name whichever came first.
            if (!names.TryGetValue(path, out var other) || string.CompareOrdinal(name, other.Name) < 0) names[path] = (name, dump);
            return true;
        }
    }

    /// <summary>What the file's name says it is: an extension, before it <c>.gz</c> or <c>.zst</c> if it is compressed (<c>.jsonl.gz</c>).</summary>
    public static string TypeOf(string path)
    {
        var name = path.ToLowerInvariant();
        var last = Path.GetExtension(name);
        return last is ".gz" or ".zst" ? Path.GetExtension(name[..^last.Length]) + last : last;
    }

    /// <summary>The extension of a type without that of its compression.</summary>
    public static string ContentTypeOf(string path) => TypeOf(path) is var type && type.LastIndexOf('.') is > 0 and var second ? type[..second] : type;

    /// <summary>Files of one name are told apart by a number, which follows from what they hold and not from the order they were named in.</summary>
    private static List<InputFile> Unique(List<InputFile> files)
    {
        var taken = files.Select(f => f.Name).ToHashSet(StringComparer.Ordinal);
        var unique = new List<InputFile>(files.Count);
        foreach (var same in files.GroupBy(f => f.Name, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            if (same.Count() == 1)
            {
                unique.AddRange(same);
                continue;
            }
            var copy = 1;
            foreach (var file in same.OrderBy(f => new FileInfo(f.Path).Length).ThenBy(f => BoundedText.Guard(f, () => StableHash.Sha256OfFile(f.Path)), StringComparer.Ordinal))
            {
                while (copy > 1 && !taken.Add($"{file.Name}~{copy}")) copy++;
                unique.Add(copy == 1 ? file : file with { Name = $"{file.Name}~{copy}" });
                copy++;
            }
        }
        unique.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return unique;
    }

    private static bool IsReadable(string path) => Compressible.Contains(ContentTypeOf(path)) || Others.Contains(TypeOf(path));

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
