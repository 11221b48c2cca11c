using System.Buffers.Binary;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dolmen.Artifacts.Compression;

/// <summary>The checksum of gzip (reflected polynomial 0xEDB88320). Inflating raw members leaves the check to us, and a table
/// lookup a byte would cost more than the inflating.</summary>
internal static class Crc32
{
    private static readonly uint[] Table = MakeTable();

    // x^n mod P of the reflected polynomial for folding by 512 and by 128 bits (Gopal et al., Fast CRC Computation Using PCLMULQDQ, Intel
    // 2009).
    private static readonly Vector128<ulong> By512 = Vector128.Create(0x0154442bd4UL, 0x01c6e41596UL);
    private static readonly Vector128<ulong> By128 = Vector128.Create(0x01751997d0UL, 0x00ccaa009eUL);

    /// <param name="crc">What <see cref="Append"/> gave for the bytes before; 0 at the start.</param>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        var state = ~crc;
        if (Pclmulqdq.IsSupported && bytes.Length >= 128)
        {
            var folded = bytes.Length & ~15;
            state = Fold(state, bytes[..folded]);
            bytes = bytes[folded..];
        }
        return ~Bytewise(state, bytes);
    }

    private static uint Fold(uint state, ReadOnlySpan<byte> bytes)
    {
        var x0 = Load(bytes, 0) ^ Vector128.CreateScalar((ulong)state);
        var x1 = Load(bytes, 16);
        var x2 = Load(bytes, 32);
        var x3 = Load(bytes, 48);
        bytes = bytes[64..];
        while (bytes.Length >= 64)
        {
            x0 = Step(x0, By512) ^ Load(bytes, 0);
            x1 = Step(x1, By512) ^ Load(bytes, 16);
            x2 = Step(x2, By512) ^ Load(bytes, 32);
            x3 = Step(x3, By512) ^ Load(bytes, 48);
            bytes = bytes[64..];
        }
        x0 = Step(x0, By128) ^ x1;
        x0 = Step(x0, By128) ^ x2;
        x0 = Step(x0, By128) ^ x3;
        for (; bytes.Length >= 16; bytes = bytes[16..]) x0 = Step(x0, By128) ^ Load(bytes, 0);
        Span<byte> last = stackalloc byte[16];
        x0.AsByte().CopyTo(last);
        return Bytewise(0, last);

        static Vector128<ulong> Load(ReadOnlySpan<byte> from, int at) => Vector128.Create(from.Slice(at, 16)).AsUInt64();

        static Vector128<ulong> Step(Vector128<ulong> x, Vector128<ulong> k) =>
            Pclmulqdq.CarrylessMultiply(x, k, 0x00) ^ Pclmulqdq.CarrylessMultiply(x, k, 0x11);
    }

    /// <summary>Eight bytes a turn ("slicing"), for short inputs and processors without carry-less multiplication.</summary>
    private static uint Bytewise(uint state, ReadOnlySpan<byte> bytes)
    {
        var table = Table;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            var low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ state;
            var high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            state =
                table[(7 << 8) + (low & 0xFF)]
                ^ table[(6 << 8) + ((low >> 8) & 0xFF)]
                ^ table[(5 << 8) + ((low >> 16) & 0xFF)]
                ^ table[(4 << 8) + (low >> 24)]
                ^ table[(3 << 8) + (high & 0xFF)]
                ^ table[(2 << 8) + ((high >> 8) & 0xFF)]
                ^ table[(1 << 8) + ((high >> 16) & 0xFF)]
                ^ table[high >> 24];
        }
        foreach (var b in bytes) state = (state >> 8) ^ table[(state ^ b) & 0xFF];
        return state;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[8 << 8];
        for (var i = 0u; i < 256; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++) value = (value >> 1) ^ (0xEDB88320 & (0 - (value & 1)));
            table[i] = value;
        }
        for (var i = 256; i < table.Length; i++) table[i] = (table[i - 256] >> 8) ^ table[table[i - 256] & 0xFF];
        return table;
    }
}
