using Dolmen.Artifacts;

namespace Dolmen.Data.Inputs;

/// <summary>The files behind the folders and files a user names, in ordinal order of their names.</summary>
internal static class InputFiles
{
    public const string Readable =
        ".warc .wet .arc .jsonl .ndjson .csv .tsv .txt .md .html .htm (these also .gz or .zst) .parquet .xml .cs";

    private static readonly HashSet<string> Compressible = new(
        [".warc", ".wet", ".wat", ".arc", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".md", ".html", ".htm", ".xhtml"],
        StringComparer.Ordinal
    );

    private static readonly HashSet<string> Others = new([".parquet", ".xml", ".cs"], StringComparer.Ordinal);

    /// <param name="funnel">Counts what is left out, with the name of the first of each reason.</param>
    /// <param name="followLinks">Symbolic links that lead out of the folder that was named, and those to folders, are followed.</param>
    /// <exception cref="UserErrorException">A path does not exist, is a pipe, socket or device, or leads to nothing that can be
    /// read.</exception>
    public static IReadOnlyList<InputFile> Find(IReadOnlyList<string> inputs, Funnel funnel, bool followLinks = false)
    {
        var names = new SortedDictionary<string, (string Name, string Dump)>(StringComparer.Ordinal);
        var leftOut = new SortedDictionary<string, (string Name, string Reason)>(StringComparer.Ordinal);
        foreach (var input in inputs)
        {
            var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(input));
            var rootName = ShownName.Of(Path.GetFileName(root) is { Length: > 0 } last ? last : "input");
            switch (FileTypes.Of(root))
            {
                case FileType.Folder:
                    string NameOf(string path) => ShownName.Of($"{rootName}/{Path.GetRelativePath(root, path).Replace('\\', '/')}");
                    var walk = new FolderWalk(followLinks, (path, reason) => leftOut[path] = (NameOf(path), reason));
                    var readable = false;
                    foreach (var path in walk.Files(root))
                        readable |= Add(path, NameOf(path), rootName);
                    if (!readable)
                        throw new UserErrorException(
                            $"--input {input} holds no file that can be read: {Readable} are. "
                                + $"{ListReasons(leftOut.Values)}Name another folder or "
                                + $"file."
                        );
                    break;
                case FileType.Regular:
                    if (!IsReadable(root))
                        throw new UserErrorException(
                            $"--input {input} is not of a type that can be read ({Readable}). Convert it, or name another file."
                        );
                    if (!names.TryGetValue(root, out var before) || string.CompareOrdinal(rootName, before.Name) < 0)
                        names[root] = (rootName, rootName);
                    break;
                case FileType.Missing:
                    throw new UserErrorException($"--input {input} does not exist: name a folder or a file of type {Readable}.");
                default:
                    InputPlace.ThrowUnlessFileOrFolder(root, "--input");
                    break;
            }
        }
        foreach (var same in leftOut.Values.GroupBy(item => item.Reason, StringComparer.Ordinal))
        {
            funnel.Drop(same.Key, same.Count());
            funnel.Recall(new BrokenRecord(same.First().Name, 0, same.Key));
        }
        return Unique([.. names.Select(n => new InputFile(n.Key, n.Value.Name, n.Value.Dump))]);

        bool Add(string path, string name, string dump)
        {
            if ((Beside(path) ?? (IsReadable(path) ? null : "file-type-unknown")) is { } reason)
            {
                leftOut[path] = (name, reason);
                return false;
            }
            // A file named twice, by itself and by its folder, has the same name whichever came first.
            if (!names.TryGetValue(path, out var other) || string.CompareOrdinal(name, other.Name) < 0) names[path] = (name, dump);
            return true;
        }
    }

    /// <summary>Files of a crawl that are not documents of it, whatever their names end in.</summary>
    private static string? Beside(string path) =>
        Path.GetFileName(path).ToLowerInvariant() switch
        {
            "robots.txt" => "robots-txt",
            var name
                when name.EndsWith(".cdxj", StringComparison.Ordinal)
                    || name.EndsWith(".cdx", StringComparison.Ordinal)
                    || name.EndsWith(".cdx.gz", StringComparison.Ordinal) => "crawl-index",
            _ => null,
        };

    private static string ListReasons(IEnumerable<(string Name, string Reason)> leftOut)
    {
        var reasons = leftOut.GroupBy(item => item.Reason, StringComparer.Ordinal).OrderBy(same => same.Key, StringComparer.Ordinal)
            .Select(same => $"{same.Key} {same.Count()} (first: {same.First().Name})").ToList();
        return reasons.Count == 0 ? "" : $"Left out: {string.Join(", ", reasons)}. ";
    }

    /// <summary>What the file's name says it is: an extension, before it <c>.gz</c> or <c>.zst</c> if it is compressed
    /// (<c>.jsonl.gz</c>).</summary>
    public static string TypeOf(string path)
    {
        var name = path.ToLowerInvariant();
        var last = Path.GetExtension(name);
        return last is ".gz" or ".zst" ? Path.GetExtension(name[..^last.Length]) + last : last;
    }

    /// <summary>The extension of a type without that of its compression.</summary>
    public static string ContentTypeOf(string path) =>
        TypeOf(path) is var type && type.LastIndexOf('.') is > 0 and var second ? type[..second] : type;

    /// <summary>Files of one name are told apart by a number, which follows from what they hold and not from the order they were named
    /// in.</summary>
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
            foreach (
                var file in same.OrderBy(f => new FileInfo(f.Path).Length)
                    .ThenBy(f => BoundedText.Guard(f, () => StableHash.Sha256OfFile(f.Path)), StringComparer.Ordinal)
            )
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
}
