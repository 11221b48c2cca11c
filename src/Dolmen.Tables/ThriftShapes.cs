using System.Collections.Frozen;
using System.Globalization;

namespace Dolmen.Tables;

internal enum ThriftType : byte { Stop, True, False, Byte, I16, I32, I64, Double, Binary, List, Set, Map, Struct }

/// <summary>What a field of a structure must be.</summary>
/// <param name="Element">Of a list.</param>
/// <param name="Struct">Name of the structure that the field, or each element of the list, is.</param>
internal readonly record struct ThriftField(ThriftType Type, ThriftType Element, string? Struct);

/// <summary>The structures of Parquet's metadata (parquet.thrift of the format 2.12), as far as a reader looks at them.</summary>
internal static class ThriftShapes
{
    // A list is in brackets; a capital is a structure of that name.
    private const string Structures = """
        FileMetaData: 1 i32, 2 [SchemaElement], 3 i64, 4 [RowGroup], 5 [KeyValue], 6 binary, 7 [ColumnOrder], 8 EncryptionAlgorithm, 9 binary
        SchemaElement: 1 i32, 2 i32, 3 i32, 4 binary, 5 i32, 6 i32, 7 i32, 8 i32, 9 i32, 10 LogicalType
        LogicalType: 1 Empty, 2 Empty, 3 Empty, 4 Empty, 5 Decimal, 6 Empty, 7 Time, 8 Time, 10 Integer, 11 Empty, 12 Empty, 13 Empty, 14 Empty, 15 Empty, 16 Variant, 17 Geometry, 18 Geometry
        Decimal: 1 i32, 2 i32
        Time: 1 bool, 2 TimeUnit
        TimeUnit: 1 Empty, 2 Empty, 3 Empty
        Integer: 1 byte, 2 bool
        Variant: 1 byte
        Geometry: 1 binary, 2 i32
        RowGroup: 1 [ColumnChunk], 2 i64, 3 i64, 4 [SortingColumn], 5 i64, 6 i64, 7 i16
        SortingColumn: 1 i32, 2 bool, 3 bool
        ColumnChunk: 1 binary, 2 i64, 3 ColumnMetaData, 4 i64, 5 i32, 6 i64, 7 i32, 8 ColumnCrypto, 9 binary
        ColumnMetaData: 1 i32, 2 [i32], 3 [binary], 4 i32, 5 i64, 6 i64, 7 i64, 8 [KeyValue], 9 i64, 10 i64, 11 i64, 12 Statistics, 13 [PageEncodingStats], 14 i64, 15 i32, 16 SizeStatistics, 17 Geospatial
        KeyValue: 1 binary, 2 binary
        Statistics: 1 binary, 2 binary, 3 i64, 4 i64, 5 binary, 6 binary, 7 bool, 8 bool, 9 i64
        PageEncodingStats: 1 i32, 2 i32, 3 i32
        SizeStatistics: 1 i64, 2 [i64], 3 [i64]
        Geospatial: 1 BoundingBox, 2 [i32]
        BoundingBox: 1 double, 2 double, 3 double, 4 double, 5 double, 6 double, 7 double, 8 double
        ColumnOrder: 1 Empty, 2 Empty, 3 Empty
        ColumnCrypto: 1 Empty, 2 ColumnKey
        ColumnKey: 1 [binary], 2 binary
        EncryptionAlgorithm: 1 Aes, 2 Aes
        Aes: 1 binary, 2 binary, 3 bool
        PageHeader: 1 i32, 2 i32, 3 i32, 4 i32, 5 DataPage, 6 Empty, 7 DictionaryPage, 8 DataPageV2
        DataPage: 1 i32, 2 i32, 3 i32, 4 i32, 5 Statistics
        DictionaryPage: 1 i32, 2 i32, 3 bool
        DataPageV2: 1 i32, 2 i32, 3 i32, 4 i32, 5 i32, 6 i32, 7 bool, 8 Statistics
        Empty:
        """;

    private static readonly FrozenDictionary<string, ThriftField?[]> ByName = Load();

    /// <summary>Fields by their number; null where none is known.</summary>
    public static ThriftField?[] Of(string structure) => ByName[structure];

    private static FrozenDictionary<string, ThriftField?[]> Load()
    {
        var structures = new Dictionary<string, ThriftField?[]>(StringComparer.Ordinal);
        foreach (var line in Structures.Split('\n'))
        {
            var colon = line.IndexOf(':');
            var fields = new ThriftField?[20];
            foreach (var field in line[(colon + 1)..].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            {
                var space = field.IndexOf(' ');
                fields[int.Parse(field.AsSpan(0, space), CultureInfo.InvariantCulture)] = Parse(field[(space + 1)..]);
            }
            structures[line[..colon]] = fields;
        }
        return structures.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static ThriftField Parse(string type) => type switch
    {
        ['[', .. var element, ']'] when Parse(element) is var inner => new ThriftField(ThriftType.List, inner.Type, inner.Struct),
        "bool" => new ThriftField(ThriftType.True, default, null),
        [>= 'A' and <= 'Z', ..] => new ThriftField(ThriftType.Struct, default, type),
        _ => new ThriftField(Enum.Parse<ThriftType>(type, ignoreCase: true), default, null),
    };
}
