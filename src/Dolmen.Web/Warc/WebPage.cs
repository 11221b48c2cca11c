namespace Dolmen.Web.Warc;

/// <summary>A page as a crawl stored it, as raw as the crawl holds it: either <see cref="Text"/> is set or <see cref="Html"/> is.</summary>
/// <param name="Id">Stable across runs and machines: the WARC-Record-ID, or made of the file's name and the record's place.</param>
/// <param name="Dump">The collection it belongs to: the name that the crawl gives itself, or the file's.</param>
/// <param name="Date">ISO 8601, as the crawl states it; empty when it does not.</param>
/// <param name="Offset">Byte offset of the record in the file as stored; of a compressed file, that of the record's member.</param>
public sealed record WebPage(string Id, string Dump, string Url, string Date, long Offset)
{
    public string? Text { get; init; }

    /// <summary>The page's bytes, transfer and content encodings undone, within <see cref="PageLimits"/>.</summary>
    public byte[]? Html { get; init; }

    /// <summary>The charset of the HTTP header, if it names one.</summary>
    public string? Charset { get; init; }
}
