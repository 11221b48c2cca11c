namespace Dolmen.Data.Sources;

/// <summary>What is known of a document besides its text, from the source it was read from to its row in the corpus. Every step between
/// carries the header whole, so that a new column is a property and a line of <see cref="Columns"/> in this file.</summary>
/// <param name="Id">Stable across runs and machines: the WARC-Record-ID, the row's <c>id</c>, or made of the file's name and the record's
/// place.</param>
/// <param name="FilePath">The input file's <see cref="Artifacts.InputFile.Name"/>.</param>
/// <param name="Offset">Byte offset of the record in the file as stored (for compressed WARC: of its gzip member), or its row.</param>
internal sealed record DocumentHeader(string Id, string FilePath, long Offset)
{
    public string Dump { get; init; } = "";

    public string Url { get; init; } = "";

    /// <summary>ISO 8601, as the source or the page states it; empty when neither does.</summary>
    public string Date { get; init; } = "";

    /// <summary>The page's title; empty where the text does not come from a page.</summary>
    public string Title { get; init; } = "";

    /// <summary>Who made the text, as the source says: <c>human</c>, <c>ai</c>, or empty for unknown.</summary>
    public string Provenance { get; init; } = "";

    /// <summary>The columns in the order in which a corpus has them: FineWeb's first, then ours.</summary>
    public static IReadOnlyList<HeaderColumn> Columns { get; } =
    [
        new("id", header => header.Id, (header, value) => header with { Id = value }) { InSources = ["id"] },
        new("dump", header => header.Dump, (header, value) => header with { Dump = value }) { InSources = ["dump"] },
        new("url", header => header.Url, (header, value) => header with { Url = value }) { InSources = ["url"] },
        new("date", header => header.Date, (header, value) => header with { Date = value })
        {
            InSources = ["date", "timestamp", "created"],
        },
        new("file_path", header => header.FilePath, (header, value) => header with { FilePath = value }),
        new("title", header => header.Title, (header, value) => header with { Title = value }),
        new("provenance", header => header.Provenance, (header, value) => header with { Provenance = value })
        {
            InSources = ["provenance"],
        },
    ];

    /// <summary>The names of <see cref="Columns"/>.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Columns.Select(column => column.Name)];

    public IEnumerable<string> Values => Columns.Select(column => column.Value(this));

    /// <param name="value">The value of a column by its name.</param>
    public static DocumentHeader Read(Func<string, string> value, long offset)
    {
        var header = new DocumentHeader("", "", offset);
        foreach (var column in Columns) header = column.With(header, value(column.Name));
        return header;
    }
}

/// <summary>One part of a header as a column of text.</summary>
internal sealed record HeaderColumn(
    string Name,
    Func<DocumentHeader, string> Value,
    Func<DocumentHeader, string, DocumentHeader> With
)
{
    /// <summary>What the column is called in rows of JSON, Parquet and CSV, as FineWeb, C4 and Dolma spell it; none when sources do not
    /// state it.</summary>
    public string[] InSources { get; init; } = [];
}
