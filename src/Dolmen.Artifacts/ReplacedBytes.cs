using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Dolmen.Artifacts;

/// <summary>Text of bytes that should be UTF-8. Those that are not become U+FFFD, and both the rows and the bytes are counted.</summary>
public static class ReplacedBytes
{
    public const string Rows = "not-utf8", Bytes = "bytes-replaced";

    public static string Decode(ReadOnlySpan<byte> bytes, string file, long place, Funnel funnel)
    {
        Count(bytes, file, place, funnel);
        return Encoding.UTF8.GetString(bytes);
    }

    /// <returns>Whether all bytes are UTF-8.</returns>
    public static bool Count(ReadOnlySpan<byte> bytes, string file, long place, Funnel funnel)
    {
        if (Utf8.IsValid(bytes)) return true;
        long invalid = 0;
        while (bytes.Length > 0)
        {
            if (Rune.DecodeFromUtf8(bytes, out _, out var length) != OperationStatus.Done) invalid += length;
            bytes = bytes[length..];
        }
        funnel.Note(Rows, file, place);
        funnel.Note(Bytes, invalid);
        return false;
    }
}
