namespace Dolmen.Inference.Constraints;

/// <summary>Which byte sequences spell a range of code points in UTF-8 (RFC 3629).</summary>
internal static class Utf8Ranges
{
    private static readonly int[] LastOfLength = [0x7F, 0x7FF, 0xFFFF, CodePoints.Last];

    /// <summary>Sequences of byte ranges, each standing for every combination of its bytes; together they spell exactly the code points
    /// from <paramref name="low"/> to <paramref name="high"/>, which hold no surrogate.</summary>
    public static IEnumerable<(byte Low, byte High)[]> Of(int low, int high)
    {
        var first = low;
        foreach (var last in LastOfLength)
        {
            if (first > high) yield break;
            if (first > last) continue;
            foreach (var sequence in OfOneLength(first, Math.Min(last, high))) yield return sequence;
            first = last + 1;
        }
    }

    private static IEnumerable<(byte Low, byte High)[]> OfOneLength(int low, int high)
    {
        // A range is one sequence when all bytes after the first that differs run through all their values.
        for (var bits = 6; bits <= 18 && low > 0x7F; bits += 6)
        {
            var mask = (1 << bits) - 1;
            if ((low & ~mask) == (high & ~mask)) break;
            var middle = (low & mask) != 0 ? low | mask : (high & mask) != mask ? (high & ~mask) - 1 : high;
            if (middle == high) continue;
            return OfOneLength(low, middle).Concat(OfOneLength(middle + 1, high));
        }
        var (from, to) = (Bytes(low), Bytes(high));
        return [[.. from.Zip(to)]];
    }

    private static byte[] Bytes(int codePoint)
    {
        Span<byte> bytes = stackalloc byte[4];
        return bytes[..new System.Text.Rune(codePoint).EncodeToUtf8(bytes)].ToArray();
    }
}
