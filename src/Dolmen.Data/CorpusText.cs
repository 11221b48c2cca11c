using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data.Tables;
using Dolmen.Tokenization;

namespace Dolmen.Data;

/// <summary>What a corpus directory holds as text.</summary>
public static class CorpusText
{
    public const string HeldOutFile = "heldout.jsonl";

    /// <summary>The training documents, streamed in file order.</summary>
    public static IEnumerable<string> ReadDocuments(string corpusDirectory)
    {
        foreach (var path in DocumentFiles(corpusDirectory))
        {
            using var table = CorpusTable.Open(path);
            var column = table.Find("text") ?? throw new UserErrorException($"{path} has no column text: it is no file of a corpus. Build the corpus again.");
            for (var group = 0; group < table.Groups; group++)
                foreach (var text in table.Strings(group, column))
                    if (text is { Length: > 0 }) yield return text;
        }
    }

    /// <summary>The same with the language each was taken for; without one where the corpus does not say.</summary>
    public static IEnumerable<TrainingText> ReadTexts(string corpusDirectory)
    {
        foreach (var path in DocumentFiles(corpusDirectory))
        {
            using var table = CorpusTable.Open(path);
            var column = table.Find("text") ?? throw new UserErrorException($"{path} has no column text: it is no file of a corpus. Build the corpus again.");
            var languageColumn = table.Find("language");
            for (var group = 0; group < table.Groups; group++)
            {
                var languages = languageColumn is null ? null : table.Strings(group, languageColumn);
                var row = 0;
                foreach (var text in table.Strings(group, column))
                {
                    if (text is { Length: > 0 }) yield return new TrainingText(text, languages?[row] ?? "");
                    row++;
                }
            }
        }
    }

    private static IReadOnlyList<string> DocumentFiles(string corpusDirectory) =>
        CorpusTables.FilesOf(corpusDirectory) is { Count: > 0 } files ? files
            : throw new UserErrorException($"{corpusDirectory} is no corpus: it has no {CorpusTables.DocumentsFolder}/*.parquet. Make one with 'dolmen corpus build --out {corpusDirectory}', or name the folder of one.");

    /// <summary>The held-out sections, streamed in file order.</summary>
    public static IEnumerable<string> ReadHeldOut(string corpusDirectory)
    {
        var path = Existing(corpusDirectory, HeldOutFile);
        foreach (var line in File.ReadLines(path)) yield return Row(line, path).Text;
    }

    private static HeldOutText Row(string line, string path)
    {
        try
        {
            if (JsonSerializer.Deserialize(line, CorpusJson.Default.HeldOutText) is { Text: not null } row) return row;
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{path} holds a line that is not JSON: {error.Message} Build the corpus again.", error);
        }
        throw new UserErrorException($"{path} holds a line without a text. Build the corpus again.");
    }

    private static string Existing(string directory, string file)
    {
        var path = Path.Combine(directory, file);
        return File.Exists(path) ? path
            : throw new UserErrorException($"{directory} is no corpus: it has no {file}. Make one with 'dolmen corpus build --out {directory}', or name the folder of one.");
    }
}
