using System.Resources;
using System.Runtime.Loader;
using System.Text;
using System.Text.RegularExpressions;
using Dolmen.Artifacts;
using Dolmen.Data.Inputs;

namespace Dolmen.Benchmarks;

/// <summary>A named text, in documents of a few thousand characters.</summary>
internal sealed record BenchmarkText(string Name, IReadOnlyList<string> Documents)
{
    public long Bytes { get; } = Documents.Sum(document => (long)Encoding.UTF8.GetByteCount(document));
}

/// <summary>Text that lies on every machine with a .NET SDK: English from the reference documentation, Korean from the translated
/// messages of the compilers, code from this checkout or else from MSBuild's files.</summary>
internal static partial class BenchmarkTexts
{
    private const int DocumentLength = 4000;
    private const int MostCharacters = 4 << 20;

    public static IReadOnlyList<BenchmarkText> Of(IReadOnlyList<string> inputs)
    {
        if (inputs.Count > 0) return [.. inputs.Select(Named)];
        var packs = ReferencePacks.Find();
        var root = Directory.GetParent(packs[0].Path) ?? throw new InvalidOperationException(packs[0].Path);
        while (root.Parent is { } parent && !Directory.Exists(Path.Combine(root.FullName, "packs"))) root = parent;
        var sdk = Path.Combine(root.FullName, "sdk");
        if (!Directory.Exists(sdk))
            throw new UserErrorException(
                $"{sdk} does not exist: the texts to measure on are taken from a .NET SDK. Name your own with --input FILE."
            );
        return
        [
            Text("English", packs.Select(file => Tags().Replace(File.ReadAllText(file.Path), ""))),
            Code(sdk),
            Text(
                "Korean",
                Directory
                    .EnumerateFiles(sdk, "*.resources.dll", SearchOption.AllDirectories)
                    .Where(path => Path.GetFileName(Path.GetDirectoryName(path)) == "ko")
                    .GroupBy(path => Path.GetFileName(path), StringComparer.Ordinal)
                    .Select(same => same.Order(StringComparer.Ordinal).First())
                    .Order(StringComparer.Ordinal)
                    .Select(Messages)
            ),
        ];
    }

    private static BenchmarkText Named(string path) => File.Exists(path)
        ? Text(Path.GetFileName(path), [File.ReadAllText(path)])
        : throw new UserErrorException($"{path} does not exist: --input names a file of text to measure on.");

    private static BenchmarkText Code(string sdk)
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (!File.Exists(Path.Combine(at.FullName, "Dolmen.slnx")))
                continue;
            return Text(
                "C#",
                new[] { "src", "tests", "benchmarks" }
                    .Select(folder => Path.Combine(at.FullName, folder))
                    .Where(Directory.Exists)
                    .SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
                    .Where(path =>
                        !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
                    )
                    .Order(StringComparer.Ordinal)
                    .Select(File.ReadAllText)
            );
        }
        return Text(
            "MSBuild",
            Directory.EnumerateFiles(sdk, "*.targets", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(File.ReadAllText)
        );
    }

    private static BenchmarkText Text(string name, IEnumerable<string> texts)
    {
        var (documents, length) = (new List<string>(), 0);
        foreach (var text in texts)
        {
            for (var start = 0; start < text.Length && length < MostCharacters;)
            {
                var end = Math.Min(start + DocumentLength, text.Length);
                while (end < text.Length && text[end - 1] != '\n') end++;
                documents.Add(text[start..end]);
                length += end - start;
                start = end;
            }
        }
        return documents.Count > 0 ? new BenchmarkText(name, documents)
            : throw new UserErrorException($"There is no {name} text on this machine to measure on. Name your own with --input FILE.");
    }

    /// <summary>All texts of a satellite assembly.</summary>
    private static string Messages(string path)
    {
        var context = new AssemblyLoadContext(path, isCollectible: true);
        var result = new StringBuilder();
        var assembly = context.LoadFromAssemblyPath(path);
        foreach (var name in assembly.GetManifestResourceNames())
        {
            using var stream = assembly.GetManifestResourceStream(name);
            if (stream is null || !name.EndsWith(".resources", StringComparison.Ordinal)) continue;
            using var reader = new ResourceReader(stream);
            foreach (var key in reader.Cast<System.Collections.DictionaryEntry>().Select(entry => (string)entry.Key))
            {
                reader.GetResourceData(key, out var type, out var data);
                if (type != "ResourceTypeCode.String") continue;
                using var text = new BinaryReader(new MemoryStream(data));
                result.Append(text.ReadString()).Append('\n');
            }
        }
        context.Unload();
        return result.ToString();
    }

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tags();
}
