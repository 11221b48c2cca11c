using System.Runtime.InteropServices;
using Parquet;
using Parquet.Schema;

namespace Dolmen.Tables;

/// <summary>The values of a column of a row group, null for null. What a damaged page leaves unset is empty, and never what another file
/// left in a buffer.</summary>
internal static class ColumnValues
{
    /// <param name="shared">Whether the same values stand in many rows: each is then one object.</param>
    public static Array Read(ParquetRowGroupReader rows, TableColumn column, int count, bool shared) => column.Kind switch
    {
        ColumnKind.Text => Text(rows, column.Field, count, shared),
        ColumnKind.Bytes => Bytes(rows, column.Field, count),
        ColumnKind.Int64 => Plain<long>(rows, column.Field, count),
        ColumnKind.Int32 => Plain<int>(rows, column.Field, count),
        ColumnKind.Double => Plain<double>(rows, column.Field, count),
        ColumnKind.Single => Plain<float>(rows, column.Field, count),
        ColumnKind.Boolean => Plain<bool>(rows, column.Field, count),
        _ => Plain<DateTime>(rows, column.Field, count),
    };

    private static string?[] Text(ParquetRowGroupReader rows, DataField field, int count, bool shared)
    {
        var (values, levels) = Raw<ReadOnlyMemory<char>>(rows, field, count);
        var known = new Dictionary<(char[], int, int), string>();
        var texts = new string?[count];
        for (int row = 0, next = 0; row < count; row++)
        {
            if (!Defined(levels, row, field)) continue;
            var value = values[next++];
            if (!shared || !MemoryMarshal.TryGetArray(value, out var part))
                texts[row] = value.ToString();
            else if (!known.TryGetValue((part.Array!, part.Offset, part.Count), out texts[row]))
                known[(part.Array!, part.Offset, part.Count)] = texts[row] = value.ToString();
        }
        return texts;
    }

    private static byte[]?[] Bytes(ParquetRowGroupReader rows, DataField field, int count)
    {
        var (values, levels) = Raw<ReadOnlyMemory<byte>>(rows, field, count);
        var bytes = new byte[]?[count];
        for (int row = 0, next = 0; row < count; row++)
        {
            if (!Defined(levels, row, field)) continue;
            var value = values[next++];
            bytes[row] =
                MemoryMarshal.TryGetArray(value, out var part) && part.Offset == 0 && part.Count == part.Array!.Length
                    ? part.Array
                    : value.ToArray();
        }
        return bytes;
    }

    private static T?[] Plain<T>(ParquetRowGroupReader rows, DataField field, int count)
        where T : struct
    {
        var (values, levels) = Raw<T>(rows, field, count);
        var all = new T?[count];
        for (int row = 0, next = 0; row < count; row++)
            if (Defined(levels, row, field)) all[row] = values[next++];
        return all;
    }

    private static (T[] Values, int[]? Levels) Raw<T>(ParquetRowGroupReader rows, DataField field, int count)
        where T : struct
    {
        var values = new T[count];
        var levels = field.MaxDefinitionLevel > 0 ? new int[count] : null;
        // A null array would become an empty Memory instead of a null.
        Memory<int>? into = levels is null ? default(Memory<int>?) : levels.AsMemory();
        rows.ReadRawAsync<T>(field, values, into, null).AsTask().GetAwaiter().GetResult();
        return (values, levels);
    }

    private static bool Defined(int[]? levels, int row, DataField field) => levels is null || levels[row] == field.MaxDefinitionLevel;
}
