using System.Buffers;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Dolmen.Artifacts;
using Microsoft.Win32.SafeHandles;

namespace Dolmen.Tokenization;

/// <summary>
/// A file of token ids in llm.c's layout: 256 32-bit integers (magic, version, number of tokens, zeros), then the ids, of 16 bits
/// where the vocabulary allows it and of 32 otherwise; little endian. Mapped into memory, so that any part is read at once; safe to
/// read from several threads.
/// </summary>
public sealed class TokenShard : IDisposable
{
    internal const int HeaderInts = 256;
    internal const int HeaderBytes = HeaderInts * sizeof(int);

    /// <summary>Magic number, version and bytes an id: llm.c's GPT-2 and Llama 3 data files.</summary>
    internal static readonly (int Magic, int Version, int Width) Narrow = (20240520, 1, sizeof(ushort)), Wide = (20240801, 7, sizeof(uint));

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafeMemoryMappedViewHandle _memory;
    private readonly int _width;

    private TokenShard(MemoryMappedFile file, MemoryMappedViewAccessor view, int width, long length)
    {
        (_file, _view, _memory, _width, Length) = (file, view, view.SafeMemoryMappedViewHandle, width, length);
    }

    /// <summary>Number of tokens.</summary>
    public long Length { get; }

    /// <param name="path">The file.</param>
    /// <param name="vocabSize">When given, every token is checked to be below it, which reads the whole file.</param>
    /// <exception cref="UserErrorException">No such file, not a token shard, cut short, or tokens outside the vocabulary.</exception>
    public static TokenShard Open(string path, int? vocabSize = null)
    {
        var (width, length) = ReadHeader(path);
        var file = MemoryMappedFile.CreateFromFile(RegularFile.Regular(path), FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        var shard = new TokenShard(file, file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read), width, length);
        try
        {
            if (vocabSize is { } limit) shard.CheckTokens(path, limit);
            return shard;
        }
        catch
        {
            shard.Dispose();
            throw;
        }
    }

    /// <summary>Fills <paramref name="tokens"/> with the ids from position <paramref name="start"/> on.</summary>
    public void Read(long start, Span<int> tokens)
    {
        if (start < 0 || start > Length - tokens.Length)
            throw new ArgumentOutOfRangeException(nameof(start), start, $"{tokens.Length} tokens from there do not lie within {Length}.");
        var offset = (ulong)(HeaderBytes + start * _width);
        if (_width == sizeof(uint))
        {
            _memory.ReadSpan(offset, tokens);
            return;
        }
        var rented = ArrayPool<ushort>.Shared.Rent(tokens.Length);
        var narrow = rented.AsSpan(0, tokens.Length);
        _memory.ReadSpan(offset, narrow);
        for (var i = 0; i < narrow.Length; i++) tokens[i] = narrow[i];
        ArrayPool<ushort>.Shared.Return(rented);
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }

    private static (int Width, long Length) ReadHeader(string path)
    {
        if (!File.Exists(path))
            throw new UserErrorException($"{path} does not exist: it should be a file of tokens. Run the stage that writes it again.");
        using var stream = RegularFile.OpenRead(path);
        var header = new int[HeaderInts];
        var bytes = MemoryMarshal.AsBytes(header.AsSpan());
        if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw Damaged(path, $"has {stream.Length} bytes, its header alone takes {HeaderBytes}");
        var width = (header[0], header[1]) == (Narrow.Magic, Narrow.Version) ? Narrow.Width
            : (header[0], header[1]) == (Wide.Magic, Wide.Version) ? Wide.Width
            : throw Damaged(path,
                $"begins with {header[0]} {header[1]}, a token shard with {Narrow.Magic} {Narrow.Version} or {Wide.Magic} {Wide.Version}");
        long length = header[2];
        if (length < 0 || stream.Length != HeaderBytes + length * width)
            throw Damaged(path, $"has {stream.Length} bytes, but {length} tokens of {width} bytes make {HeaderBytes + length * width}");
        return (width, length);
    }

    private void CheckTokens(string path, int vocabSize)
    {
        var block = new int[1 << 16];
        for (long start = 0; start < Length; start += block.Length)
        {
            var part = block.AsSpan(0, (int)Math.Min(block.Length, Length - start));
            Read(start, part);
            for (var i = 0; i < part.Length; i++)
                if ((uint)part[i] >= (uint)vocabSize)
                    throw Damaged(path, $"holds the token {(uint)part[i]} at position {start + i}, the vocabulary ends at {vocabSize - 1}");
        }
    }

    private static UserErrorException Damaged(string path, string what) =>
        new($"{path} {what}: the file is damaged or of another tokenizer. Delete it and run the stage that writes it again.");
}
