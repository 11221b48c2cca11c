using Dolmen.Artifacts;
using Dolmen.Data.Deduplication;
using Dolmen.Data.Filters;
using Dolmen.Data.Languages;
using Dolmen.Tables;

namespace Dolmen.Data.Cleaning;

/// <summary>A record's text before anything but its language is known.</summary>
/// <param name="Text">Empty when <paramref name="Dropped"/> is set.</param>
/// <param name="IsMarkdown">Made of a page by our extraction.</param>
/// <param name="Dropped">Set when the record was given up before its text was looked at.</param>
internal sealed record ExtractedDocument(
    string Id,
    string Dump,
    string Url,
    string Date,
    string FilePath,
    long Offset,
    string Title,
    string Provenance,
    LanguageGuess Guess,
    string Text,
    bool IsMarkdown,
    Exclusion? Dropped,
    long Bytes,
    DocumentSignature? Signature = null
);

/// <summary>Extracted documents that wait until it is known what repeats over the whole corpus: one file a shard, as they come, nothing
/// masked, gone when the corpus is finished.</summary>
internal static class ExtractedFiles
{
    private static readonly string[] Texts =
    [
        "id",
        "dump",
        "url",
        "date",
        "file_path",
        "title",
        "provenance",
        "language",
        "text",
        "reason",
    ];
    private static readonly string[] Wholes = ["offset", "bytes", "markdown"];
    private static readonly string[] Numbers = ["score", "value", "threshold"];

    /// <returns>Number of documents.</returns>
    public static long Write(string path, string signatures, IEnumerable<ExtractedDocument> documents, MinHashSettings minHash)
    {
        long count = 0;
        AtomicFile.Write(path, stream =>
        {
            using var table = new TableWriter(stream, Texts, Wholes, Numbers, small: false);
            using var writer = new SignatureWriter(signatures, minHash);
            foreach (var d in documents)
            {
                count++;
                if (d.Signature is { } signature) writer.Add(signature);
                table.Add(
                    [d.Id, d.Dump, d.Url, d.Date, d.FilePath, d.Title, d.Provenance, d.Guess.Language, d.Text, d.Dropped?.Reason ?? ""],
                    [d.Offset, d.Bytes, d.IsMarkdown ? 1 : 0],
                    [d.Guess.Score, d.Dropped?.Value ?? double.NaN, d.Dropped?.Threshold ?? double.NaN]);
            }
            table.Complete();
            writer.Complete();
        });
        return count;
    }

    public static IEnumerable<string> ReadTexts(string path)
    {
        using var table = ParquetTable.Open(path);
        for (var group = 0; group < table.Groups; group++)
            foreach (var text in table.Strings(group, table.Find("text"))) yield return text ?? "";
    }

    public static IEnumerable<ExtractedDocument> Read(string path)
    {
        using var table = ParquetTable.Open(path);
        for (var group = 0; group < table.Groups; group++)
        {
            var texts = Array.ConvertAll(Texts, name => table.Strings(group, table.Find(name)));
            var numbers = Array.ConvertAll([.. Wholes, .. Numbers], name => table.Numbers(group, table.Find(name)));
            for (var row = 0; row < texts[0].Length; row++)
            {
                string Text(int column) => texts[column][row] ?? "";
                double Number(int column) => numbers[column][row];
                yield return new ExtractedDocument(
                    Text(0),
                    Text(1),
                    Text(2),
                    Text(3),
                    Text(4),
                    (long)Number(0),
                    Text(5),
                    Text(6),
                    new LanguageGuess(Text(7), Number(3)),
                    Text(8),
                    Number(2) > 0,
                    Text(9).Length > 0 ? new Exclusion(Text(9), Number(4), Number(5)) : null,
                    (long)Number(1)
                );
            }
        }
    }
}
