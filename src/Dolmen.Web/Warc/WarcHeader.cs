using System.Buffers.Text;
using System.Text;

namespace Dolmen.Web.Warc;

internal enum WarcType
{
    Unknown, Info, Response, Resource, Request, Metadata, Revisit, Conversion, Continuation,
}

/// <summary>What a reader of pages needs of a record's header, of WARC 0.17 as of 1.1.</summary>
internal sealed class WarcHeader
{
    public WarcType Type { get; private set; }

    public string Id { get; private set; } = "";

    public string Url { get; private set; } = "";

    public string Date { get; private set; } = "";

    /// <summary>Bytes of the block; -1 when the header states none that is possible.</summary>
    public long Length { get; private set; } = -1;

    public string ContentType { get; private set; } = "";

    /// <summary>What the crawler found the payload to be by looking at it.</summary>
    public string PayloadType { get; private set; } = "";

    /// <summary>The crawler cut the content short on purpose.</summary>
    public bool IsTruncated { get; private set; }

    /// <summary>One of several records that make up one.</summary>
    public bool IsSegment { get; private set; }

    public static WarcHeader Parse(ReadOnlySpan<byte> block)
    {
        var header = new WarcHeader();
        var fields = new HeaderFields(block);
        while (fields.Next())
        {
            var name = fields.Name;
            var value = fields.Value;
            if (Is(name, "WARC-Type"u8)) header.Type = TypeOf(value);
            else if (Is(name, "Content-Length"u8)) header.Length = LengthOf(value);
            else if (Is(name, "WARC-Target-URI"u8)) header.Url = Text(value is [(byte)'<', .., (byte)'>'] ? value[1..^1] : value);
            else if (Is(name, "WARC-Record-ID"u8)) header.Id = Text(value);
            else if (Is(name, "WARC-Date"u8)) header.Date = Text(value);
            else if (Is(name, "Content-Type"u8)) header.ContentType = Text(value);
            else if (Is(name, "WARC-Identified-Payload-Type"u8)) header.PayloadType = Text(value);
            else if (Is(name, "WARC-Truncated"u8)) header.IsTruncated = true;
            else if (Is(name, "WARC-Segment-Number"u8)) header.IsSegment = true;
        }
        return header;
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> wanted) =>
        name.Length == wanted.Length && Ascii.EqualsIgnoreCase(name, wanted);

    private static string Text(ReadOnlySpan<byte> value) => Encoding.UTF8.GetString(value);

    private static long LengthOf(ReadOnlySpan<byte> value) =>
        Utf8Parser.TryParse(value, out long length, out var used) && used == value.Length && length >= 0 ? length : -1;

    private static WarcType TypeOf(ReadOnlySpan<byte> value) =>
        Is(value, "response"u8) ? WarcType.Response
        : Is(value, "request"u8) ? WarcType.Request
        : Is(value, "metadata"u8) ? WarcType.Metadata
        : Is(value, "conversion"u8) ? WarcType.Conversion
        : Is(value, "warcinfo"u8) ? WarcType.Info
        : Is(value, "revisit"u8) ? WarcType.Revisit
        : Is(value, "resource"u8) ? WarcType.Resource
        : Is(value, "continuation"u8) ? WarcType.Continuation
        : WarcType.Unknown;
}
