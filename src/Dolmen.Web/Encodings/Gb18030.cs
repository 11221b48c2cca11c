namespace Dolmen.Web.Encodings;

/// <summary>GB 18030, which GBK and GB 2312 are parts of: one, two or four bytes a character.</summary>
internal static class Gb18030
{
    private const int LastOfPlaneZero = 39_419, FirstOfPlaneOne = 189_000, LastPointer = 1_237_575;

    public static void Decode(ReadOnlySpan<byte> bytes, ref CharWriter to)
    {
        for (var i = 0; i < bytes.Length;)
        {
            var lead = bytes[i];
            if (lead < 0x80)
            {
                to.Put((char)lead);
                i++;
            }
            else if (lead is 0x80 or 0xFF)
            {
                if (lead == 0x80) to.Put('\u20AC');
                else to.Fail();
                i++;
            }
            else if (i + 1 == bytes.Length)
            {
                to.Fail();
                return;
            }
            else if (bytes[i + 1] is >= 0x30 and <= 0x39)
            {
                if (i + 2 == bytes.Length || (i + 3 == bytes.Length && bytes[i + 2] is >= 0x81 and <= 0xFE))
                {
                    to.Fail();
                    return;
                }
                i += Four(bytes[i..], ref to);
            }
            else
            {
                i += Two(lead, bytes[i + 1], ref to);
            }
        }
    }

    private static int Two(byte lead, byte trail, ref CharWriter to)
    {
        var pointer = trail is (>= 0x40 and <= 0x7E) or (>= 0x80 and <= 0xFE)
            ? ((lead - 0x81) * 190) + trail - (trail < 0x7F ? 0x40 : 0x41)
            : -1;
        if (pointer >= 0 && CharsetIndexes.Gb18030[pointer] is >= 0 and var code)
        {
            to.Put(code);
            return 2;
        }
        to.Fail();
        return trail < 0x80 ? 1 : 2;
    }

    /// <returns>How many bytes were read.</returns>
    private static int Four(ReadOnlySpan<byte> bytes, ref CharWriter to)
    {
        if (bytes[2] is not (>= 0x81 and <= 0xFE) || bytes[3] is not (>= 0x30 and <= 0x39))
        {
            to.Fail();
            return 1;
        }
        var code = CodePoint(((((((bytes[0] - 0x81) * 10) + bytes[1] - 0x30) * 126) + bytes[2] - 0x81) * 10) + bytes[3] - 0x30);
        if (code >= 0) to.Put(code);
        else to.Fail();
        return 4;
    }

    private static int CodePoint(int pointer)
    {
        if (pointer is (> LastOfPlaneZero and < FirstOfPlaneOne) or > LastPointer) return -1;
        if (pointer == 7457) return 0xE7C7;
        var range = Array.BinarySearch(CharsetIndexes.Gb18030RangePointers, pointer);
        if (range < 0) range = ~range - 1;
        return CharsetIndexes.Gb18030RangeCodePoints[range] + pointer - CharsetIndexes.Gb18030RangePointers[range];
    }
}
