namespace Dolmen.Tables;

/// <summary>A file of which only one part may be read at a time. What lies outside is an error and not an end: a reader of damaged bytes
/// that is told of the end by −1 may go on for ever.</summary>
internal sealed class ColumnStream(FileStream file) : Stream
{
    private long _start, _end = file.Length, _position, _servedAt;
    private byte[] _served = [];

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => Math.Max(file.Length, _servedAt + _served.Length);

    public override long Position
    {
        get => _position;
        set => _position = value;
    }

    public void Confine(long start, long end) => (_start, _end) = (start, end);

    /// <summary>Gives these bytes where the file has none, behind its end.</summary>
    public void Serve(byte[] bytes, long at) => (_served, _servedAt) = (bytes, at);

    public override int Read(Span<byte> buffer)
    {
        if (buffer.Length == 0)
            return 0;
        if (_position < _start || _position >= _end)
            throw new EndOfStreamException($"Byte {_position} does not belong to the column, which has bytes {_start} to {_end}.");
        if (_served.Length > 0 && _position >= _servedAt)
        {
            var part = _served.AsSpan((int)(_position - _servedAt));
            part = part[..Math.Min(part.Length, buffer.Length)];
            part.CopyTo(buffer);
            _position += part.Length;
            return part.Length;
        }
        file.Position = _position;
        var read = file.Read(buffer[..(int)Math.Min(buffer.Length, _end - _position)]);
        _position += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int ReadByte()
    {
        Span<byte> one = stackalloc byte[1];
        return Read(one) == 1 ? one[0] : -1;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        Task.FromResult(Read(buffer.AsSpan(offset, count)));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(Read(buffer.Span));

    public override long Seek(long offset, SeekOrigin origin) =>
        _position =
            offset
            + (
                origin == SeekOrigin.Begin ? 0
                : origin == SeekOrigin.Current ? _position
                : Length
            );

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) file.Dispose();
        base.Dispose(disposing);
    }
}
