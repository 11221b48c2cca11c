using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Dolmen.Inference;

/// <summary>Floats in a stream, little-endian on every machine.</summary>
internal static class FloatStream
{
    public static void Write(Stream stream, ReadOnlySpan<float> values)
    {
        if (BitConverter.IsLittleEndian)
        {
            stream.Write(MemoryMarshal.AsBytes(values));
            return;
        }
        Span<byte> bytes = stackalloc byte[sizeof(float)];
        foreach (var value in values)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
            stream.Write(bytes);
        }
    }

    /// <exception cref="EndOfStreamException">Too little to read.</exception>
    public static void Read(Stream stream, Span<float> values)
    {
        stream.ReadExactly(MemoryMarshal.AsBytes(values));
        if (BitConverter.IsLittleEndian) return;
        var bits = MemoryMarshal.Cast<float, int>(values);
        BinaryPrimitives.ReverseEndianness(bits, bits);
    }
}
