using System.Buffers.Binary;
using System.Text;
using Dolmen.Artifacts;
using Microsoft.Win32.SafeHandles;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>Reads the numbers and texts of a GGUF header one after the other, never past the end of the file and never more than is
/// there: a length is believed only as far as the file reaches.</summary>
internal sealed class GgufBytes(string file, SafeFileHandle handle)
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly byte[] _buffer = new byte[1 << 16];
    private int _at, _filled;
    private long _filePosition;

    public long Length { get; } = RandomAccess.GetLength(handle);

    public long Position => _filePosition - (_filled - _at);

    public long Left => Length - Position;

    /// <summary>What is being read, for the message.</summary>
    public string Place { get; set; } = "its header";

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    /// <summary>The bytes of one number, at most eight.</summary>
    public ReadOnlySpan<byte> Take(int count)
    {
        if (_filled - _at < count) Refill(count);
        var taken = _buffer.AsSpan(_at, count);
        _at += count;
        return taken;
    }

    /// <param name="itemBytes">What one item takes at least.</param>
    public int Count(string what, int itemBytes, int most)
    {
        var count = UInt64();
        if (count > (ulong)most) throw Damaged($"{Place}: it claims {count} {what}; at most {most} are allowed");
        if (count > (ulong)(Left / itemBytes))
        {
            throw Damaged($"{Place}: it claims {count} {what} but has only {Left} bytes left");
        }
        return (int)count;
    }

    public string Text(int most)
    {
        var length = Count("bytes of text", 1, most);
        var bytes = new byte[length];
        for (var done = 0; done < length;)
        {
            var part = Math.Min(length - done, _buffer.Length);
            Take(part).CopyTo(bytes.AsSpan(done));
            done += part;
        }
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException error)
        {
            throw new UserErrorException(Message($"{Place}: a text in it is not UTF-8"), error);
        }
    }

    public UserErrorException Damaged(string rule) => new(Message(rule));

    private string Message(string rule) => $"'{file}' is not a whole GGUF file: {rule}. Convert or fetch it again.";

    private void Refill(int needed)
    {
        _buffer.AsSpan(_at, _filled - _at).CopyTo(_buffer);
        (_filled, _at) = (_filled - _at, 0);
        while (_filled < needed)
        {
            var read = RandomAccess.Read(handle, _buffer.AsSpan(_filled), _filePosition);
            if (read == 0) throw Damaged($"{Place}: the file ends there, at byte {_filePosition}");
            _filled += read;
            _filePosition += read;
        }
    }
}
