namespace Dolmen.Checkpoints.Gguf;

/// <summary>The "K" types: 256 values whose groups of 16 or 32 have scales that are themselves quantised.</summary>
internal static class GgmlKBlocks
{
    /// <summary>16 × 4-bit scale and minimum, 2-bit values, two halves.</summary>
    public static void Q2(ReadOnlySpan<byte> block, Span<float> y)
    {
        var (d, dMinimum) = (GgmlDecoder.Half(block[80..]), GgmlDecoder.Half(block[82..]));
        var codes = block[16..80];
        for (var group = 0; group < 16; group++)                         // 16 values each
        {
            var (scale, minimum) = (d * (block[group] & 15), dMinimum * (block[group] >> 4));
            var (start, shift) = (32 * (group / 8) + 16 * (group % 2), 2 * (group % 8 / 2));
            for (var l = 0; l < 16; l++) y[16 * group + l] = scale * (codes[start + l] >> shift & 3) - minimum;
        }
    }

    /// <summary>16 × 6-bit scale; the third bit of each value lies in a mask.</summary>
    public static void Q3(ReadOnlySpan<byte> block, Span<float> y)
    {
        var mask = block[..32];
        var codes = block[32..96];
        var packed = block[96..108];
        var d = GgmlDecoder.Half(block[108..]);
        for (var group = 0; group < 16; group++)
        {
            var low = group < 8 ? packed[group] & 15 : packed[group - 8] >> 4;
            var high = packed[8 + group % 4] >> (2 * (group / 4)) & 3;
            var scale = d * ((low | high << 4) - 32);
            var (start, shift) = (32 * (group / 8) + 16 * (group % 2), 2 * (group % 8 / 2));
            var bit = 1 << (group / 2);
            for (var l = 0; l < 16; l++)
            {
                var third = (mask[16 * (group % 2) + l] & bit) != 0 ? 0 : 4;
                y[16 * group + l] = scale * ((codes[start + l] >> shift & 3) - third);
            }
        }
    }

    /// <summary>8 × 6-bit scale and minimum, 4-bit values.</summary>
    public static void Q4(ReadOnlySpan<byte> block, Span<float> y)
    {
        var (d, dMinimum) = (GgmlDecoder.Half(block), GgmlDecoder.Half(block[2..]));
        for (var group = 0; group < 8; group++)                          // 32 values each
        {
            var (scale, minimum) = ScaleAndMinimum(block[4..16], group);
            var (factor, offset) = (d * scale, dMinimum * minimum);
            var codes = block.Slice(16 + 32 * (group / 2), 32);
            var shift = 4 * (group % 2);
            for (var l = 0; l < 32; l++) y[32 * group + l] = factor * (codes[l] >> shift & 15) - offset;
        }
    }

    public static void Q5(ReadOnlySpan<byte> block, Span<float> y)
    {
        var (d, dMinimum) = (GgmlDecoder.Half(block), GgmlDecoder.Half(block[2..]));
        var fifth = block[16..48];
        for (var group = 0; group < 8; group++)
        {
            var (scale, minimum) = ScaleAndMinimum(block[4..16], group);
            var (factor, offset) = (d * scale, dMinimum * minimum);
            var codes = block.Slice(48 + 32 * (group / 2), 32);
            var shift = 4 * (group % 2);
            for (var l = 0; l < 32; l++)
            {
                y[32 * group + l] = factor * ((codes[l] >> shift & 15) + (fifth[l] >> group & 1) * 16) - offset;
            }
        }
    }

    /// <summary>16 × 8-bit scale; four low bits and two high bits of each value apart.</summary>
    public static void Q6(ReadOnlySpan<byte> block, Span<float> y)
    {
        var d = GgmlDecoder.Half(block[208..]);
        for (var row = 0; row < 8; row++)                                // 32 values each, four rows to a half
        {
            var (half, quarter) = (row / 4, row % 4);
            var low = block.Slice(64 * half + 32 * (quarter % 2), 32);
            var high = block.Slice(128 + 32 * half, 32);
            for (var l = 0; l < 32; l++)
            {
                var scale = (sbyte)block[192 + 8 * half + 2 * quarter + l / 16];
                var code = (low[l] >> (4 * (quarter / 2)) & 15 | (high[l] >> (2 * quarter) & 3) << 4) - 32;
                y[32 * row + l] = d * scale * code;
            }
        }
    }

    /// <summary>Eight pairs of 6-bit numbers in 12 bytes: the last four pairs borrow the upper bits of the first four.</summary>
    private static (int Scale, int Minimum) ScaleAndMinimum(ReadOnlySpan<byte> packed, int group) => group < 4
        ? (packed[group] & 63, packed[group + 4] & 63)
        : (packed[group + 4] & 15 | packed[group - 4] >> 6 << 4, packed[group + 4] >> 4 | packed[group] >> 6 << 4);
}
