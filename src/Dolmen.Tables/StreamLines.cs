namespace Dolmen.Tables;

/// <summary>Lines of a stream as bytes. One that is too long is passed over in bounded memory.</summary>
public sealed class StreamLines(Stream stream, long maxBytes)
{
    private readonly StreamWindow _window = new(stream);
    private int _length;

    /// <summary>Counted from 1.</summary>
    public long Number { get; private set; }

    public bool IsTooLong { get; private set; }

    public ReadOnlySpan<byte> Line => _window.Buffer.AsSpan(_window.Start, IsTooLong ? 0 : _length);

    public bool Next(CancellationToken stop)
    {
        if (Number > 0) _window.Start = Math.Min(_window.End, _window.Start + _length + 1);
        (_length, IsTooLong) = (0, false);
        for (var seen = 0; ;)
        {
            var feed = _window.Buffer.AsSpan(_window.Start + seen, _window.End - _window.Start - seen).IndexOf((byte)'\n');
            if (feed >= 0) return Found(seen + feed);
            seen = _window.End - _window.Start;
            if (seen > maxBytes)
            {
                IsTooLong = true;
                _window.Start = _window.End;
                seen = 0;
            }
            stop.ThrowIfCancellationRequested();
            if (!_window.Fill()) return (seen > 0 || IsTooLong) && Found(seen);
        }
    }

    private bool Found(int length)
    {
        _length = length;
        IsTooLong |= length > maxBytes;
        Number++;
        return true;
    }
}
