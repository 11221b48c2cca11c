using Dolmen.Artifacts;

namespace Dolmen.Data.Sources;

/// <summary>The columns that rows of JSON, Parquet and CSV may have; names as FineWeb, C4 and Dolma spell them.</summary>
internal static class RowFields
{
    public const string Text = "text";

    private static readonly string[] Ids = ["id"], Urls = ["url"], Dates = ["date", "timestamp", "created"], Dumps = ["dump"],
        Languages = ["language", "lang"], Provenances = ["provenance"];

    /// <summary>All but the text, each with its other names.</summary>
    public static IReadOnlyList<string[]> Others { get; } = [Ids, Urls, Dates, Dumps, Languages, Provenances];

    /// <param name="value">The row's value of any of the names, or null.</param>
    public static SourceRecord Record(string text, InputFile file, long row, Func<string[], string?> value) =>
        new(value(Ids) is { Length: > 0 } id ? id : $"{file.Name}#{row}", file.Name, row)
        {
            Text = text,
            Url = value(Urls) ?? "",
            Date = value(Dates) ?? "",
            Dump = value(Dumps) is { Length: > 0 } dump ? dump : file.Dump,
            Language = value(Languages) ?? "",
            Provenance = value(Provenances) ?? "",
        };
}
