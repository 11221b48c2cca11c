using Dolmen.Artifacts;

namespace Dolmen.Data.Sources;

/// <summary>The columns that rows of JSON, Parquet and CSV may have; names as FineWeb, C4 and Dolma spell them.</summary>
internal static class RowFields
{
    public const string Text = "text";

    private static readonly string[] Languages = ["language", "lang"];

    /// <summary>All but the text, each with its other names.</summary>
    public static IReadOnlyList<string[]> Others { get; } =
        [.. DocumentHeader.Columns.Select(column => column.InSources).Where(names => names.Length > 0), Languages];

    /// <param name="value">The row's value of any of the names, or null.</param>
    public static SourceRecord Record(string text, InputFile file, long row, Func<string[], string?> value)
    {
        var header = new DocumentHeader($"{file.Name}#{row}", file.Name, row) { Dump = file.Dump };
        foreach (var column in DocumentHeader.Columns)
            if (value(column.InSources) is { Length: > 0 } stated) header = column.With(header, stated);
        return new SourceRecord(header) { Text = text, Language = value(Languages) ?? "" };
    }
}
