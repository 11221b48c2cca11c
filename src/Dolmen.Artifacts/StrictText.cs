using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Dolmen.Artifacts;

/// <summary>Bytes to text without replacing any: bytes that are not UTF-8 are an error that names the file, the line and the way
/// out.</summary>
public static class StrictText
{
    /// <param name="source">The file's name, or what the bytes are.</param>
    /// <param name="firstLine">The number of the line the bytes begin in.</param>
    /// <exception cref="UserErrorException">The bytes are not UTF-8.</exception>
    public static string Decode(ReadOnlySpan<byte> bytes, string source, long firstLine = 1) =>
        Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw Invalid(bytes, source, firstLine);

    /// <summary>A whole text: a byte-order mark is skipped, and one of UTF-16 or UTF-32 decides how the rest is read.</summary>
    /// <exception cref="UserErrorException">The bytes are not text of that encoding.</exception>
    public static string DecodeWhole(ReadOnlySpan<byte> bytes, string source)
    {
        if (bytes.StartsWith("\uFEFF"u8)) return Decode(bytes[3..], source);
        if (Marked(bytes) is not { } encoding) return Decode(bytes, source);
        try
        {
            return encoding.GetString(bytes[encoding.Preamble.Length..]);
        }
        catch (DecoderFallbackException error)
        {
            throw new UserErrorException(
                $"{source} begins as {encoding.WebName} does, and holds bytes that are not: save it as UTF-8.",
                error
            );
        }
    }

    /// <summary>The encoding that a byte-order mark other than UTF-8's names, which refuses what it cannot read; null without
    /// one.</summary>
    public static Encoding? Marked(ReadOnlySpan<byte> bytes) =>
        bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE, 0, 0])
            ? new UTF32Encoding(bigEndian: false, byteOrderMark: true, throwOnInvalidCharacters: true)
        : bytes.StartsWith((ReadOnlySpan<byte>)[0, 0, 0xFE, 0xFF])
            ? new UTF32Encoding(bigEndian: true, byteOrderMark: true, throwOnInvalidCharacters: true)
        : bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE])
            ? new UnicodeEncoding(bigEndian: false, byteOrderMark: true, throwOnInvalidBytes: true)
        : bytes.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF])
            ? new UnicodeEncoding(bigEndian: true, byteOrderMark: true, throwOnInvalidBytes: true)
        : null;

    public static UserErrorException Invalid(ReadOnlySpan<byte> bytes, string source, long firstLine = 1)
    {
        var at = 0;
        while (at < bytes.Length && Rune.DecodeFromUtf8(bytes[at..], out _, out var length) == OperationStatus.Done) at += length;
        at = Math.Min(at, bytes.Length - 1);
        var line = firstLine + bytes[..at].Count((byte)'\n');
        var column = at - bytes[..at].LastIndexOf((byte)'\n');
        var wayOut = firstLine == 1 && FileKind.Hint(bytes) is { } hint ? hint
            : "Text is read as UTF-8: save it as that, for example with 'iconv -f WINDOWS-1252 -t UTF-8' where that is its encoding.";
        return new UserErrorException($"{source}, line {line} is not valid UTF-8 (byte 0x{bytes[at]:X2} at column {column}). {wayOut}");
    }
}
