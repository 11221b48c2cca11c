using System.Buffers.Binary;
using Dolmen.Artifacts;
using Microsoft.Win32.SafeHandles;

namespace Dolmen.Checkpoints;

/// <summary>Reads a safetensors file. The header is checked whole when the file is opened; tensors are read by position when asked for.
/// 
/// (Not mapped into memory: a mapped file that shrinks under the program kills it, a positioned read says so. A mapping would save nothing:
/// engines keep weights as floats or packed, so every tensor is copied once anyway. Beside the destination a megabyte is held.)</summary>
public sealed class SafetensorsFile : IDisposable
{
    private const int BufferBytes = 1 << 20;

    private readonly SafeFileHandle _handle;
    private readonly Dictionary<string, SafetensorsEntry> _entries;
    private readonly long _dataStart;

    private SafetensorsFile(string path, SafeFileHandle handle, long dataStart, List<SafetensorsEntry> entries)
    {
        (Path, _handle, _dataStart, Entries) = (path, handle, dataStart, entries);
        _entries = entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
    }

    public string Path { get; }

    /// <summary>The tensors in the order of the header.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <exception cref="UserErrorException">Missing, cut off or damaged.</exception>
    public static SafetensorsFile Open(string path)
    {
        if (!File.Exists(path))
        {
            throw new UserErrorException($"'{path}' does not exist: a model folder needs its weights. Export or fetch the model again.");
        }
        var handle = RegularFile.OpenHandle(path);
        try
        {
            var length = RandomAccess.GetLength(handle);
            Span<byte> prefix = stackalloc byte[8];
            if (length < 8 || RandomAccess.Read(handle, prefix, 0) != 8)
            {
                throw SafetensorsHeader.Damaged(path, $"it has {length} bytes, fewer than the 8 that say how long its header is");
            }
            var headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
            if (headerBytes > (ulong)SafetensorsHeader.MaxBytes)
            {
                throw SafetensorsHeader.Damaged(path, $"it claims a header of {headerBytes} bytes; at most {SafetensorsHeader.MaxBytes} " +
                    "are allowed");
            }
            if ((long)headerBytes > length - 8)
            {
                throw SafetensorsHeader.Damaged(path, $"it claims a header of {headerBytes} bytes but has only {length - 8} left");
            }
            var header = new byte[headerBytes];
            ReadExactly(path, handle, header, 8);
            var entries = SafetensorsHeader.Parse(path, header, length - 8 - (long)headerBytes);
            return new SafetensorsFile(path, handle, 8 + (long)headerBytes, entries);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    public SafetensorsEntry? Find(string name) => _entries.GetValueOrDefault(name);

    /// <summary>A F32, F16 or BF16 tensor as floats.</summary>
    public void Read(string name, Span<float> destination)
    {
        var entry = Required(name);
        if (TensorDtypes.FloatDtype(entry.Dtype) is not { } dtype)
        {
            throw new UserErrorException($"'{Path}': tensor '{name}' has dtype {entry.Dtype}; weights must be F32, F16 or BF16. Convert " +
                "the model to one of them.");
        }
        if (destination.Length != entry.Elements)
        {
            throw new ArgumentException($"Tensor '{name}' has {entry.Elements} elements but the destination has {destination.Length}.",
                nameof(destination));
        }
        var size = dtype.Bytes();
        var buffer = new byte[(int)Math.Min(BufferBytes, Math.Max(size, entry.End - entry.Begin))];
        for (var done = 0; done < destination.Length;)
        {
            var count = Math.Min(buffer.Length / size, destination.Length - done);
            var bytes = buffer.AsSpan(0, count * size);
            ReadExactly(Path, _handle, bytes, _dataStart + entry.Begin + (long)done * size);
            TensorDtypes.Decode(dtype, bytes, destination.Slice(done, count));
            done += count;
        }
    }

    /// <summary>The bytes as they are stored, little-endian, from <paramref name="offset"/> within the tensor.</summary>
    public void ReadBytes(string name, long offset, Span<byte> destination)
    {
        var entry = Required(name);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + destination.Length, entry.End - entry.Begin, nameof(offset));
        ReadExactly(Path, _handle, destination, _dataStart + entry.Begin + offset);
    }

    public void Dispose() => _handle.Dispose();

    private SafetensorsEntry Required(string name) =>
        Find(name) ?? throw new ArgumentException($"'{Path}' holds no tensor '{name}'.", nameof(name));

    private static void ReadExactly(string path, SafeFileHandle handle, Span<byte> destination, long position)
    {
        while (!destination.IsEmpty)
        {
            var read = RandomAccess.Read(handle, destination, position);
            if (read == 0) throw SafetensorsHeader.Damaged(path, $"it ended at byte {position} while being read");
            destination = destination[read..];
            position += read;
        }
    }
}
