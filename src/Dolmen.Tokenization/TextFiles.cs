using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>A file of text and the language it is in.</summary>
public sealed record TextFile(string Path, string Language);

/// <summary>Documents to learn a vocabulary from: text files as they are, of <c>.jsonl</c> the member <c>text</c> of each line.</summary>
public static class TextFiles
{
    /// <summary>Characters of a text that are read as one document. A longer one is cut where a line ends and a letter begins the
    /// next, or else before a space between letters: no published pre-tokenizer has a piece that reaches over there.</summary>
    private const int BlockLength = 1 << 20;

    private static readonly string[] Extensions = [".txt", ".md", ".xml", ".html", ".cs", ".jsonl", ".dev", ".devtest"];

    /// <summary>Files as named, and all files of a known type in and below folders, in the order of their names. A file's language is the
    /// name of the first folder below a named one (<c>stories/ko/…</c>) or else its own without the extension, from the last dot on
    /// (<c>kor_Hang.dev</c>, <c>ref.kor.txt</c>).</summary>
    public static IReadOnlyList<TextFile> Find(IEnumerable<string> paths)
    {
        var files = new List<TextFile>();
        foreach (var path in paths)
        {
            if (Directory.Exists(path))
            {
                string[] inside = [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
                    .Where(IsText).Order(StringComparer.Ordinal)];
                if (inside.Length == 0)
                    throw new UserErrorException(
                        $"{path} holds no text: none of {string.Join(' ', Extensions)}. Name the files, or another folder.");
                files.AddRange(inside.Select(file => new TextFile(file, LanguageOf(Path.GetRelativePath(path, file)))));
            }
            else if (!File.Exists(path)) throw new UserErrorException($"{path} does not exist: name files or folders of text.");
            else if (!IsText(path) && HoldsNul(path))
                throw new UserErrorException($"{path} is no text file: it holds NUL bytes. This verb reads UTF-8 text of any name, and .jsonl with a member \"text\"; unpack it, or build a corpus of it first.");
            else files.Add(new TextFile(path, LanguageOf(Path.GetFileName(path))));
        }
        return files;
    }

    public static IEnumerable<TrainingText> Read(IEnumerable<TextFile> files)
    {
        foreach (var (path, language) in files)
        {
            var texts = path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) ? Lines(path) : Blocks(path);
            foreach (var text in texts) yield return new TrainingText(text, language);
        }
    }

    private static IEnumerable<string> Lines(string path)
    {
        var number = 0;
        foreach (var line in File.ReadLines(path))
            if (TextOf(line, path, ++number) is { } text) yield return text;
    }

    private static IEnumerable<string> Blocks(string path)
    {
        using var reader = new StreamReader(path);
        var buffer = new char[BlockLength];
        for (var held = 0; ;)
        {
            held += reader.ReadBlock(buffer.AsSpan(held));
            if (held < buffer.Length)
            {
                if (held > 0) yield return new string(buffer, 0, held);
                yield break;
            }
            var cut = Cut(buffer);
            if (cut == 0) Array.Resize(ref buffer, checked(buffer.Length * 2));
            else
            {
                yield return new string(buffer, 0, cut);
                buffer.AsSpan(cut).CopyTo(buffer);
                held -= cut;
            }
        }
    }

    /// <summary>0 where there is no place to cut.</summary>
    private static int Cut(ReadOnlySpan<char> text)
    {
        for (var at = text.Length - 1; at >= 2; at--)
            if (text[at - 1] == '\n' && char.IsLetter(text[at]) && !char.IsWhiteSpace(text[at - 2])) return at;
        for (var at = text.Length - 2; at >= 1; at--)
            if (text[at] == ' ' && char.IsLetter(text[at + 1]) && char.IsLetter(text[at - 1])) return at;
        return 0;
    }

    private static string LanguageOf(string path)
    {
        var folder = path.IndexOf(Path.DirectorySeparatorChar, StringComparison.Ordinal);
        if (folder > 0) return path[..folder];
        var name = Path.GetFileNameWithoutExtension(path);
        return name[(name.LastIndexOf('.') + 1)..];
    }

    /// <summary>In its beginning, as nearly everything has that is no text.</summary>
    private static bool HoldsNul(string path)
    {
        using var file = File.OpenRead(path);
        var start = new byte[8192];
        return start.AsSpan(0, file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)).Contains((byte)0);
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
