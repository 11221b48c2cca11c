using Dolmen.Artifacts;
using Dolmen.Artifacts.Compression;
using Dolmen.Tables;

namespace Dolmen.Data.Sources;

/// <summary>Parquet files with a column <c>text</c> or what <see cref="ReadLimits.TextField"/> names, one row group at a time, of which
/// only the columns that are used are read.</summary>
internal static class ParquetRows
{
    private const int MaxNames = 20;

    public static IEnumerable<SourceRecord> Read(
        InputFile file,
        StoredMembers content,
        ReadLimits limits,
        Funnel funnel,
        CancellationToken stop
    )
    {
        using var table = ParquetTable.Open(file.Path);
        var text = TextColumn(table, file, limits.TextField);
        var others = RowFields.Others.SelectMany(names => names).Select(table.Find).OfType<TableColumn>().ToList();
        long number = 0;
        for (var group = 0; group < table.Groups; group++)
        {
            stop.ThrowIfCancellationRequested();
            string?[] texts;
            Dictionary<string, string?[]> columns;
            try
            {
                texts = table.AsStrings(group, text);
                columns = others.ToDictionary(column => column.Name, column => table.AsStrings(group, column), StringComparer.Ordinal);
            }
            catch (UserErrorException error) when (error.InnerException is not null)
            {
                // What is damaged is left out; what is too big is for the user to mend.
                var rows = table.Rows(group);
                funnel.Break(
                    file.Name,
                    number + 1,
                    "row-group-damaged",
                    () => error.Message.Replace(file.Path, file.Name, StringComparison.Ordinal)
                );
                funnel.Drop("row-group-damaged", Math.Max(0, rows - 1));
                number += rows;
                continue;
            }
            for (var row = 0; row < texts.Length; row++)
            {
                number++;
                if (string.IsNullOrWhiteSpace(texts[row]))
                    funnel.Drop("row-without-text", file.Name, number);
                else if (texts[row]!.Length > limits.MaxRecordBytes)
                    funnel.Break(file.Name, number, "record-too-big");
                else
                    yield return RowFields.Record(
                        texts[row]!,
                        file,
                        number,
                        names => names.Select(n => columns.GetValueOrDefault(n)?[row]).FirstOrDefault(v => v is not null)
                    );
            }
        }
    }

    private static TableColumn TextColumn(ParquetTable table, InputFile file, string name)
    {
        if (table.Find(name) is not { } text)
        {
            List<string> names = [.. table.Columns.Select(c => c.Name), .. table.Unreadable];
            throw new UserErrorException(
                $"{file.Path} has no column {name}: it has "
                    + $"{string.Join(", ", names.Take(MaxNames))}{(names.Count > MaxNames ? ", …" : "")}. Name the column that holds the "
                    + $"documents: --text-field NAME."
            );
        }
        return text.Kind is ColumnKind.Text or ColumnKind.Bytes
            ? text
            : throw new UserErrorException(
                $"{file.Path}: its column {name} holds {text.Field.ClrType.Name} values and must hold strings. Write the documents as "
                    + $"strings."
            );
    }
}
