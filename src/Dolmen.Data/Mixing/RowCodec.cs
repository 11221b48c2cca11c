using System.Text;
using Dolmen.Tables;

namespace Dolmen.Data.Mixing;

/// <summary>Rows of any set of flat columns as bytes, on their way through the shuffle.</summary>
internal sealed class RowCodec(IReadOnlyList<TableColumn> columns)
{
    public IReadOnlyList<TableColumn> Columns { get; } = columns;

    /// <param name="values">By column, the nullable array of a row group, or null where the file has no such column.</param>
    public void Write(BinaryWriter writer, Array?[] values, int row)
    {
        for (var c = 0; c < Columns.Count; c++)
        {
            var value = values[c] is { } array ? Value(array, row) : null;
            writer.Write(value is not null);
            switch (value)
            {
                case string text: writer.Write(text); break;
                case byte[] bytes: writer.Write(bytes.Length); writer.Write(bytes); break;
                case bool flag: writer.Write(flag); break;
                case DateTime time: writer.Write(time.ToBinary()); break;
                case int number when Columns[c].Kind == ColumnKind.Int32: writer.Write(number); break;
                case int number when Columns[c].Kind == ColumnKind.Int64: writer.Write((long)number); break;
                case int number: writer.Write((double)number); break;
                case long number when Columns[c].Kind == ColumnKind.Int64: writer.Write(number); break;
                case long number: writer.Write((double)number); break;
                case float number when Columns[c].Kind == ColumnKind.Single: writer.Write(number); break;
                case float number: writer.Write((double)number); break;
                case double number: writer.Write(number); break;
                default: break;                                          // null
            }
        }
    }

    public object?[] Read(BinaryReader reader)
    {
        var row = new object?[Columns.Count];
        for (var c = 0; c < row.Length; c++)
        {
            if (!reader.ReadBoolean()) continue;
            row[c] = Columns[c].Kind switch
            {
                ColumnKind.Text => reader.ReadString(),
                ColumnKind.Bytes => reader.ReadBytes(reader.ReadInt32()),
                ColumnKind.Boolean => reader.ReadBoolean(),
                ColumnKind.DateTime => DateTime.FromBinary(reader.ReadInt64()),
                ColumnKind.Int32 => reader.ReadInt32(),
                ColumnKind.Int64 => reader.ReadInt64(),
                ColumnKind.Single => reader.ReadSingle(),
                _ => reader.ReadDouble(),
            };
        }
        return row;
    }

    public static BinaryWriter Writer(Stream stream) => new(stream, Encoding.UTF8, leaveOpen: true);

    private static object? Value(Array values, int row) => values switch
    {
        string?[] v => v[row],
        byte[]?[] v => v[row],
        long?[] v => v[row],
        int?[] v => v[row],
        double?[] v => v[row],
        float?[] v => v[row],
        bool?[] v => v[row],
        DateTime?[] v => v[row],
        _ => null,
    };
}
