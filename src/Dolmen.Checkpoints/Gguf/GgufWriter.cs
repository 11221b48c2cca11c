using System.Buffers.Binary;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>A tensor to be written: name, type and row-major shape.</summary>
public sealed record GgufTensorPlan(string Name, GgmlType Type, long[] Shape)
{
    public long Elements => Shape.Aggregate(1L, (product, size) => checked(product * size));

    public long Bytes
    {
        get
        {
            var (elements, bytes) = GgmlTypes.Block(Type) ?? throw new ArgumentException($"Type {Type} is unknown.");
            return Elements / elements * bytes;
        }
    }
}

/// <summary>Writes GGUF version 3.</summary>
public static class GgufWriter
{
    private const int Alignment = 32;

    /// <summary>The file or nothing. <paramref name="read"/> is asked for one tensor after the other and none is held.</summary>
    public static void Write(string path, IReadOnlyList<(string Key, GgufValue Value)> metadata, IReadOnlyList<GgufTensorPlan> tensors,
        Func<GgufTensorPlan, ReadOnlyMemory<float>> read) => AtomicFile.Write(path, stream =>
    {
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write("GGUF"u8);
            writer.Write(3u);
            writer.Write((ulong)tensors.Count);
            writer.Write((ulong)metadata.Count);
            foreach (var (key, value) in metadata)
            {
                Text(writer, key);
                writer.Write((uint)value.Type);
                Value(writer, value);
            }
            long offset = 0;
            foreach (var tensor in tensors)
            {
                Describe(writer, tensor, offset);
                offset = GgufHeader.Aligned(offset + tensor.Bytes, Alignment);
            }
        }
        Pad(stream);
        foreach (var tensor in tensors)
        {
            var values = read(tensor);
            if (values.Length != tensor.Elements)
            {
                throw new ArgumentException($"Tensor '{tensor.Name}' has {values.Length} values, not {tensor.Elements}.", nameof(read));
            }
            Data(stream, tensor, values.Span);
            Pad(stream);
        }
    });

    private static void Describe(BinaryWriter writer, GgufTensorPlan tensor, long offset)
    {
        var block = GgmlTypes.Block(tensor.Type)?.Elements ?? 1;
        if (tensor.Shape.Length is 0 or > 4 || tensor.Shape[^1] % block != 0 || Encoding.UTF8.GetByteCount(tensor.Name) > 64)
        {
            throw new ArgumentException(
                $"Tensor '{tensor.Name}' of shape [{string.Join(", ", tensor.Shape)}] does not fit {tensor.Type} or the format.");
        }
        Text(writer, tensor.Name);
        writer.Write((uint)tensor.Shape.Length);
        foreach (var size in tensor.Shape.Reverse()) writer.Write((ulong)size);
        writer.Write((uint)tensor.Type);
        writer.Write((ulong)offset);
    }

    private static void Data(Stream stream, GgufTensorPlan tensor, ReadOnlySpan<float> values)
    {
        const int most = 1 << 18;                                        // a multiple of every block
        var (elements, bytes) = GgmlTypes.Block(tensor.Type) ?? throw new ArgumentException($"Type {tensor.Type} is unknown.");
        var buffer = new byte[Math.Min(most, values.Length) / elements * bytes];
        for (; !values.IsEmpty; values = values[Math.Min(most, values.Length)..])
        {
            var part = values[..Math.Min(most, values.Length)];
            var encoded = buffer.AsSpan(0, part.Length / elements * bytes);
            GgmlEncoder.Encode(tensor.Type, part, encoded);
            stream.Write(encoded);
        }
    }

    private static void Pad(Stream stream)
    {
        while (stream.Position % Alignment != 0) stream.WriteByte(0);
    }

    private static void Value(BinaryWriter writer, GgufValue value)
    {
        if (value.Type != GgufValueType.Array)
        {
            Scalar(writer, value.Content);
            return;
        }
        var items = (Array)value.Content;
        writer.Write((uint)(value.Items ?? throw new ArgumentException("An array must say what it holds.", nameof(value))));
        writer.Write((ulong)items.LongLength);
        foreach (var item in items)
        {
            if (item is GgufValue inner) Value(writer, inner);
            else Scalar(writer, item);
        }
    }

    private static void Scalar(BinaryWriter writer, object content)
    {
        switch (content)
        {
            case byte number: writer.Write(number); break;
            case sbyte number: writer.Write(number); break;
            case ushort number: writer.Write(number); break;
            case short number: writer.Write(number); break;
            case uint number: writer.Write(number); break;
            case int number: writer.Write(number); break;
            case float number: writer.Write(number); break;
            case bool flag: writer.Write(flag); break;
            case string text: Text(writer, text); break;
            case ulong number: writer.Write(number); break;
            case long number: writer.Write(number); break;
            case double number: writer.Write(number); break;
            default: throw new ArgumentException($"A metadata value cannot be a {content.GetType().Name}.", nameof(content));
        }
    }

    private static void Text(BinaryWriter writer, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)bytes.Length);
        writer.Write(length);
        writer.Write(bytes);
    }
}
