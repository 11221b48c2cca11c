using System.Buffers.Binary;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>Stored blocks to floats: the same operations in the same order as ggml's, so that results agree to the last bit.
/// (Products and sums are rounded one by one: no fused multiply-add.)</summary>
public static class GgmlDecoder
{
    private static ReadOnlySpan<sbyte> NonLinear4 => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>Twice the values of a 4-bit float with two exponent bits; the scale is stored halved.</summary>
    private static ReadOnlySpan<sbyte> Float4 => [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    /// <param name="source">Whole blocks.</param>
    /// <param name="destination">As many elements as these blocks hold.</param>
    public static void Decode(GgmlType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        var (elements, bytes) = GgmlTypes.Block(type) ?? throw new ArgumentException($"Type {type} cannot be decoded.", nameof(type));
        if (source.Length % bytes != 0 || source.Length / bytes * elements != destination.Length)
        {
            throw new ArgumentException($"{source.Length} bytes of {type} are not {destination.Length} elements.", nameof(source));
        }
        switch (type)
        {
            case GgmlType.F32: TensorDtypes.Decode(TensorDtype.Float32, source, destination); return;
            case GgmlType.F16: TensorDtypes.Decode(TensorDtype.Float16, source, destination); return;
            case GgmlType.BF16: TensorDtypes.Decode(TensorDtype.BFloat16, source, destination); return;
        }
        for (; !source.IsEmpty; source = source[bytes..], destination = destination[elements..])
        {
            var block = source[..bytes];
            var y = destination[..elements];
            switch (type)
            {
                case GgmlType.Q40: Nibbles(block, 2, y, Half(block), -8); break;
                case GgmlType.Q41: Nibbles(block, 4, y, Half(block), 0); AddMinimum(block, y); break;
                case GgmlType.Q50: FiveBits(block, 2, y, Half(block), -16); break;
                case GgmlType.Q51: FiveBits(block, 4, y, Half(block), 0); AddMinimum(block, y); break;
                case GgmlType.Q80: Bytes(block, y); break;
                case GgmlType.Iq4Nl: Coded(block[2..], y, Half(block), NonLinear4); break;
                case GgmlType.Mxfp4: Coded(block[1..], y, ExponentHalved(block[0]), Float4); break;
                case GgmlType.Nvfp4: Nvfp4(block, y); break;
                case GgmlType.Iq4Xs: Iq4Xs(block, y); break;
                case GgmlType.Tq10: Ternary1(block, y); break;
                case GgmlType.Tq20: Ternary2(block, y); break;
                case GgmlType.Q2K: GgmlKBlocks.Q2(block, y); break;
                case GgmlType.Q3K: GgmlKBlocks.Q3(block, y); break;
                case GgmlType.Q4K: GgmlKBlocks.Q4(block, y); break;
                case GgmlType.Q5K: GgmlKBlocks.Q5(block, y); break;
                default: GgmlKBlocks.Q6(block, y); break;
            }
        }
    }

    internal static float Half(ReadOnlySpan<byte> bytes) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes);

    /// <summary>Low halves of 16 bytes are the first 16 values, high halves the others.</summary>
    private static void Nibbles(ReadOnlySpan<byte> block, int start, Span<float> y, float scale, int offset)
    {
        var codes = block[start..];
        for (var j = 0; j < 16; j++)
        {
            y[j] = ((codes[j] & 15) + offset) * scale;
            y[j + 16] = ((codes[j] >> 4) + offset) * scale;
        }
    }

    private static void AddMinimum(ReadOnlySpan<byte> block, Span<float> y)
    {
        var minimum = Half(block[2..]);
        for (var j = 0; j < y.Length; j++) y[j] += minimum;
    }

    /// <summary>Nibbles as before, the fifth bits of all 32 values in four bytes before them.</summary>
    private static void FiveBits(ReadOnlySpan<byte> block, int start, Span<float> y, float scale, int offset)
    {
        var fifth = BinaryPrimitives.ReadUInt32LittleEndian(block[start..]);
        var codes = block[(start + 4)..];
        for (var j = 0; j < 16; j++)
        {
            y[j] = ((codes[j] & 15 | (int)(fifth >> j & 1) << 4) + offset) * scale;
            y[j + 16] = ((codes[j] >> 4 | (int)(fifth >> (j + 16) & 1) << 4) + offset) * scale;
        }
    }

    private static void Bytes(ReadOnlySpan<byte> block, Span<float> y)
    {
        var scale = Half(block);
        for (var j = 0; j < 32; j++) y[j] = (sbyte)block[2 + j] * scale;
    }

    private static void Coded(ReadOnlySpan<byte> codes, Span<float> y, float scale, ReadOnlySpan<sbyte> values)
    {
        var half = y.Length / 2;
        for (var j = 0; j < half; j++)
        {
            y[j] = scale * values[codes[j] & 15];
            y[j + half] = scale * values[codes[j] >> 4];
        }
    }

    /// <summary>2^(e − 128): a float that is all exponent, halved.</summary>
    private static float ExponentHalved(byte e) => BitConverter.UInt32BitsToSingle(e < 2 ? 0x00200000u << e : (uint)(e - 1) << 23);

    /// <summary>Four groups of 16, each with an 8-bit float (4 exponent, 3 mantissa bits, no sign) as its scale.</summary>
    private static void Nvfp4(ReadOnlySpan<byte> block, Span<float> y)
    {
        for (var group = 0; group < 4; group++)
        {
            var code = block[group];
            var (exponent, mantissa) = (code >> 3 & 15, code & 7);
            var scale = code is 0 or 0x7F ? 0f
                : exponent == 0 ? mantissa * MathF.ScaleB(1, -9) : (1f + mantissa / 8f) * MathF.ScaleB(1, exponent - 7);
            Coded(block.Slice(4 + 8 * group, 8), y.Slice(16 * group, 16), scale * 0.5f, Float4);
        }
    }

    private static void Iq4Xs(ReadOnlySpan<byte> block, Span<float> y)
    {
        var scale = Half(block);
        var high = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
        for (var group = 0; group < 8; group++)
        {
            var code = block[4 + group / 2] >> (4 * (group % 2)) & 15 | (high >> (2 * group) & 3) << 4;
            Coded(block.Slice(8 + 16 * group, 16), y.Slice(32 * group, 32), scale * (code - 32), NonLinear4);
        }
    }

    /// <summary>Five values of −1, 0, 1 in a byte, as a base-3 fraction of 256; the last four bytes hold four.</summary>
    private static void Ternary1(ReadOnlySpan<byte> block, Span<float> y)
    {
        ReadOnlySpan<byte> powers = [1, 3, 9, 27, 81];
        var scale = Half(block[52..]);
        var at = 0;
        foreach (var (start, count, digits) in (ReadOnlySpan<(int, int, int)>)[(0, 32, 5), (32, 16, 5), (48, 4, 4)])
        {
            for (var digit = 0; digit < digits; digit++)
            {
                for (var j = 0; j < count; j++)
                {
                    var shifted = (byte)(block[start + j] * powers[digit]);
                    y[at++] = ((shifted * 3 >> 8) - 1) * scale;
                }
            }
        }
    }

    private static void Ternary2(ReadOnlySpan<byte> block, Span<float> y)
    {
        var scale = Half(block[64..]);
        var at = 0;
        for (var start = 0; start < 64; start += 32)
        {
            for (var shift = 0; shift < 8; shift += 2)
            {
                for (var j = 0; j < 32; j++) y[at++] = ((block[start + j] >> shift & 3) - 1) * scale;
            }
        }
    }
}
