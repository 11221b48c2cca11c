using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Dolmen.Web.Warc;

/// <summary>The head of an HTTP response as a crawler stored it.</summary>
internal sealed class HttpMessage
{
    /// <summary>Servers refuse far shorter ones.</summary>
    public const int MaxHeadBytes = 1 << 18;

    private const int MaxStatusBytes = 256, MaxBlanks = 64;

    private static readonly SearchValues<char> ValueEnds = SearchValues.Create(" \t\"';,");

    public int Status { get; private set; }

    public int BodyStart { get; private set; }

    public string ContentType { get; private set; } = "";

    /// <summary>Names of encodings in the order they were applied.</summary>
    public string ContentEncoding { get; private set; } = "";

    public string TransferEncoding { get; private set; } = "";

    /// <summary>Whether a status line begins here, as leniently as browsers read one: in any case, behind blanks or empty lines, with or
    /// without a version, or with the "ICY" of streaming servers.</summary>
    public static bool Begins(ReadOnlySpan<byte> block)
    {
        var start = block[LeadingBlanks(block)..];
        return StatusOf(start[..Math.Min(start.Length, MaxStatusBytes)]) != 0;
    }

    /// <returns>Null when the block does not begin with a status line.</returns>
    public static HttpMessage? Parse(ReadOnlySpan<byte> block)
    {
        var from = LeadingBlanks(block);
        var head = block[..Math.Min(block.Length, MaxHeadBytes)];
        var lineEnd = head[from..].IndexOf((byte)'\n') is >= 0 and var feed ? from + feed : head.Length;
        var message = new HttpMessage { Status = StatusOf(head[from..lineEnd]), BodyStart = HeaderFields.FindEnd(head, from) };
        if (message.Status == 0) return null;
        // Without a blank line it is a response without a body, whether or not it was cut off in its head.
        if (message.BodyStart == 0)
        {
            if (block.Length > MaxHeadBytes) return null;
            message.BodyStart = block.Length;
        }
        var fields = new HeaderFields(
            head[Math.Min(lineEnd + 1, head.Length)..Math.Clamp(message.BodyStart, Math.Min(lineEnd + 1, head.Length), head.Length)]
        );
        while (fields.Next())
        {
            if (Is(fields.Name, "Content-Type"u8)) message.ContentType = Text(fields.Value);
            else if (Is(fields.Name, "Content-Encoding"u8)) message.ContentEncoding = Joined(message.ContentEncoding, fields.Value);
            else if (Is(fields.Name, "Transfer-Encoding"u8)) message.TransferEncoding = Joined(message.TransferEncoding, fields.Value);
        }
        return message;
    }

    /// <summary>The media type of a <c>Content-Type</c>, in lower case; empty if it has none.</summary>
    public static string MediaType(string contentType)
    {
        var type = contentType.AsSpan();
        if (type.IndexOfAny(';', ',') is >= 0 and var end) type = type[..end];
        return type.Trim().ToString().ToLowerInvariant();
    }

    /// <summary>The <c>charset</c> of a <c>Content-Type</c>; null if it names none.</summary>
    public static string? Charset(string contentType) => Parameter(contentType, "charset");

    /// <summary>The value behind <c>name=</c>, quoted or not.</summary>
    public static string? Parameter(string text, string name)
    {
        var at = text.IndexOf(name, StringComparison.OrdinalIgnoreCase);
        if (at < 0) return null;
        var rest = text.AsSpan(at + name.Length).TrimStart();
        if (rest is not ['=', ..]) return null;
        rest = rest[1..].TrimStart(" \t\"'");
        var end = rest.IndexOfAny(ValueEnds);
        var value = end < 0 ? rest : rest[..end];
        return value.Length is > 0 and <= 40 ? value.ToString() : null;
    }

    // "HTTP/1.1 200 OK", "HTTP/2 200", "http/1.0 200", "HTTP 200 OK", "ICY 200 OK".
    private static int StatusOf(ReadOnlySpan<byte> line)
    {
        var word = line.IndexOfAny((byte)' ', (byte)'\t');
        if (word < 0) return 0;
        var protocol = line[..word];
        if (!Is(protocol, "HTTP"u8) && !Is(protocol, "ICY"u8) && !(protocol.Length > 5 && Is(protocol[..5], "HTTP/"u8))) return 0;
        var rest = line[word..].TrimStart(" \t"u8);
        if (rest.Length < 3 || (rest.Length > 3 && char.IsAsciiDigit((char)rest[3]))) return 0;
        return Utf8Parser.TryParse(rest[..3], out int status, out var used) && used == 3 && status >= 100 ? status : 0;
    }

    private static int LeadingBlanks(ReadOnlySpan<byte> block)
    {
        var at = 0;
        while (at < Math.Min(block.Length, MaxBlanks) && block[at] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n') at++;
        return at;
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> wanted) =>
        name.Length == wanted.Length && Ascii.EqualsIgnoreCase(name, wanted);

    private static string Text(ReadOnlySpan<byte> value) => Encoding.Latin1.GetString(value);

    private static string Joined(string before, ReadOnlySpan<byte> value) => before.Length == 0 ? Text(value) : $"{before},{Text(value)}";
}
