namespace Dolmen.Web.Encodings;

/// <summary>The encodings of one or two bytes a character, and EUC-JP with three for JIS X 0212. Where a pair means nothing its second byte
/// is read again if it is ASCII, so that no byte of markup is swallowed.</summary>
internal static class EastAsian
{
    // Pairs of Hong Kong's supplement that stand for a letter and a mark.
    private static readonly Dictionary<int, string> Big5Pairs = new()
    {
        [1133] = "\u00CA\u0304",
        [1135] = "\u00CA\u030C",
        [1164] = "\u00EA\u0304",
        [1166] = "\u00EA\u030C",
    };

    public static void Big5(ReadOnlySpan<byte> bytes, ref CharWriter to)
    {
        for (var i = 0; i < bytes.Length;)
        {
            if (!TakesLead(bytes, ref i, bytes[i] is >= 0x81 and <= 0xFE, ref to)) continue;
            var (lead, trail) = (bytes[i], bytes[i + 1]);
            var pointer = trail is (>= 0x40 and <= 0x7E) or (>= 0xA1 and <= 0xFE)
                ? ((lead - 0x81) * 157) + trail - (trail < 0x7F ? 0x40 : 0x62)
                : -1;
            if (Big5Pairs.TryGetValue(pointer, out var pair))
            {
                foreach (var c in pair) to.Put(c);
                i += 2;
            }
            else
            {
                i += Look(CharsetIndexes.Big5, pointer, trail, ref to);
            }
        }
    }

    public static void EucKr(ReadOnlySpan<byte> bytes, ref CharWriter to)
    {
        for (var i = 0; i < bytes.Length;)
        {
            if (!TakesLead(bytes, ref i, bytes[i] is >= 0x81 and <= 0xFE, ref to)) continue;
            var (lead, trail) = (bytes[i], bytes[i + 1]);
            i += Look(CharsetIndexes.EucKr, trail is >= 0x41 and <= 0xFE ? ((lead - 0x81) * 190) + trail - 0x41 : -1, trail, ref to);
        }
    }

    public static void ShiftJis(ReadOnlySpan<byte> bytes, ref CharWriter to)
    {
        const int FirstOwn = 8836, LastOwn = 10_715;                     // for characters of users' own, the start of the private use area
        for (var i = 0; i < bytes.Length;)
        {
            if (bytes[i] is 0x80 or (>= 0xA1 and <= 0xDF))
            {
                to.Put(bytes[i] == 0x80 ? '\u0080' : (char)(0xFF61 - 0xA1 + bytes[i]));
                i++;
                continue;
            }
            if (!TakesLead(bytes, ref i, bytes[i] is (>= 0x81 and <= 0x9F) or (>= 0xE0 and <= 0xFC), ref to)) continue;
            var (lead, trail) = (bytes[i], bytes[i + 1]);
            var pointer = trail is (>= 0x40 and <= 0x7E) or (>= 0x80 and <= 0xFC)
                ? ((lead - (lead < 0xA0 ? 0x81 : 0xC1)) * 188) + trail - (trail < 0x7F ? 0x40 : 0x41)
                : -1;
            if (pointer is >= FirstOwn and <= LastOwn)
            {
                to.Put((char)(0xE000 - FirstOwn + pointer));
                i += 2;
            }
            else
            {
                i += Look(CharsetIndexes.Jis0208, pointer, trail, ref to);
            }
        }
    }

    public static void EucJp(ReadOnlySpan<byte> bytes, ref CharWriter to)
    {
        for (var i = 0; i < bytes.Length;)
        {
            if (!TakesLead(bytes, ref i, bytes[i] is 0x8E or 0x8F or (>= 0xA1 and <= 0xFE), ref to)) continue;
            var (lead, trail) = (bytes[i], bytes[i + 1]);
            if (lead == 0x8E && trail is >= 0xA1 and <= 0xDF)
            {
                to.Put((char)(0xFF61 - 0xA1 + trail));
                i += 2;
            }
            else if (lead == 0x8F && trail is >= 0xA1 and <= 0xFE)
            {
                i++;
                if (TakesLead(bytes, ref i, isLead: true, ref to))
                    i += Look(CharsetIndexes.Jis0212, Pointer94(trail, bytes[i + 1]), bytes[i + 1], ref to);
            }
            else
            {
                i += Look(CharsetIndexes.Jis0208, Pointer94(lead, trail), trail, ref to);
            }
        }
    }

    private static int Pointer94(byte lead, byte trail) =>
        lead is >= 0xA1 and <= 0xFE && trail is >= 0xA1 and <= 0xFE ? ((lead - 0xA1) * 94) + trail - 0xA1 : -1;

    /// <summary>Reads a byte that stands alone: ASCII, one that means nothing, or a lead at the end.</summary>
    /// <returns>Whether a lead and its trail are next.</returns>
    private static bool TakesLead(ReadOnlySpan<byte> bytes, ref int at, bool isLead, ref CharWriter to)
    {
        if (isLead && at + 1 < bytes.Length) return true;
        if (bytes[at] < 0x80) to.Put((char)bytes[at]);
        else to.Fail();
        at++;
        return false;
    }

    /// <returns>How many bytes were read.</returns>
    private static int Look(int[] index, int pointer, byte trail, ref CharWriter to)
    {
        if (pointer >= 0 && pointer < index.Length && index[pointer] is >= 0 and var code)
        {
            to.Put(code);
            return 2;
        }
        to.Fail();
        return trail < 0x80 ? 1 : 2;
    }
}
