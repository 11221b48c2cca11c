using System.Buffers;

namespace Dolmen.Web.Crawling;

/// <summary>Keeps the bytes of one request and its answer as they went over the connection, so that an archive holds what was really
/// said: header spelling and order, chunks and all. One request is under way at a time; when it is sent again over a fresh
/// connection, only the last sending counts.</summary>
internal sealed class WireRecorder
{
    private const int KeptCapacity = 1 << 20;

    private readonly ArrayBufferWriter<byte> _request = new();
    private ArrayBufferWriter<byte> _response = new();
    private WireStream? _connection;
    private long _most;

    public string? RemoteAddress => _connection?.RemoteAddress;

    /// <summary>Whether the answer had more bytes than were to be kept.</summary>
    public bool Overflowed { get; private set; }

    public ReadOnlyMemory<byte> Request => _request.WrittenMemory;

    public ReadOnlyMemory<byte> Response => _response.WrittenMemory;

    public void Begin(long mostResponseBytes)
    {
        (_connection, Overflowed, _most) = (null, false, mostResponseBytes);
        _request.ResetWrittenCount();
        // a huge page does not keep its memory for the rest of the crawl
        if (_response.Capacity > KeptCapacity) _response = new ArrayBufferWriter<byte>();
        _response.ResetWrittenCount();
    }

    public void Sent(WireStream connection, ReadOnlySpan<byte> bytes)
    {
        if (!ReferenceEquals(_connection, connection))
        {
            _connection = connection;
            _request.ResetWrittenCount();
            _response.ResetWrittenCount();
        }
        _request.Write(bytes);
    }

    public void Received(WireStream connection, ReadOnlySpan<byte> bytes)
    {
        if (!ReferenceEquals(_connection, connection)) return;            // an idle connection being closed
        var room = _most - _response.WrittenCount;
        if (bytes.Length > room)
        {
            Overflowed = true;
            bytes = bytes[..(int)room];
        }
        _response.Write(bytes);
    }
}

/// <summary>A connection that tells a recorder what passes.</summary>
internal sealed class WireStream(Stream inner, WireRecorder recorder, string? remoteAddress) : Stream
{
    public string? RemoteAddress => remoteAddress;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await inner.ReadAsync(buffer, cancellationToken);
        recorder.Received(this, buffer.Span[..read]);
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(Span<byte> buffer)
    {
        var read = inner.Read(buffer);
        recorder.Received(this, buffer[..read]);
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        recorder.Sent(this, buffer.Span);
        return inner.WriteAsync(buffer, cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        recorder.Sent(this, buffer);
        inner.Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }
}
