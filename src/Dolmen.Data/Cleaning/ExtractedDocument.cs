using Dolmen.Artifacts;
using Dolmen.Data.Deduplication;
using Dolmen.Data.Filters;
using Dolmen.Data.Languages;
using Dolmen.Data.Sources;
using Dolmen.Tables;

namespace Dolmen.Data.Cleaning;

/// <summary>A record's text before anything but its language is known.</summary>
/// <param name="Text">Empty when <paramref name="Dropped"/> is set.</param>
/// <param name="IsMarkdown">Made of a page by our extraction.</param>
/// <param name="Dropped">Set when the record was given up before its text was looked at.</param>
internal sealed record ExtractedDocument(
    DocumentHeader Header,
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
    private static readonly string[] Texts = [.. DocumentHeader.Names, "language", "text", "reason"];
    private static readonly string[] Longs = ["offset", "bytes", "markdown"];
    private static readonly string[] Numbers = ["score", "value", "threshold"];

    /// <returns>Number of documents.</returns>
    public static long Write(string path, string signatures, IEnumerable<ExtractedDocument> documents, MinHashSettings minHash)
    {
        long count = 0;
        AtomicFile.Write(path, stream =>
        {
            using var table = new TableWriter(stream, Texts, Longs, Numbers, small: false);
            using var writer = new SignatureWriter(signatures, minHash);
            foreach (var d in documents)
            {
                count++;
                if (d.Signature is { } signature) writer.Add(signature);
                table.Add(
                    [.. d.Header.Values, d.Guess.Language, d.Text, d.Dropped?.Reason ?? ""],
                    [d.Header.Offset, d.Bytes, d.IsMarkdown ? 1 : 0],
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
            var texts = Texts.ToDictionary(name => name, name => table.Strings(group, table.Find(name)), StringComparer.Ordinal);
            var numbers = Array.ConvertAll([.. Longs, .. Numbers], name => table.Numbers(group, table.Find(name)));
            for (var row = 0; row < texts["id"].Length; row++)
            {
                string Text(string column) => texts[column][row] ?? "";
                double Number(int column) => numbers[column][row];
                yield return new ExtractedDocument(
                    DocumentHeader.Read(Text, (long)Number(0)),
                    new LanguageGuess(Text("language"), Number(3)),
                    Text("text"),
                    Number(2) > 0,
                    Text("reason") is { Length: > 0 } reason ? new Exclusion(reason, Number(4), Number(5)) : null,
                    (long)Number(1)
                );
            }
        }
    }
}
