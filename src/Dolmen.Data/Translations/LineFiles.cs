using System.Text;
using System.Text.Unicode;
using Dolmen.Artifacts;
using Dolmen.Tokenization.LanguageCosts;

namespace Dolmen.Data.Translations;

/// <summary>A file a language, a sentence a line. The languages are named by what differs in the files' names: ko.txt, train.ko,
/// news.ko.txt.</summary>
internal static class LineFiles
{
    public const long MostBytes = 128L << 20, MostBytesOfAll = 2L << 30;

    private static readonly string[] OtherTypes =
    [
        ".md",
        ".json",
        ".jsonl",
        ".tsv",
        ".csv",
        ".html",
        ".svg",
        ".gz",
        ".xz",
        ".zip",
        ".zst",
        ".tar",
        ".tgz",
        ".sh",
        ".py",
    ];

    public static FoundTexts? Find(string folder)
    {
        var files = Directory.GetFiles(folder).Where(IsText).Order(StringComparer.Ordinal).ToList();
        return files.Count == 0
            ? null
            : new FoundTexts("lines", [.. Codes(files).Zip(files, (code, file) => new LanguageFiles(code, [file]))], Read);
    }

    public static IEnumerable<LanguageText> Read(IReadOnlyList<LanguageFiles> languages)
    {
        long bytes = 0;
        LanguageText? reference = null;
        foreach (var language in languages)
        {
            var (lines, files) = (new List<string>(), new List<(int, bool)>());
            for (var i = 0; i < language.Paths.Count; i++)
            {
                var path = language.Paths[i];
                var first = lines.Count;
                var text = Text(path);
                if ((bytes += text.Length) > MostBytesOfAll)
                    throw new UserErrorException(
                        $"{path} makes the texts longer than {MostBytesOfAll >> 20} MB, the most that is compared at once: name the "
                            + $"languages to compare with --languages."
                    );
                AddLines(text, lines);
                files.Add((lines.Count, text.EndsWith('\n')));
                if (reference is null) continue;
                var expected = reference.Files[i].End - (i == 0 ? 0 : reference.Files[i - 1].End);
                if (lines.Count - first != expected)
                    throw new UserErrorException(
                        $"{path} has {lines.Count - first} lines but {languages[0].Paths[i]} has {expected}: line n of one must be the "
                            + $"translation of line n of the other. Leave the file out, or take both from the same release."
                    );
            }
            var read = new LanguageText(language.Code, "", lines, files);
            reference ??= read;
            yield return read;
        }
    }

    /// <exception cref="UserErrorException">The path is not a regular file, or the file is too big.</exception>
    public static void Check(string path)
    {
        InputPlace.ThrowUnlessFile(path);
        if (new FileInfo(path).Length is > MostBytes and var size)
            throw new UserErrorException(
                $"{path} has {size} bytes: a language may have {MostBytes} of them. Cut the file, and its translations at the same line."
            );
    }

    public static UserErrorException Empty(string path) =>
        new($"{path} is empty: it should hold a language's sentences. Leave it out, or take it from where the others came.");

    /// <summary>A whole file that must hold text in UTF-8.</summary>
    public static string Text(string path)
    {
        Check(path);
        var bytes = RegularFile.ReadAllBytes(path).AsSpan();
        if (bytes.StartsWith(Encoding.UTF8.Preamble))
            bytes = bytes[3..];
        if (!Utf8.IsValid(bytes))
            throw new UserErrorException($"{path} is not UTF-8: tokens are counted of UTF-8 text. Convert it with 'iconv -t UTF-8'.");
        var text = Encoding.UTF8.GetString(bytes);
        return string.IsNullOrWhiteSpace(text) ? throw Empty(path) : text;
    }

    // Only \n and \r\n end a line: other characters that could are part of sentences in files made elsewhere.
    private static void AddLines(string text, List<string> lines)
    {
        for (var start = 0; start < text.Length;)
        {
            var end = text.IndexOf('\n', start);
            if (end < 0) end = text.Length;
            lines.Add(text[start..(end > start && end < text.Length && text[end - 1] == '\r' ? end - 1 : end)]);
            start = end + 1;
        }
    }

    private static bool IsText(string path)
    {
        var name = Path.GetFileName(path);
        return name[0] != '.'
            && !OtherTypes.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase)
            && !name.StartsWith("readme", StringComparison.OrdinalIgnoreCase)
            && !name.StartsWith("licen", StringComparison.OrdinalIgnoreCase);
    }

    private static List<string> Codes(IReadOnlyList<string> files)
    {
        List<string> names = [.. files.Select(file => Path.GetFileName(file))];
        if (names.All(name => Path.HasExtension(name)) && names.Select(Path.GetExtension).Distinct(StringComparer.Ordinal).Count() == 1)
            names = [.. names.Select(name => Path.GetFileNameWithoutExtension(name))];
        var last = names.Select(name => name.LastIndexOf('.')).ToList();
        var shared =
            names.Count > 1
            && last.All(at => at > 0)
            && names.Select((name, i) => name[..last[i]]).Distinct(StringComparer.Ordinal).Count() == 1;
        return shared ? [.. names.Select((name, i) => name[(last[i] + 1)..])] : names;
    }
}
