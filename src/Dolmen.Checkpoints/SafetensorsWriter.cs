using System.Buffers.Binary;
using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints;

/// <summary>A weight in memory, row-major.</summary>
public sealed record NamedTensor(string Name, long[] Shape, ReadOnlyMemory<float> Values);

/// <summary>Writes safetensors files: the header in the order of the given shapes, padded so that data begins on a multiple of
/// eight.</summary>
public static class SafetensorsWriter
{
    private const int BufferElements = 1 << 18;

    /// <summary>The file or nothing. Weights may come in any order and are not held: each goes to its place and is forgotten.</summary>
    /// <exception cref="ArgumentException">A weight is missing, repeated, unexpected or of another shape.</exception>
    public static void Write(string path, IReadOnlyList<TensorShape> shapes, IEnumerable<NamedTensor> weights, TensorDtype dtype) =>
        AtomicFile.Write(path, stream =>
        {
            var file = new SafetensorsStream(stream, shapes, dtype);
            foreach (var weight in weights) file.Put(weight);
            file.Finish();
        });

    internal static byte[] Header(IReadOnlyList<TensorShape> shapes, TensorDtype dtype)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("__metadata__");
            writer.WriteString("format", "pt");                          // Hugging Face loaders insist on it
            writer.WriteEndObject();
            long at = 0;
            foreach (var shape in shapes)
            {
                var bytes = shape.Elements * dtype.Bytes();
                writer.WriteStartObject(shape.Name);
                writer.WriteString("dtype", dtype.SafetensorsName());
                writer.WriteStartArray("shape");
                foreach (var size in shape.Shape) writer.WriteNumberValue(size);
                writer.WriteEndArray();
                writer.WriteStartArray("data_offsets");
                writer.WriteNumberValue(at);
                writer.WriteNumberValue(at + bytes);
                writer.WriteEndArray();
                writer.WriteEndObject();
                at += bytes;
            }
            writer.WriteEndObject();
        }
        while (json.Length % 8 != 0) json.WriteByte((byte)' ');
        var header = new byte[8 + json.Length];
        BinaryPrimitives.WriteInt64LittleEndian(header, json.Length);
        json.GetBuffer().AsSpan(0, (int)json.Length).CopyTo(header.AsSpan(8));
        return header;
    }

    /// <summary>A file being filled: its header is written, its tensors come one by one.</summary>
    internal sealed class SafetensorsStream
    {
        private readonly Stream _stream;
        private readonly TensorDtype _dtype;
        private readonly Dictionary<string, (TensorShape Shape, long Position)> _missing = new(StringComparer.Ordinal);
        private readonly byte[] _buffer;

        public SafetensorsStream(Stream stream, IReadOnlyList<TensorShape> shapes, TensorDtype dtype)
        {
            (_stream, _dtype) = (stream, dtype);
            var header = Header(shapes, dtype);
            _stream.Write(header);
            long at = header.Length;
            foreach (var shape in shapes)
            {
                _missing.Add(shape.Name, (shape, at));
                at += shape.Elements * dtype.Bytes();
            }
            _stream.SetLength(at);
            _buffer = new byte[BufferElements * dtype.Bytes()];
        }

        public void Put(NamedTensor weight)
        {
            if (!_missing.Remove(weight.Name, out var place))
            {
                throw new ArgumentException($"Tensor '{weight.Name}' is unexpected here or came twice.", nameof(weight));
            }
            if (!weight.Shape.AsSpan().SequenceEqual(place.Shape.Shape) || weight.Values.Length != place.Shape.Elements)
            {
                throw new ArgumentException(
                    $"Tensor '{weight.Name}' has shape [{string.Join(", ", weight.Shape)}] and {weight.Values.Length} values; " +
                    $"the model needs [{string.Join(", ", place.Shape.Shape)}].", nameof(weight));
            }
            _stream.Position = place.Position;
            for (var done = 0; done < weight.Values.Length; done += BufferElements)
            {
                var values = weight.Values.Span.Slice(done, Math.Min(BufferElements, weight.Values.Length - done));
                var bytes = _buffer.AsSpan(0, values.Length * _dtype.Bytes());
                TensorDtypes.Encode(_dtype, values, bytes);
                _stream.Write(bytes);
            }
        }

        public void Finish()
        {
            if (_missing.Count > 0)
            {
                throw new ArgumentException($"These tensors never came: " +
                    $"{string.Join(", ", _missing.Keys.Order(StringComparer.Ordinal).Take(5))}.");
            }
        }
    }
}
