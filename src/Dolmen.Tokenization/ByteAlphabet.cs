namespace Dolmen.Tokenization;

/// <summary>
/// The printable characters that stand for bytes in vocabulary files since GPT-2: printable Latin-1 for itself, the other bytes in
/// ascending order from U+0100. Only files know them; tokens in memory are bytes.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Chars = new char[256];
    private static readonly short[] Values = new short[512];

    /// <summary>All bytes in the order of their characters, which is the order of ids 0 to 255 in GPT-2-like vocabularies.</summary>
    public static byte[] Order { get; }

    static ByteAlphabet()
    {
        Array.Fill(Values, (short)-1);
        var next = (char)0x100;
        for (var value = 0; value < 256; value++)
        {
            var itself = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            Chars[value] = itself ? (char)value : next++;
            Values[Chars[value]] = (short)value;
        }
        Order = [.. Enumerable.Range(0, 256).OrderBy(value => Chars[value]).Select(value => (byte)value)];
    }

    /// <summary>Below U+0144.</summary>
    public static char CharOf(byte value) => Chars[value];

    public static string ToText(ReadOnlySpan<byte> bytes)
    {
        var text = new char[bytes.Length];
        for (var i = 0; i < text.Length; i++) text[i] = Chars[bytes[i]];
        return new string(text);
    }

    /// <summary>Null where a character stands for no byte.</summary>
    public static byte[]? ToBytes(ReadOnlySpan<char> text)
    {
        var bytes = new byte[text.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            if (text[i] >= Values.Length || Values[text[i]] < 0) return null;
            bytes[i] = (byte)Values[text[i]];
        }
        return bytes;
    }
}
