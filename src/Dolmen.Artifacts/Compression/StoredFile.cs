namespace Dolmen.Artifacts.Compression;

/// <summary>A file's bytes as stored, with a look ahead and cheap steps back. As a stream it feeds a decompressor and remembers
/// where its last piece began: decompressors take more than they need.</summary>
internal sealed class StoredFile(FileStream file) : Stream
{
    private const int Capacity = 1 << 16;

    private readonly byte[] _buffer = new byte[Capacity];
    private long _bufferOffset;                                          // where _buffer[0] lies in the file
    private int _start, _end;

    public long Here => _bufferOffset + _start;

    public long LastPiece { get; private set; }

    /// <summary>More was asked for than the file has.</summary>
    public bool RanDry { get; set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => file.Length;

    public override long Position { get => Here; set => throw new NotSupportedException(); }

    /// <summary>The next bytes without taking them: <paramref name="count"/> or more, fewer only at the file's end.</summary>
    public ReadOnlySpan<byte> Ahead(int count)
    {
        if (_end - _start < count)
        {
            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                _bufferOffset += _start;
                _end -= _start;
                _start = 0;
            }
            _end += file.ReadAtLeast(_buffer.AsSpan(_end), count - _end, throwOnEndOfStream: false);
        }
        return _buffer.AsSpan(_start, _end - _start);
    }

    public void Skip(int count) => _start += count;

    public void MoveTo(long offset)
    {
        if (offset >= _bufferOffset && offset <= _bufferOffset + _end)
        {
            _start = (int)(offset - _bufferOffset);
            return;
        }
        file.Position = offset;
        _bufferOffset = offset;
        _start = _end = 0;
    }

    /// <summary>Moves to the next occurrence of <paramref name="magic"/> from here on, or to the file's end.</summary>
    public bool Find(ReadOnlySpan<byte> magic)
    {
        while (true)
        {
            var ahead = Ahead(magic.Length);
            var at = ahead.IndexOf(magic);
            if (at >= 0)
            {
                Skip(at);
                return true;
            }
            if (ahead.Length < magic.Length)
            {
                Skip(ahead.Length);
                return false;
            }
            Skip(ahead.Length - magic.Length + 1);
        }
    }

    public override int Read(Span<byte> buffer)
    {
        LastPiece = Here;
        var ahead = Ahead(1);
        RanDry = ahead.Length == 0;
        var count = Math.Min(ahead.Length, buffer.Length);
        ahead[..count].CopyTo(buffer);
        _start += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) file.Dispose();
        base.Dispose(disposing);
    }
}
