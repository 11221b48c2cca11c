using System.Buffers;
using System.Globalization;
using System.Text;

namespace Dolmen.Tokenization;

/// <summary>A token's bytes for people to read: characters as they are; bytes that are not a whole character, and what cannot be seen or
/// would move a cursor, as \xE2.</summary>
public static class TokenText
{
    public static bool IsWhole(ReadOnlySpan<byte> bytes) => System.Text.Unicode.Utf8.IsValid(bytes);

    /// <param name="escaped">Characters that get a backslash before them.</param>
    public static string Of(ReadOnlySpan<byte> bytes, string escaped = "")
    {
        var text = new StringBuilder(bytes.Length);
        Span<char> units = stackalloc char[2];
        while (!bytes.IsEmpty)
        {
            var status = Rune.DecodeFromUtf8(bytes, out var rune, out var length);
            if (status == OperationStatus.Done && !IsHidden(rune))
            {
                var characters = units[..rune.EncodeToUtf16(units)];
                if (escaped.Contains(characters[0], StringComparison.Ordinal)) text.Append('\\');
                text.Append(characters);
            }
            else if (bytes[0] is (byte)'\n' or (byte)'\t' or (byte)'\r')
                text.Append(
                    bytes[0] switch
                    {
                        (byte)'\n' => "\\n",
                        (byte)'\t' => "\\t",
                        _ => "\\r",
                    }
                );
            else
                foreach (var value in bytes[..length])
                    text.Append(CultureInfo.InvariantCulture, $"\\x{value:X2}");
            bytes = bytes[length..];
        }
        return text.ToString();
    }

    /// <summary>Two hexadecimal digits a byte, with spaces between.</summary>
    public static string Hex(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length * 3);
        foreach (var value in bytes)
        {
            if (text.Length > 0) text.Append(' ');
            text.Append(value.ToString("X2", CultureInfo.InvariantCulture));
        }
        return text.ToString();
    }

    // A mark that turns the direction of writing could hide what stands beside it.
    private static bool IsHidden(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.PrivateUse
                or UnicodeCategory.OtherNotAssigned;
}
