using Dolmen.Artifacts;
using Parquet.Schema;

namespace Dolmen.Tables;

public enum ColumnKind { Text, Bytes, Boolean, DateTime, Int32, Int64, Single, Double }

/// <summary>A flat column of a corpus.</summary>
public sealed record TableColumn(string Name, ColumnKind Kind, bool Nullable)
{
    /// <summary>As the file it was read from declares it.</summary>
    public required DataField Field { get; init; }

    public static ColumnKind? KindOf(Type type) => type switch
    {
        _ when type == typeof(string) || type == typeof(ReadOnlyMemory<char>) => ColumnKind.Text,
        _ when type == typeof(byte[]) || type == typeof(ReadOnlyMemory<byte>) => ColumnKind.Bytes,
        _ when type == typeof(bool) => ColumnKind.Boolean,
        _ when type == typeof(DateTime) => ColumnKind.DateTime,
        _ when type == typeof(int) => ColumnKind.Int32,
        _ when type == typeof(long) => ColumnKind.Int64,
        _ when type == typeof(float) => ColumnKind.Single,
        _ when type == typeof(double) => ColumnKind.Double,
        _ => null,
    };

    /// <summary>The columns of several files as one set: numbers take the wider type, and what a file lacks is null there.</summary>
    public static IReadOnlyList<TableColumn> Union(IReadOnlyList<(string Path, IReadOnlyList<TableColumn> Columns)> files)
    {
        var found = new Dictionary<string, (ColumnKind Kind, bool Nullable, int Files, string Path)>(StringComparer.Ordinal);
        var names = new List<string>();
        foreach (var (path, columns) in files)
        {
            foreach (var column in columns)
            {
                if (!found.TryGetValue(column.Name, out var before))
                {
                    names.Add(column.Name);
                    found[column.Name] = (column.Kind, column.Nullable, 1, path);
                    continue;
                }
                if (Wider(before.Kind, column.Kind) is not { } kind)
                    throw new UserErrorException(
                        $"column {column.Name} is {before.Kind} in {before.Path} and {column.Kind} in {path}: it must be of one type to be "
                            + $"mixed. Convert one of them, or leave one out."
                    );
                found[column.Name] = (kind, before.Nullable || column.Nullable, before.Files + 1, before.Path);
            }
        }
        // FineWeb's first, as people expect them, the rest by name: not in the order in which the inputs were named.
        return [.. names.OrderBy(n => Rank(n)).ThenBy(n => n, StringComparer.Ordinal).Select(n =>
        {
            var (kind, nullable, count, _) = found[n];
            return Make(n, kind, nullable || count < files.Count);
        })];
    }

    private static readonly string[] Leading =
    [
        "text",
        "id",
        "dump",
        "url",
        "date",
        "file_path",
        "language",
        "language_score",
        "token_count",
    ];

    private static int Rank(string name) => Array.IndexOf(Leading, name) is >= 0 and var at ? at : Leading.Length;

    private static ColumnKind? Wider(ColumnKind a, ColumnKind b)
    {
        if (a == b) return a;
        if (a < ColumnKind.Int32 || b < ColumnKind.Int32) return null;
        return (a, b) is (ColumnKind.Int32 or ColumnKind.Int64, ColumnKind.Int32 or ColumnKind.Int64)
            ? ColumnKind.Int64
            : ColumnKind.Double;
    }

    private static TableColumn Make(string name, ColumnKind kind, bool nullable)
    {
        DataField field = kind switch
        {
            ColumnKind.Text => new DataField<string>(name),
            ColumnKind.Bytes => new DataField<byte[]>(name),
            ColumnKind.Boolean => nullable ? new DataField<bool?>(name) : new DataField<bool>(name),
            ColumnKind.DateTime => nullable ? new DataField<DateTime?>(name) : new DataField<DateTime>(name),
            ColumnKind.Int32 => nullable ? new DataField<int?>(name) : new DataField<int>(name),
            ColumnKind.Int64 => nullable ? new DataField<long?>(name) : new DataField<long>(name),
            ColumnKind.Single => nullable ? new DataField<float?>(name) : new DataField<float>(name),
            _ => nullable ? new DataField<double?>(name) : new DataField<double>(name),
        };
        return new TableColumn(name, kind, nullable) { Field = field };
    }
}
