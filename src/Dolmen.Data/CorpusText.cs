using Dolmen.Artifacts;
using Dolmen.Tables;
using Dolmen.Tokenization;

namespace Dolmen.Data;

/// <summary>What a corpus directory holds as text.</summary>
public static class CorpusText
{
    /// <summary>The training documents, streamed in file order.</summary>
    /// <exception cref="UserErrorException">The folder is not a corpus.</exception>
    public static IEnumerable<string> ReadDocuments(string corpusDirectory) => ReadDocuments(corpusDirectory, new DataTally("documents"));

    /// <inheritdoc cref="ReadDocuments(string)"/>
    /// <param name="tally">Counts the documents, and those left out because they are empty.</param>
    public static IEnumerable<string> ReadDocuments(string corpusDirectory, DataTally tally)
    {
        foreach (var path in DocumentFiles(corpusDirectory))
            foreach (var (text, _) in ReadFile(path, tally)) yield return text;
    }

    /// <summary>The training documents with what is known of where each is from.</summary>
    internal static IEnumerable<PlacedText> ReadPlaced(string corpusDirectory)
    {
        var files = DocumentFiles(corpusDirectory);
        for (var shard = 0; shard < files.Count; shard++)
            foreach (var (text, known) in ReadFile(files[shard], new DataTally("documents"), "id", "url", "file_path", "title"))
                yield return new PlacedText(shard, text, known[0], known[1], known[2], known[3]);
    }

    /// <summary>The same with the language each was taken for; without one where the corpus does not say.</summary>
    public static IEnumerable<TrainingText> ReadTexts(string corpusDirectory) => ReadTexts(corpusDirectory, new DataTally("documents"));

    /// <inheritdoc cref="ReadDocuments(string, DataTally)"/>
    public static IEnumerable<TrainingText> ReadTexts(string corpusDirectory, DataTally tally)
    {
        foreach (var path in DocumentFiles(corpusDirectory))
            foreach (var (text, known) in ReadFile(path, tally, "language")) yield return new TrainingText(text, known[0]);
    }

    /// <summary>The texts of a file that are not empty, each with the values of other columns; empty where there is no such
    /// column.</summary>
    private static IEnumerable<(string Text, string[] Known)> ReadFile(string path, DataTally tally, params string[] others)
    {
        using var table = ParquetTable.Open(path);
        var column =
            table.Find("text")
            ?? throw new UserErrorException($"{path} has no column text: it is not a file of a corpus. Build the corpus again.");
        var columns = Array.ConvertAll(others, table.Find);
        for (var group = 0; group < table.Groups; group++)
        {
            var values = Array.ConvertAll(columns, other => other is null ? null : table.Strings(group, other));
            var row = 0;
            foreach (var text in table.Strings(group, column))
            {
                if (Counts(text, path, tally) is { } some) yield return (some, Array.ConvertAll(values, all => all?[row] ?? ""));
                row++;
            }
        }
    }

    /// <returns>Null for a text that is empty.</returns>
    private static string? Counts(string? text, string path, DataTally tally)
    {
        tally.Read();
        if (text is { Length: > 0 })
        {
            tally.Use();
            return text;
        }
        tally.Drop("text-empty", new DataPlace(path, 0));
        return null;
    }

    private static IReadOnlyList<string> DocumentFiles(string corpusDirectory) =>
        CorpusTables.FilesOf(corpusDirectory) is { Count: > 0 } files
            ? files
            : throw new UserErrorException(
                $"{corpusDirectory} is not a corpus: it has no {CorpusFolder.Documents}/*.parquet. Make one with 'dolmen corpus build "
                    + $"--out {corpusDirectory}', or name the folder of one."
            );

    /// <summary>The held-out sections, streamed in file order.</summary>
    public static IEnumerable<string> ReadHeldOut(string corpusDirectory) => ReadHeldOut(corpusDirectory, new DataTally("documents"));

    /// <inheritdoc cref="ReadDocuments(string, DataTally)"/>
    public static IEnumerable<string> ReadHeldOut(string corpusDirectory, DataTally tally) =>
        ReadHeldOutRows(corpusDirectory, tally).Select(row => row.Text);

    internal static IEnumerable<HeldOutText> ReadHeldOutRows(string corpusDirectory) =>
        ReadHeldOutRows(corpusDirectory, new DataTally("documents"));

    private static IEnumerable<HeldOutText> ReadHeldOutRows(string corpusDirectory, DataTally tally)
    {
        foreach (var (row, place) in JsonLines.Read(Existing(corpusDirectory, CorpusFolder.HeldOut), CorpusRowJson.Default.HeldOutText,
            row => row.Text is null ? "text is missing or null: it must be a string" : null))
        {
            tally.Read();
            if (row.Text.Length > 0)
            {
                tally.Use();
                yield return row;
            }
            else
            {
                tally.Drop("text-empty", place);
            }
        }
    }

    private static string Existing(string directory, string file)
    {
        var path = Path.Combine(directory, file);
        return File.Exists(path)
            ? path
            : throw new UserErrorException(
                $"{directory} is not a corpus: it has no {file}. Make one with 'dolmen corpus build --out {directory}', or name the folder "
                    + $"of one."
            );
    }
}
