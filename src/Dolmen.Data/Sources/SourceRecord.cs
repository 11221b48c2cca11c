using Dolmen.Artifacts;
using Dolmen.Web.Encodings;

namespace Dolmen.Data.Sources;

/// <summary>One record of an input file, as raw as the file holds it: decoding and extraction are the workers' part. Either
/// <see cref="Text"/> is set (WET, JSON lines, Parquet, CSV, plain text) or <see cref="Html"/> is.</summary>
/// <param name="Id">Stable across runs and machines: the WARC-Record-ID, the row's <c>id</c>, or made of the file's name and the record's
/// place.</param>
/// <param name="FilePath">The input file's <see cref="InputFile.Name"/>.</param>
/// <param name="Offset">Byte offset of the record in the file as stored (for compressed WARC: of its gzip member), or its row.</param>
internal sealed record SourceRecord(string Id, string FilePath, long Offset)
{
    public string Dump { get; init; } = "";

    public string Url { get; init; } = "";

    /// <summary>ISO 8601, as the source states it; empty when it does not.</summary>
    public string Date { get; init; } = "";

    public string? Text { get; init; }

    /// <summary>The page's bytes, transfer and content encodings undone, within the reader's limits.</summary>
    public byte[]? Html { get; init; }

    /// <summary>The charset of the HTTP header, if it names one.</summary>
    public string? Charset { get; init; }

    /// <summary>What the source says the language is (a <c>language</c> column); empty when it says nothing.</summary>
    public string Language { get; init; } = "";

    /// <summary>Who made the text, as the source says: <c>human</c>, <c>ai</c>, or empty for unknown.</summary>
    public string Provenance { get; init; } = "";
}
