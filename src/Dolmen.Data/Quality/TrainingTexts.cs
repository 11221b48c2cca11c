using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Data.Inputs;
using Dolmen.Data.Sources;
using Dolmen.Tables;

namespace Dolmen.Data.Quality;

/// <summary>One line of a labelled file.</summary>
internal sealed record LabelledRow([property: JsonRequired] string Text, [property: JsonRequired] double Label);

/// <summary>Texts to learn from: corpus folders and Parquet files, JSON lines, and text files, which are cut where they are longer than a
/// document.</summary>
internal static class TrainingTexts
{
    private const int TextFileChars = 4000;

    /// <param name="funnel">Counts what is left out or read otherwise than it is written.</param>
    public static void ForEach(
        IReadOnlyList<string> paths,
        string option,
        Action<string> body,
        CancellationToken stop,
        Funnel? funnel = null
    )
    {
        funnel ??= new Funnel();
        foreach (var path in paths)
        {
            if (CorpusTables.FilesOf(path) is { Count: > 0 } tables)
            {
                foreach (var table in tables) ParquetTexts(table, Some, stop);
                continue;
            }
            if (!Directory.Exists(path) && !File.Exists(path))
                throw new UserErrorException(
                    $"{option} {path} does not exist: name corpus folders, .parquet, .jsonl, .jsonl.gz, .txt or .md files, or folders of "
                        + $"such."
                );
            foreach (var file in InputFiles.Find([path], funnel))
            {
                stop.ThrowIfCancellationRequested();
                if (InputFiles.ContentTypeOf(file.Path) is ".jsonl" or ".ndjson")
                {
                    foreach (var row in SourceReaders.Read(file, new ReadLimits(), funnel, stop)) Some(row.Text);
                }
                else if (InputFiles.TypeOf(file.Path) is ".txt" or ".md")
                    foreach (var piece in Pieces(BoundedText.ReadText(file, funnel)))
                        body(piece);
                else
                    throw new UserErrorException(
                        $"{option} {file.Path} cannot be learnt from: corpus folders, .parquet, .jsonl, .jsonl.gz, .txt and .md can. Build "
                            + $"a corpus of it first."
                    );
            }
        }

        void Some(string? text)
        {
            if (string.IsNullOrWhiteSpace(text)) funnel.Drop("text-empty");
            else body(text);
        }
    }

    public static void ForEachLabelled(string path, Action<string, double> body, CancellationToken stop)
    {
        InputPlace.ThrowUnlessFile(path, "--labelled");
        foreach (var (row, _) in JsonLines.Read(path, QualityJson.Default.LabelledRow,
            row => row.Label is >= 0 and <= 5 ? null : $"label is {row.Label}: labels are 0 or 1, or a score from 0 to 5"))
        {
            stop.ThrowIfCancellationRequested();
            body(row.Text, row.Label);
        }
    }

    private static void ParquetTexts(string path, Action<string?> body, CancellationToken stop)
    {
        using var table = ParquetTable.Open(path);
        if (table.Find("text") is not { } column)
            throw new UserErrorException(
                $"{path} has no column text: it is not a corpus. Name a corpus folder or a Parquet file with one."
            );
        for (var group = 0; group < table.Groups; group++)
        {
            stop.ThrowIfCancellationRequested();
            foreach (var text in table.Strings(group, column)) body(text);
        }
    }

    // A book is many documents' worth of text: pieces end at a line break where there is one in the second half.
    private static IEnumerable<string> Pieces(string text)
    {
        for (var at = 0; at < text.Length;)
        {
            var length = Math.Min(TextFileChars, text.Length - at);
            if (at + length < text.Length)
            {
                var window = text.AsSpan(at, length);
                var end = window.LastIndexOf("\n\n");
                if (end < length / 2) end = window.LastIndexOf('\n');
                if (end >= length / 2) length = end + 1;
                else if (char.IsHighSurrogate(window[^1])) length--;
            }
            var piece = text.AsSpan(at, length).Trim();
            if (piece.Length > 0) yield return piece.ToString();
            at += length;
        }
    }
}
