using Dolmen.Artifacts;
using Microsoft.Win32.SafeHandles;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>Reads a GGUF file, llama.cpp's format: metadata and tensors, quantised ones as floats. The header is checked whole when the
/// file is opened; tensors are read by position when asked for.</summary>
public sealed class GgufFile : IDisposable
{
    private const int BufferBytes = 1 << 20;

    private readonly SafeFileHandle _handle;
    private readonly Dictionary<string, GgufTensor> _tensors;
    private readonly long _dataStart;

    private GgufFile(string path, SafeFileHandle handle, long dataStart, Dictionary<string, GgufValue> metadata, List<GgufTensor> tensors)
    {
        (Path, _handle, _dataStart, Tensors) = (path, handle, dataStart, tensors);
        Metadata = new GgufMetadata(path, metadata);
        _tensors = tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    public string Path { get; }

    public GgufMetadata Metadata { get; }

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <exception cref="UserErrorException">Missing, cut off, damaged, or with tensors of a type that is not read here.</exception>
    public static GgufFile Open(string path)
    {
        if (!File.Exists(path)) throw new UserErrorException($"'{path}' does not exist: name a .gguf file.");
        var handle = File.OpenHandle(path);
        try
        {
            var (dataStart, metadata, tensors) = GgufHeader.Read(new GgufBytes(path, handle));
            return new GgufFile(path, handle, dataStart, metadata, tensors);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    public GgufTensor? Find(string name) => _tensors.GetValueOrDefault(name);

    /// <summary>A tensor as floats, row-major, or the part of it from element <paramref name="start"/> on; both whole blocks.</summary>
    public void Read(string name, Span<float> destination, long start = 0)
    {
        var tensor = Required(name);
        var block = GgmlTypes.Block(tensor.Type) ?? throw new ArgumentException($"Type {tensor.Type} cannot be read.", nameof(name));
        if (start < 0 || start + destination.Length > tensor.Elements || start % block.Elements != 0 || destination.Length % block.Elements != 0)
        {
            throw new ArgumentException($"Tensor '{name}' has {tensor.Elements} elements in blocks of {block.Elements}; {destination.Length} " +
                $"from {start} on do not fit.", nameof(destination));
        }
        var most = BufferBytes / block.Bytes;
        var buffer = new byte[Math.Min(most, destination.Length / block.Elements) * block.Bytes];
        for (var position = start / block.Elements * block.Bytes; !destination.IsEmpty;)
        {
            var blocks = Math.Min(most, destination.Length / block.Elements);
            var bytes = buffer.AsSpan(0, blocks * block.Bytes);
            ReadExactly(tensor, bytes, position);
            GgmlDecoder.Decode(tensor.Type, bytes, destination[..(blocks * block.Elements)]);
            destination = destination[(blocks * block.Elements)..];
            position += bytes.Length;
        }
    }

    public void Dispose() => _handle.Dispose();

    private GgufTensor Required(string name) => Find(name) ?? throw new ArgumentException($"'{Path}' holds no tensor '{name}'.", nameof(name));

    private void ReadExactly(GgufTensor tensor, Span<byte> destination, long offset)
    {
        var position = _dataStart + tensor.Begin + offset;
        while (!destination.IsEmpty)
        {
            var read = RandomAccess.Read(_handle, destination, position);
            if (read == 0)
            {
                throw new UserErrorException($"'{Path}' is not a whole GGUF file: it ended at byte {position}, in tensor '{tensor.Name}', " +
                    "while being read. Convert or fetch it again.");
            }
            destination = destination[read..];
            position += read;
        }
    }
}
