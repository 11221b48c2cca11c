using Dolmen.Artifacts;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>Reads a GGUF file, llama.cpp's format: metadata and tensors, quantised ones as floats; several files where it
/// was split. The headers are checked whole when it is opened; tensors are read by position when asked for.</summary>
public sealed class GgufFile : IDisposable
{
    private const int BufferBytes = 1 << 20;

    private readonly List<GgufPart> _parts;
    private readonly Dictionary<string, (GgufTensor Tensor, GgufPart Part)> _tensors = new(StringComparer.Ordinal);

    private GgufFile(string path, List<GgufPart> parts)
    {
        (Path, _parts) = (path, parts);
        Metadata = new GgufMetadata(parts[0].Path, parts[0].Metadata);
        foreach (var part in parts)
        {
            foreach (var tensor in part.Tensors) _tensors.Add(tensor.Name, (tensor, part));
        }
        Tensors = [.. parts.SelectMany(part => part.Tensors)];
    }

    public string Path { get; }

    public GgufMetadata Metadata { get; }

    /// <summary>The tensors in the order of the file.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <param name="path">The file, or any part of a split one: the others are found by their names.</param>
    /// <exception cref="UserErrorException">Missing, cut off, damaged, or with tensors of a type that is not read here.</exception>
    public static GgufFile Open(string path) => new(path, GgufParts.Open(path));

    public GgufTensor? Find(string name) => _tensors.GetValueOrDefault(name).Tensor;

    /// <summary>A tensor as floats, row-major, or the part of it from element <paramref name="start"/> on; both whole blocks.</summary>
    public void Read(string name, Span<float> destination, long start = 0)
    {
        var (tensor, part) = Required(name);
        var block = GgmlTypes.Block(tensor.Type) ?? throw new ArgumentException($"Type {tensor.Type} cannot be read.", nameof(name));
        if (
            start < 0
            || start + destination.Length > tensor.Elements
            || start % block.Elements != 0
            || destination.Length % block.Elements != 0
        )
        {
            throw new ArgumentException(
                $"Tensor '{name}' has {tensor.Elements} elements in blocks of {block.Elements}; {destination.Length} "
                    + $"from {start} on do not fit.",
                nameof(destination)
            );
        }
        var most = BufferBytes / block.Bytes;
        var buffer = new byte[Math.Min(most, destination.Length / block.Elements) * block.Bytes];
        for (var position = start / block.Elements * block.Bytes; !destination.IsEmpty;)
        {
            var blocks = Math.Min(most, destination.Length / block.Elements);
            var bytes = buffer.AsSpan(0, blocks * block.Bytes);
            ReadExactly(part, tensor, bytes, position);
            GgmlDecoder.Decode(tensor.Type, bytes, destination[..(blocks * block.Elements)]);
            destination = destination[(blocks * block.Elements)..];
            position += bytes.Length;
        }
    }

    /// <summary>A tensor's bytes as they are stored, or the part of it from byte <paramref name="offset"/> on.</summary>
    public void ReadBytes(string name, Span<byte> destination, long offset = 0)
    {
        var (tensor, part) = Required(name);
        var block = GgmlTypes.Block(tensor.Type) ?? throw new ArgumentException($"Type {tensor.Type} cannot be read.", nameof(name));
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            offset + destination.Length, tensor.Elements / block.Elements * block.Bytes, nameof(offset));
        ReadExactly(part, tensor, destination, offset);
    }

    public void Dispose()
    {
        foreach (var part in _parts) part.Dispose();
    }

    private (GgufTensor Tensor, GgufPart Part) Required(string name) => _tensors.TryGetValue(name, out var found)
        ? found : throw new ArgumentException($"'{Path}' holds no tensor '{name}'.", nameof(name));

    private static void ReadExactly(GgufPart part, GgufTensor tensor, Span<byte> destination, long offset)
    {
        var position = part.DataStart + tensor.Begin + offset;
        while (!destination.IsEmpty)
        {
            var read = RandomAccess.Read(part.Handle, destination, position);
            if (read == 0)
            {
                throw new UserErrorException(
                    $"'{part.Path}' is not a whole GGUF file: it ended at byte {position}, in tensor '{tensor.Name}', "
                        + "while being read. Convert or fetch it again."
                );
            }
            destination = destination[read..];
            position += read;
        }
    }
}
