namespace Dolmen.Tables;

/// <summary>Lines of a stream as bytes. One that is too long is passed over in bounded memory.</summary>
public sealed class StreamLines(Stream stream, long maxBytes)
{
    private byte[] _buffer = new byte[1 << 16];
    private int _start, _end, _length;
    private bool _ended;

    /// <summary>Counted from 1.</summary>
    public long Number { get; private set; }

    public bool IsTooLong { get; private set; }

    public ReadOnlySpan<byte> Line => _buffer.AsSpan(_start, IsTooLong ? 0 : _length);

    public bool Next(CancellationToken stop)
    {
        if (Number > 0) _start = Math.Min(_end, _start + _length + 1);
        (_length, IsTooLong) = (0, false);
        for (var seen = 0; ;)
        {
            var feed = _buffer.AsSpan(_start + seen, _end - _start - seen).IndexOf((byte)'\n');
            if (feed >= 0) return Found(seen + feed);
            seen = _end - _start;
            if (seen > maxBytes)
            {
                IsTooLong = true;
                _start = _end;
                seen = 0;
            }
            stop.ThrowIfCancellationRequested();
            if (_ended || !Fill()) return (seen > 0 || IsTooLong) && Found(seen);
        }
    }

    private bool Found(int length)
    {
        _length = length;
        IsTooLong |= length > maxBytes;
        Number++;
        return true;
    }

    private bool Fill()
    {
        if (_end == _buffer.Length)
        {
            var to = _end - _start <= _buffer.Length / 2 ? _buffer : new byte[_buffer.Length * 2];
            _buffer.AsSpan(_start, _end - _start).CopyTo(to);
            (_buffer, _start, _end) = (to, 0, _end - _start);
        }
        var read = stream.Read(_buffer.AsSpan(_end));
        _end += read;
        _ended = read == 0;
        return !_ended;
    }
}
