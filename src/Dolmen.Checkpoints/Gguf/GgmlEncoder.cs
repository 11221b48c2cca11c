using System.Buffers.Binary;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>Floats to stored blocks, by ggml's own rules: the bytes are the same.</summary>
public static class GgmlEncoder
{
    public static void Encode(GgmlType type, ReadOnlySpan<float> source, Span<byte> destination)
    {
        if (!GgmlTypes.Writable.Contains(type)) throw new ArgumentException($"Type {type} cannot be written.", nameof(type));
        var (elements, bytes) = GgmlTypes.Block(type) ?? throw new ArgumentException($"Type {type} is unknown.", nameof(type));
        if (source.Length % elements != 0 || source.Length / elements * bytes != destination.Length)
        {
            throw new ArgumentException($"{source.Length} elements of {type} do not take {destination.Length} bytes.", nameof(destination));
        }
        switch (type)
        {
            case GgmlType.F32: TensorDtypes.Encode(TensorDtype.Float32, source, destination); return;
            case GgmlType.F16: TensorDtypes.Encode(TensorDtype.Float16, source, destination); return;
            case GgmlType.BF16: TensorDtypes.Encode(TensorDtype.BFloat16, source, destination); return;
        }
        for (; !source.IsEmpty; source = source[elements..], destination = destination[bytes..])
        {
            if (type == GgmlType.Q80) EightBits(source[..32], destination[..34]);
            else FourBits(source[..32], destination[..18]);
        }
    }

    /// <summary>The largest magnitude becomes 127.</summary>
    private static void EightBits(ReadOnlySpan<float> x, Span<byte> block)
    {
        var largest = 0f;
        foreach (var value in x) largest = MathF.Max(largest, MathF.Abs(value));
        var scale = largest / 127;
        var inverse = scale == 0 ? 0 : 1 / scale;
        BinaryPrimitives.WriteHalfLittleEndian(block, (Half)scale);
        for (var j = 0; j < 32; j++) block[2 + j] = (byte)(sbyte)MathF.Round(x[j] * inverse, MidpointRounding.AwayFromZero);
    }

    /// <summary>The value of largest magnitude becomes −8, whichever its sign.</summary>
    private static void FourBits(ReadOnlySpan<float> x, Span<byte> block)
    {
        var (largest, signed) = (0f, 0f);
        foreach (var value in x)
        {
            if (MathF.Abs(value) > largest) (largest, signed) = (MathF.Abs(value), value);
        }
        var scale = signed / -8;
        var inverse = scale == 0 ? 0 : 1 / scale;
        BinaryPrimitives.WriteHalfLittleEndian(block, (Half)scale);
        for (var j = 0; j < 16; j++) block[2 + j] = (byte)(Code(x[j]) | Code(x[j + 16]) << 4);

        int Code(float value) => Math.Min(15, (int)(value * inverse + 8.5f));
    }
}
