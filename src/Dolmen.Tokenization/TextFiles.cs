using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>A file of text and the language it is in.</summary>
public sealed record TextFile(string Path, string Language);

internal sealed record TextRow(string Text);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true
)]
[JsonSerializable(typeof(TextRow))]
internal sealed partial class TextRowJson : JsonSerializerContext;

/// <summary>Documents to learn a vocabulary from: text files as they are, of <c>.jsonl</c> the member <c>text</c> of each line; all of them
/// also compressed by gzip or Zstandard.</summary>
public static class TextFiles
{
    private static readonly string[] Extensions = [".txt", ".md", ".xml", ".html", ".cs", ".jsonl", ".ndjson", ".dev", ".devtest"];

    /// <summary>Files as named, and all regular files of a known type in and below folders, in the order of their names. A pipe, a device,
    /// a link out of a folder and a name that the system cannot open are left out. A file's language is the name of the first folder below
    /// a named one (<c>stories/ko/…</c>) or else its own without the extension, from the last dot on (<c>kor_Hang.dev</c>,
    /// <c>ref.kor.txt</c>).</summary>
    /// <param name="tally">Counts what is left out of folders; null where nobody is told.</param>
    public static IReadOnlyList<TextFile> Find(IEnumerable<string> paths, DataTally? tally = null)
    {
        var walk = new FolderWalk(followLinks: false, (path, reason) => tally?.Drop(reason, new DataPlace(path, 0)));
        var files = new List<TextFile>();
        foreach (var path in paths)
        {
            if (Directory.Exists(path))
            {
                string[] inside = [.. walk.Files(path).Where(IsText).Order(StringComparer.Ordinal)];
                if (inside.Length == 0)
                    throw new UserErrorException(
                        $"{path} holds no text: none of {string.Join(' ', Extensions)}. Name the files, or another folder.");
                files.AddRange(inside.Select(file => new TextFile(file, LanguageOf(Path.GetRelativePath(path, file)))));
            }
            else if (!File.Exists(path)) throw new UserErrorException($"{path} does not exist: name files or folders of text.");
            else
            {
                if (!IsText(path)) RequireText(path);
                files.Add(new TextFile(path, LanguageOf(Path.GetFileName(path))));
            }
        }
        return files;
    }

    public static IEnumerable<TrainingText> Read(IEnumerable<TextFile> files) => Read(files, new DataTally("documents"));

    /// <param name="tally">Counts the documents, and those left out because they are empty.</param>
    /// <exception cref="UserErrorException">A file cannot be read, or is not UTF-8; file and line are named.</exception>
    public static IEnumerable<TrainingText> Read(IEnumerable<TextFile> files, DataTally tally)
    {
        foreach (var (path, language) in files)
        {
            if (IsRows(path))
            {
                foreach (var (row, place) in JsonLines.Read(path, TextRowJson.Default.TextRow))
                    if (Counts(row.Text, place, tally)) yield return new TrainingText(row.Text, language);
                continue;
            }
            // A long text comes in blocks, which are one document.
            var any = false;
            foreach (var block in TextBlocks.Read(path))
            {
                if (!any) Counts(block, new DataPlace(path, 0), tally);
                any = true;
                yield return new TrainingText(block, language);
            }
            if (!any) Counts("", new DataPlace(path, 0), tally);
        }
    }

    private static bool Counts(string text, DataPlace place, DataTally tally)
    {
        tally.Read();
        if (text.Length > 0) tally.Use();
        else tally.Drop("text-empty", place);
        return text.Length > 0;
    }

    private static string LanguageOf(string path)
    {
        var folder = path.IndexOf(Path.DirectorySeparatorChar, StringComparison.Ordinal);
        if (folder > 0) return path[..folder];
        if (DataFile.IsCompressed(path)) path = Path.GetFileNameWithoutExtension(path);
        var name = Path.GetFileNameWithoutExtension(path);
        return name[(name.LastIndexOf('.') + 1)..];
    }

    /// <summary>Nearly everything that is not text holds NUL bytes near its beginning.</summary>
    private static void RequireText(string path)
    {
        using var file = DataFile.Open(path, "a file of text");
        var start = new byte[8192];
        var read = file.Read(start);
        if (StrictText.Marked(start.AsSpan(0, read)) is not null || !start.AsSpan(0, read).Contains((byte)0))
            return;
        throw new UserErrorException(
            $"{path} is not a text file: it holds NUL bytes. {FileKind.Hint(start.AsSpan(0, read))} This verb reads UTF-8 text of any "
                + $"name, and .jsonl with a member \"text\"; unpack it, or build a corpus of it first."
        );
    }

    private static bool IsRows(string path) => DataFile.ContentExtension(path).ToLowerInvariant() is ".jsonl" or ".ndjson";

    private static bool IsText(string path) => Extensions.Contains(DataFile.ContentExtension(path), StringComparer.OrdinalIgnoreCase);
}
