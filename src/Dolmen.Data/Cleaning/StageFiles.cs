using Dolmen.Artifacts;
using Dolmen.Data.Deduplication;
using Dolmen.Data.Filters;
using Dolmen.Data.Sources;
using Dolmen.Tables;

namespace Dolmen.Data.Cleaning;

/// <summary>Measured documents on their way to the decision: one file a shard, gone when the corpus is finished.</summary>
internal static class StageFiles
{
    private static readonly string[] Texts = [.. DocumentHeader.Names, "language", "text", "before", "reason", "contaminated_by"];
    private static readonly string[] Longs = ["offset", "bytes"];
    private static readonly DocumentHeader Unread = new("", "", 0);

    /// <summary>Writes the documents and their signatures, in order.</summary>
    /// <returns>Number of documents.</returns>
    public static long Write(
        string path,
        string signatures,
        IEnumerable<MeasuredDocument> documents,
        IReadOnlyList<string> measures,
        MinHashSettings minHash
    )
    {
        long count = 0;
        AtomicFile.Write(
            path,
            stream =>
            {
                using var table = new TableWriter(stream, Texts, Longs, [.. measures, "value", "threshold"], small: false);
                using var writer = new SignatureWriter(signatures, minHash);
                foreach (var d in documents)
                {
                    count++;
                    if (d.Signature is { } signature)
                        writer.Add(signature);
                    table.Add(
                        [
                            .. d.Header.Values,
                            d.Language,
                            d.Text,
                            d.Before ?? "",
                            d.Dropped?.Reason ?? "",
                            d.Contamination,
                        ],
                        [d.Header.Offset, d.Bytes],
                        [.. d.Measures, d.Dropped?.Value ?? double.NaN, d.Dropped?.Threshold ?? double.NaN]
                    );
                }
                table.Complete();
                writer.Complete();
            }
        );
        return count;
    }

    /// <summary>The documents of a stage file in order, without signatures.</summary>
    /// <param name="withText">Without, texts are empty and only what decides is read.</param>
    public static IEnumerable<MeasuredDocument> Read(string path, IReadOnlyList<string> measures, bool withText)
    {
        using var table = ParquetTable.Open(path);
        var numbers = measures.Select(name => table.Find(name)).ToArray();
        for (var group = 0; group < table.Groups; group++)
        {
            string?[] Column(string name) => table.Strings(group, table.Find(name));
            var (language, reason) = (Column("language"), Column("reason"));
            var values = numbers.Select(column => table.Numbers(group, column)).ToArray();
            var (value, threshold) = (table.Numbers(group, table.Find("value")), table.Numbers(group, table.Find("threshold")));
            Dictionary<string, string?[]>? header = null;
            string?[]? text = null,
                before = null,
                contamination = null;
            double[]? offset = null,
                bytes = null;
            if (withText)
            {
                header = DocumentHeader.Names.ToDictionary(name => name, Column, StringComparer.Ordinal);
                (text, before, contamination) = (Column("text"), Column("before"), Column("contaminated_by"));
                (offset, bytes) = (table.Numbers(group, table.Find("offset")), table.Numbers(group, table.Find("bytes")));
            }
            for (var row = 0; row < language.Length; row++)
            {
                var at = row;
                yield return new MeasuredDocument(
                    header is null ? Unread : DocumentHeader.Read(name => header[name][at] ?? "", (long)(offset?[at] ?? 0)),
                    language[row] ?? "und",
                    text?[row] ?? "",
                    before?[row] is { Length: > 0 } was ? was : null,
                    Array.ConvertAll(values, column => column[at]),
                    reason[row] is { Length: > 0 } why ? new Exclusion(why, value[row], threshold[row]) : null,
                    null,
                    (long)(bytes?[row] ?? 0),
                    contamination?[row] ?? ""
                );
            }
        }
    }
}
