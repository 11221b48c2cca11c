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

    /// <summary>A tensor as floats, row-major.</summary>
    public void Read(string name, Span<float> destination)
    {
        var tensor = Required(name);
        if (destination.Length != tensor.Elements)
        {
            throw new ArgumentException($"Tensor '{name}' has {tensor.Elements} elements but the destination has {destination.Length}.",
                nameof(destination));
        }
        var block = GgmlTypes.Block(tensor.Type) ?? throw new ArgumentException($"Type {tensor.Type} cannot be read.", nameof(name));
        var buffer = new byte[Math.Min(BufferBytes / block.Bytes * block.Bytes, tensor.Bytes)];
        for (long done = 0; done < tensor.Bytes; done += buffer.Length)
        {
            var bytes = buffer.AsSpan(0, (int)Math.Min(buffer.Length, tensor.Bytes - done));
            ReadExactly(tensor, bytes, done);
            GgmlDecoder.Decode(tensor.Type, bytes,
                destination.Slice((int)(done / block.Bytes * block.Elements), bytes.Length / block.Bytes * block.Elements));
        }
    }

    /// <summary>The blocks as they are stored.</summary>
    public byte[] ReadBlocks(string name)
    {
        var tensor = Required(name);
        var bytes = new byte[tensor.Bytes];
        ReadExactly(tensor, bytes, 0);
        return bytes;
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
