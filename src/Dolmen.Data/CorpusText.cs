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
            foreach (var text in ReadFile(path, tally)) yield return text;
    }

    private static IEnumerable<string> ReadFile(string path, DataTally tally)
    {
        using var table = ParquetTable.Open(path);
        var column =
            table.Find("text")
            ?? throw new UserErrorException($"{path} has no column text: it is not a file of a corpus. Build the corpus again.");
        for (var group = 0; group < table.Groups; group++)
            foreach (var text in table.Strings(group, column))
                if (Counts(text, path, tally) is { } some) yield return some;
    }

    /// <summary>The training documents with the place of each one's file among the files.</summary>
    internal static IEnumerable<(int Shard, string Text)> ReadShards(string corpusDirectory)
    {
        var files = DocumentFiles(corpusDirectory);
        for (var shard = 0; shard < files.Count; shard++)
            foreach (var text in ReadFile(files[shard], new DataTally("documents"))) yield return (shard, text);
    }

    /// <summary>The training documents from file <paramref name="first"/> on, each with its address, or else its file or id.</summary>
    internal static IEnumerable<(string Source, string Text)> ReadPlaced(string corpusDirectory, int first)
    {
        foreach (var path in DocumentFiles(corpusDirectory).Skip(first))
        {
            using var table = ParquetTable.Open(path);
            var columns = new[] { "url", "file_path", "id" }.Select(table.Find).OfType<TableColumn>().ToList();
            var text = table.Find("text") ?? throw new UserErrorException($"{path} has no column text: build the corpus again.");
            for (var group = 0; group < table.Groups; group++)
            {
                var places = columns.ConvertAll(column => table.Strings(group, column));
                var row = 0;
                foreach (var one in table.Strings(group, text))
                {
                    var place = places.Select(values => values[row]).FirstOrDefault(value => !string.IsNullOrEmpty(value)) ?? "";
                    if (!string.IsNullOrEmpty(one)) yield return (place, one);
                    row++;
                }
            }
        }
    }

    /// <summary>The same with the language each was taken for; without one where the corpus does not say.</summary>
    public static IEnumerable<TrainingText> ReadTexts(string corpusDirectory) => ReadTexts(corpusDirectory, new DataTally("documents"));

    /// <inheritdoc cref="ReadDocuments(string, DataTally)"/>
    public static IEnumerable<TrainingText> ReadTexts(string corpusDirectory, DataTally tally)
    {
        foreach (var path in DocumentFiles(corpusDirectory))
        {
            using var table = ParquetTable.Open(path);
            var column =
                table.Find("text")
                ?? throw new UserErrorException($"{path} has no column text: it is not a file of a corpus. Build the corpus again.");
            var languageColumn = table.Find("language");
            for (var group = 0; group < table.Groups; group++)
            {
                var languages = languageColumn is null ? null : table.Strings(group, languageColumn);
                var row = 0;
                foreach (var text in table.Strings(group, column))
                {
                    if (Counts(text, path, tally) is { } some) yield return new TrainingText(some, languages?[row] ?? "");
                    row++;
                }
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
