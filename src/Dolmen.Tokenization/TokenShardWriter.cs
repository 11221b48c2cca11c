using System.Runtime.InteropServices;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>Writes a <see cref="TokenShard"/> of any length without holding it in memory.
/// The file appears when all of it is there.</summary>
public sealed class TokenShardWriter
{
    private readonly Stream _stream;
    private readonly int _vocabSize;
    private readonly (int Magic, int Version, int Width) _layout;
    private byte[] _buffer = [];

    private TokenShardWriter(Stream stream, int vocabSize)
    {
        (_stream, _vocabSize) = (stream, vocabSize);
        _layout = vocabSize <= ushort.MaxValue + 1 ? TokenShard.Narrow : TokenShard.Wide;
    }

    /// <summary>Tokens so far.</summary>
    public long Length { get; private set; }

    /// <summary>Writes what <paramref name="fill"/> appends; nothing where it throws.</summary>
    /// <returns>The number of tokens.</returns>
    public static long Write(string path, int vocabSize, Action<TokenShardWriter> fill)
    {
        var length = 0L;
        AtomicFile.Write(path, stream =>
        {
            var writer = new TokenShardWriter(stream, vocabSize);
            writer.WriteHeader();                                        // its count is patched once known
            fill(writer);
            stream.Position = 0;
            writer.WriteHeader();
            length = writer.Length;
        });
        return length;
    }

    public void Append(ReadOnlySpan<int> tokens)
    {
        if (Length + tokens.Length > int.MaxValue)
            throw new UserErrorException(
                $"A token shard counts its tokens in 32 bits and cannot hold more than {int.MaxValue}: use fewer documents.");
        var size = tokens.Length * _layout.Width;
        if (_buffer.Length < size) _buffer = new byte[Math.Max(size, 1 << 16)];
        var narrow = MemoryMarshal.Cast<byte, ushort>(_buffer.AsSpan());
        for (var i = 0; i < tokens.Length; i++)
        {
            if ((uint)tokens[i] >= (uint)_vocabSize)
                throw new ArgumentOutOfRangeException(nameof(tokens), tokens[i], $"The vocabulary has the ids 0 to {_vocabSize - 1}.");
            if (_layout.Width == sizeof(ushort)) narrow[i] = (ushort)tokens[i];
        }
        if (_layout.Width == sizeof(uint)) MemoryMarshal.AsBytes(tokens).CopyTo(_buffer);
        _stream.Write(_buffer.AsSpan(0, size));
        Length += tokens.Length;
    }

    private void WriteHeader()
    {
        var header = new int[TokenShard.HeaderInts];
        (header[0], header[1], header[2]) = (_layout.Magic, _layout.Version, (int)Length);
        _stream.Write(MemoryMarshal.AsBytes(header.AsSpan()));
    }
}
