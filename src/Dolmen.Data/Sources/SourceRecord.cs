namespace Dolmen.Data.Sources;

/// <summary>One record of an input file, as raw as the file holds it: decoding and extraction are the workers' part. Either
/// <see cref="Text"/> is set (WET, JSON lines, Parquet, CSV, plain text) or <see cref="Html"/> is.</summary>
internal sealed record SourceRecord(DocumentHeader Header)
{
    public string? Text { get; init; }

    /// <summary>The page's bytes, transfer and content encodings undone, within the reader's limits.</summary>
    public byte[]? Html { get; init; }

    /// <summary>The charset of the HTTP header, if it names one.</summary>
    public string? Charset { get; init; }

    /// <summary>What the source says the language is (a <c>language</c> column); empty when it says nothing.</summary>
    public string Language { get; init; } = "";
}
