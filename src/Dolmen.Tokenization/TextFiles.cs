using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>Documents to learn a vocabulary from: text files as they are, of <c>.jsonl</c> the member <c>text</c> of each line.</summary>
public static class TextFiles
{
    /// <summary>A file is read as one text; .NET's strings end at twice this.</summary>
    private const long LargestFile = 512 << 20;

    private static readonly string[] Extensions = [".txt", ".md", ".xml", ".html", ".cs", ".jsonl"];

    /// <summary>Files as named, and all files of a known type in and below folders, in the order of their names.</summary>
    public static IReadOnlyList<string> Find(IEnumerable<string> paths)
    {
        var files = new List<string>();
        foreach (var path in paths)
        {
            if (Directory.Exists(path))
            {
                string[] inside = [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
                    .Where(IsText).Order(StringComparer.Ordinal)];
                if (inside.Length == 0)
                    throw new UserErrorException(
                        $"{path} holds no text: none of {string.Join(' ', Extensions)}. Name the files, or another folder.");
                files.AddRange(inside);
            }
            else if (!File.Exists(path)) throw new UserErrorException($"{path} does not exist: name files or folders of text.");
            else if (!IsText(path))
                throw new UserErrorException($"{path} is no text file: this verb reads {string.Join(' ', Extensions)}.");
            else files.Add(path);
        }
        return files;
    }

    public static IEnumerable<string> Read(IEnumerable<string> files)
    {
        foreach (var file in files)
        {
            if (file.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase))
            {
                var number = 0;
                foreach (var line in File.ReadLines(file))
                    if (TextOf(line, file, ++number) is { } text) yield return text;
                continue;
            }
            if (new FileInfo(file).Length is var size and > LargestFile)
                throw new UserErrorException(
                    $"{file} has {size} bytes, the limit for one text is {LargestFile}: split it, or make it .jsonl.");
            yield return File.ReadAllText(file);
        }
    }

    private static bool IsText(string path) => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    private static string? TextOf(string line, string file, int number)
    {
        if (string.IsNullOrWhiteSpace(line)) return null;
        try
        {
            using var document = JsonDocument.Parse(line);
            return new JsonField(document.RootElement, file, "").Get("text").Text();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or UserErrorException)
        {
            throw new UserErrorException($"{file} line {number} is not a JSON object with a text member \"text\": {error.Message}", error);
        }
    }
}
