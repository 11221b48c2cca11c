using System.Globalization;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Data.Inputs;
using Dolmen.Data.Warc;
using Parquet;
using Parquet.Schema;

namespace Dolmen.Data.Sources;

/// <summary>Parquet files with a column <c>text</c>, one row group at a time, of which only the columns that are used are read.</summary>
internal static class ParquetRows
{
    private const int MaxNames = 20;
    private const int MaxGroupRows = 1 << 24;
    private const long MaxGroupBytes = 1L << 30;

    public static IEnumerable<SourceRecord> Read(InputFile file, StoredMembers content, ReadLimits limits, Funnel funnel, CancellationToken stop)
    {
        using var stream = BoundedText.OpenFile(file);
        var reader = Guard(file, () => ParquetReader.CreateAsync(stream, cancellationToken: stop).GetAwaiter().GetResult());
        try
        {
            var fields = Fields(file, reader.Schema);
            long number = 0;
            for (var group = 0; group < reader.RowGroupCount; group++)
            {
                stop.ThrowIfCancellationRequested();
                var columns = Guard(file, () => Columns(file, reader, group, fields));
                var texts = columns[RowFields.Text];
                for (var row = 0; row < texts.Length; row++)
                {
                    number++;
                    var text = texts[row];
                    if (string.IsNullOrWhiteSpace(text)) funnel.Drop("row-without-text");
                    else if (text.Length > limits.MaxRecordBytes) funnel.Break(file.Name, number, "record-too-big");
                    else yield return RowFields.Record(text, file, number, names => names.Select(n => columns.GetValueOrDefault(n)?[row]).FirstOrDefault(v => v is not null));
                }
            }
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static List<DataField> Fields(InputFile file, ParquetSchema schema)
    {
        var top = schema.Fields.OfType<DataField>().Where(f => !f.IsArray).ToList();
        var wanted = RowFields.Others.SelectMany(n => n).ToHashSet(StringComparer.Ordinal);
        if (top.Find(f => f.Name == RowFields.Text) is not { } text)
        {
            var names = schema.Fields.Select(f => f.Name).ToList();
            throw new UserErrorException(
                $"{file.Path} has no column {RowFields.Text}: it has {string.Join(", ", names.Take(MaxNames))}{(names.Count > MaxNames ? ", …" : "")}. Rename the column that holds the documents.");
        }
        if (!IsText(text) && !IsBytes(text))
            throw new UserErrorException($"{file.Path}: its column {RowFields.Text} holds {text.ClrType.Name} values and must hold strings. Write the documents as strings.");
        return [text, .. top.Where(f => wanted.Contains(f.Name))];
    }

    private static Dictionary<string, string?[]> Columns(InputFile file, ParquetReader reader, int group, List<DataField> fields)
    {
        using var rows = reader.OpenRowGroupReader(group);
        if (rows.RowCount is < 0 or > MaxGroupRows)
            throw new UserErrorException($"{file.Path}: row group {group} has {rows.RowCount} rows and may have {MaxGroupRows}. Write the file with smaller row groups.");
        var columns = new Dictionary<string, string?[]>(StringComparer.Ordinal);
        foreach (var field in fields)
        {
            var size = rows.GetMetadata(field)?.MetaData?.TotalUncompressedSize ?? 0;
            if (size > MaxGroupBytes)
                throw new UserErrorException($"{file.Path}: column {field.Name} of row group {group} has {size >> 20} MB and may have {MaxGroupBytes >> 20} MB. Write the file with smaller row groups.");
            if (Strings(rows, field) is { } values) columns[field.Name] = values;
        }
        return columns;
    }

    /// <returns>Null for a column of a type that none of the fields can have: it is as good as absent.</returns>
    private static string?[]? Strings(ParquetRowGroupReader rows, DataField field)
    {
        var count = checked((int)rows.RowCount);
        if (IsText(field))
        {
            var values = new string?[count];
            rows.ReadAsync(field, values.AsMemory()).AsTask().GetAwaiter().GetResult();
            return values;
        }
        if (IsBytes(field))
        {
            var values = new byte[]?[count];
            rows.ReadAsync(field, values.AsMemory()).AsTask().GetAwaiter().GetResult();
            return Array.ConvertAll(values, v => v is null ? null : Encoding.UTF8.GetString(v));
        }
        if (field.ClrType == typeof(long)) return Values<long>(rows, field, count, v => v.ToString(CultureInfo.InvariantCulture));
        if (field.ClrType == typeof(int)) return Values<int>(rows, field, count, v => v.ToString(CultureInfo.InvariantCulture));
        return field.ClrType == typeof(DateTime) ? Values<DateTime>(rows, field, count, v => v.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)) : null;
    }

    private static bool IsText(DataField field) => field.ClrType == typeof(ReadOnlyMemory<char>) || field.ClrType == typeof(string);

    private static bool IsBytes(DataField field) => field.ClrType == typeof(ReadOnlyMemory<byte>) || field.ClrType == typeof(byte[]);

    private static string?[] Values<T>(ParquetRowGroupReader rows, DataField field, int count, Func<T, string> text)
        where T : struct
    {
        if (!field.IsNullable)
        {
            var all = new T[count];
            rows.ReadAsync(field, all.AsMemory()).AsTask().GetAwaiter().GetResult();
            return Array.ConvertAll(all, v => text(v));
        }
        var values = new T?[count];
        rows.ReadAsync(field, values.AsMemory()).AsTask().GetAwaiter().GetResult();
        return Array.ConvertAll(values, v => v is { } value ? text(value) : null);
    }

    // What a damaged file makes the library throw is not documented; all of it means the same.
    private static T Guard<T>(InputFile file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is not (UserErrorException or OperationCanceledException))
        {
            throw new UserErrorException($"{file.Path} is no Parquet file that can be read: {error.Message} Restore it or leave it out.", error);
        }
    }
}
