using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Dolmen.Data.Warc;

/// <summary>The head of an HTTP response as a crawler stored it.</summary>
internal sealed class HttpMessage
{
    /// <summary>Servers refuse far shorter ones.</summary>
    public const int MaxHeadBytes = 1 << 18;

    private static readonly SearchValues<char> ValueEnds = SearchValues.Create(" \t\"';,");

    public int Status { get; private set; }

    public int BodyStart { get; private set; }

    public string ContentType { get; private set; } = "";

    /// <summary>Names of encodings in the order they were applied.</summary>
    public string ContentEncoding { get; private set; } = "";

    public string TransferEncoding { get; private set; } = "";

    /// <returns>Null when it is none.</returns>
    public static HttpMessage? Parse(ReadOnlySpan<byte> block)
    {
        var head = block[..Math.Min(block.Length, MaxHeadBytes)];
        if (!head.StartsWith("HTTP/"u8)) return null;
        var lineEnd = head.IndexOf((byte)'\n');
        if (lineEnd < 0) return null;
        var message = new HttpMessage { Status = StatusOf(head[..lineEnd]), BodyStart = HeaderFields.FindEnd(head) };
        if (message.Status == 0) return null;
        // No blank line: a response without a body, cut at its head or not.
        if (message.BodyStart == 0)
        {
            if (block.Length > MaxHeadBytes) return null;
            message.BodyStart = block.Length;
        }
        var fields = new HeaderFields(head[(lineEnd + 1)..Math.Max(lineEnd + 1, message.BodyStart)]);
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

    // "HTTP/1.1 200 OK", "HTTP/2 200".
    private static int StatusOf(ReadOnlySpan<byte> line)
    {
        var space = line.IndexOf((byte)' ');
        if (space < 0) return 0;
        var rest = line[space..].TrimStart((byte)' ');
        return rest.Length >= 3 && Utf8Parser.TryParse(rest[..3], out int status, out var used) && used == 3 && status >= 100 ? status : 0;
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> wanted) => name.Length == wanted.Length && Ascii.EqualsIgnoreCase(name, wanted);

    private static string Text(ReadOnlySpan<byte> value) => Encoding.Latin1.GetString(value);

    private static string Joined(string before, ReadOnlySpan<byte> value) => before.Length == 0 ? Text(value) : $"{before},{Text(value)}";
}
