using System.Globalization;
using System.Text;
using Dolmen.Artifacts;
using Parquet;
using Parquet.Schema;

namespace Dolmen.Tables;

/// <summary>A Parquet file's flat columns, by name, one row group at a time. What a damaged file makes the library throw becomes the user's
/// error.</summary>
public sealed class ParquetTable : IDisposable
{
    private const long MaxGroupBytes = 1L << 30;
    private const int MaxGroupRows = 1 << 24;

    private const long MaxRowsOfByte = 64;

    private readonly ColumnStream _stream;
    private readonly ParquetReader _reader;
    private readonly long _columnsEnd;

    private ParquetTable(string path, ColumnStream stream, long columnsEnd)
    {
        (Path, _stream, _columnsEnd) = (path, stream, columnsEnd);
        _reader = ParquetReader.CreateAsync(stream).GetAwaiter().GetResult();
        CheckSizes(_reader, stream.Length);
        var (columns, nested) = (new List<TableColumn>(), new List<string>());
        foreach (var field in _reader.Schema.Fields)
        {
            if (field is DataField { IsArray: false } data && TableColumn.KindOf(data.ClrType) is { } kind)
                columns.Add(new TableColumn(field.Name, kind, data.IsNullable) { Field = data });
            else
                nested.Add(field.Name);
        }
        (Columns, Unreadable) = (columns, nested);
    }

    public string Path { get; }

    public IReadOnlyList<TableColumn> Columns { get; }

    /// <summary>Columns of nested or rare types, which are not carried over.</summary>
    public IReadOnlyList<string> Unreadable { get; }

    public int Groups => _reader.RowGroupCount;

    public static ParquetTable Open(string path)
    {
        InputPlace.ThrowUnlessFile(path);
        ColumnStream stream;
        try
        {
            stream = new ColumnStream(new FileStream(RegularFile.Regular(path), FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path} cannot be read: {error.Message} Check its permissions or leave it out.", error);
        }
        try
        {
            return Guard(path, () => new ParquetTable(path, stream, ParquetFooter.Check(stream)));
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    public TableColumn? Find(string name) => Columns.FirstOrDefault(c => c.Name == name);

    /// <summary>All values of a text column; for another column or none, nothing but nulls.</summary>
    public string?[] Strings(int group, TableColumn? column) =>
        column is { Kind: ColumnKind.Text } ? (string?[])Values(group, column) : new string?[Rows(group)];

    /// <summary>All values as text: UTF-8 bytes decoded, numbers and dates as they are written everywhere; null for null.</summary>
    public string?[] AsStrings(int group, TableColumn column) => Values(group, column) switch
    {
        string?[] v => v,
        byte[]?[] v => Decoded(v),
        DateTime?[] v => Array.ConvertAll(v, x => x?.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)),
        var v => [.. v.Cast<object?>().Select(x => x is null ? null : Convert.ToString(x, CultureInfo.InvariantCulture))],
    };

    // Values of a dictionary are one object wherever they stand, and must be so decoded.
    private static string?[] Decoded(byte[]?[] values)
    {
        var known = new Dictionary<byte[], string>(ReferenceEqualityComparer.Instance);
        return Array.ConvertAll(values, value =>
        {
            if (value is null) return null;
            if (!known.TryGetValue(value, out var text)) known[value] = text = Encoding.UTF8.GetString(value);
            return text;
        });
    }

    /// <summary>All values of a column of numbers; NaN for null, for another column and for none.</summary>
    public double[] Numbers(int group, TableColumn? column)
    {
        var none = new double[Rows(group)];
        Array.Fill(none, double.NaN);
        return column is null ? none : Values(group, column) switch
        {
            double?[] v => Array.ConvertAll(v, x => x ?? double.NaN),
            float?[] v => Array.ConvertAll(v, x => x ?? double.NaN),
            long?[] v => Array.ConvertAll(v, x => x ?? double.NaN),
            int?[] v => Array.ConvertAll(v, x => x ?? double.NaN),
            _ => none,
        };
    }

    public int Rows(int group)
    {
        using var rows = _reader.OpenRowGroupReader(group);
        return Count(rows, group);
    }

    private int Count(ParquetRowGroupReader rows, int group) =>
        rows.RowCount is >= 0 and <= MaxGroupRows
            ? (int)rows.RowCount
            : throw new UserErrorException(
                $"{Path}: row group {group} has {rows.RowCount} rows and may have {MaxGroupRows}. Write the file with smaller row groups."
            );

    /// <summary>An array of the column's nullable type.</summary>
    public Array Values(int group, TableColumn column) =>
        Guard(
            Path,
            () =>
            {
                using var rows = _reader.OpenRowGroupReader(group);
                var stored =
                    rows.GetMetadata(column.Field)?.MetaData
                    ?? throw new InvalidDataException($"Row group {group} lacks column {column.Name}.");
                if (stored.TotalUncompressedSize is > MaxGroupBytes and var size)
                    throw new UserErrorException(
                        $"{Path}: column {column.Name} of row group {group} has {size >> 20} MB and may have {MaxGroupBytes >> 20} MB. "
                            + $"Write the file with smaller row groups."
                    );
                var count = Count(rows, group);
                var pages = ParquetPages.Check(_stream, stored, count, _columnsEnd, MaxGroupBytes);
                Array Read() => ColumnValues.Read(rows, column, count, pages.HasDictionary);
                return pages.Unread.Count > 0 ? Lz4Column.Read(_stream, stored, pages.Unread, Read) : Read();
            }
        );

    public void Dispose()
    {
        _reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _stream.Dispose();
    }

    // A file of a megabyte must not be a billion rows, whether each has its own bytes or all share some.
    private static void CheckSizes(ParquetReader reader, long length)
    {
        long stored = 0, rows = 0;
        foreach (var group in reader.Metadata?.RowGroups ?? [])
        {
            rows = checked(rows + group.NumRows);
            foreach (var column in group.Columns) stored = checked(stored + (column.MetaData?.TotalCompressedSize ?? 0));
        }
        if (stored > length)
            throw new InvalidDataException($"Its columns have {stored} bytes, and the file has {length}.");
        if (rows > MaxGroupRows + (length * MaxRowsOfByte))
            throw new InvalidDataException($"It says that it has {rows} rows in {length} bytes.");
    }

    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is not (UserErrorException or OperationCanceledException))
        {
            throw new UserErrorException(
                $"{path} is not a Parquet file that can be read: {error.Message} Restore it or leave it out.",
                error
            );
        }
    }
}
