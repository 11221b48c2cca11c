namespace Dolmen.Tables;

/// <summary>
/// Rows of delimited values as bytes. With quoting they are read as RFC 4180 and Python's csv module read them: a quotation mark opens a
/// quoted field only where the field begins, two stand for one inside it, and what follows the closing one belongs to the field. Without
/// quoting (tab-separated values, as IANA registers them) a quotation mark is a character like any other. A row ends with CR, LF or both;
/// lines without anything are skipped. One row is held at a time.
/// </summary>
/// <param name="maxBytes">Most bytes of a row. A quotation that is still open after as many never closes.</param>
public sealed class DelimitedReader(Stream stream, bool quotes, long maxBytes)
{
    private const byte Quote = (byte)'"', Return = (byte)'\r', Feed = (byte)'\n';

    private enum Place { FieldStart, Plain, Quoted, AfterQuote }

    private readonly List<int> _ends = [];                               // of each field in _values
    private readonly StreamWindow _window = new(stream);
    private byte[] _values = new byte[1 << 12];
    private int _used, _rowBytes;
    private long _nextLine = 1;
    private bool _begun;

    public byte Delimiter { get; set; } = (byte)',';

    /// <summary>The line on which the row begins, from 1.</summary>
    public long Line { get; private set; }

    public int Count => _ends.Count;

    /// <summary>What became of the row; only <see cref="DelimitedRow.Complete"/> ones have fields.</summary>
    public DelimitedRow Kind { get; private set; }

    /// <summary>The row as it is stored.</summary>
    public ReadOnlySpan<byte> Raw => _window.Buffer.AsSpan(_window.Start - _rowBytes, _rowBytes);

    /// <summary>A closing quotation mark was followed by more than a delimiter or the row's end.</summary>
    public bool HasTextAfterQuote { get; private set; }

    /// <summary>The field without its quotation marks.</summary>
    public ReadOnlySpan<byte> this[int field]
    {
        get
        {
            var from = field == 0 ? 0 : _ends[field - 1];
            return _values.AsSpan(from, _ends[field] - from);
        }
    }

    public bool Next(CancellationToken stop)
    {
        if (!_begun) SkipByteOrderMark();
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            _ends.Clear();
            (_used, Line, Kind, HasTextAfterQuote) = (0, _nextLine, DelimitedRow.Complete, false);
            if (Parse(stop) is not { } length) return false;
            var raw = _window.Buffer.AsSpan(_window.Start, length);
            var isBlank = raw is [Return] or [Feed] or [Return, Feed];
            _nextLine += Lines(raw);
            (_window.Start, _rowBytes) = (_window.Start + length, length);
            if (!isBlank) return true;
        }
    }

    /// <returns>Bytes of the row with its end; null at the end of the stream.</returns>
    private int? Parse(CancellationToken stop)
    {
        var (at, opened, place) = (0, 0, Place.FieldStart);
        while (true)
        {
            if (_window.Start + at == _window.End && !Fill(stop))
            {
                if (at == 0) return null;
                if (place == Place.Quoted) return Unclosed(opened);
                EndField();
                return at;
            }
            if (at > maxBytes) return place == Place.Quoted ? Unclosed(opened) : PassOver(at, stop);
            var rest = _window.Buffer.AsSpan(_window.Start + at, _window.End - _window.Start - at);
            switch (place)
            {
                case Place.FieldStart:
                    if (quotes && rest[0] == Quote) (opened, place, at) = (at, Place.Quoted, at + 1);
                    else place = Place.Plain;
                    break;
                case Place.Quoted:
                    var quote = rest.IndexOf(Quote);
                    Append(quote < 0 ? rest : rest[..quote]);
                    if (quote >= 0) place = Place.AfterQuote;
                    at += quote < 0 ? rest.Length : quote + 1;
                    break;
                case Place.AfterQuote when rest[0] == Quote:
                    Append(rest[..1]);
                    (place, at) = (Place.Quoted, at + 1);
                    break;
                case Place.AfterQuote:
                    HasTextAfterQuote |= rest[0] != Delimiter && rest[0] is not (Return or Feed);
                    place = Place.Plain;
                    break;
                default:
                    var end = rest.IndexOfAny(Delimiter, Return, Feed);
                    Append(end < 0 ? rest : rest[..end]);
                    at += end < 0 ? rest.Length : end;
                    if (end < 0) break;
                    EndField();
                    if (rest[end] != Delimiter) return at + LineEnd(at, stop);
                    (place, at) = (Place.FieldStart, at + 1);
                    break;
            }
        }
    }

    /// <summary>The row is given up with the line on which the quotation opened, and reading goes on with the next line.</summary>
    private int Unclosed(int opened)
    {
        Kind = DelimitedRow.QuoteNeverClosed;
        _ends.Clear();
        var rest = _window.Buffer.AsSpan(_window.Start + opened, _window.End - _window.Start - opened);
        var line = rest.IndexOfAny(Return, Feed);
        if (line < 0) return opened + rest.Length;
        return opened + line + (rest[line] == Return && line + 1 < rest.Length && rest[line + 1] == Feed ? 2 : 1);
    }

    /// <summary>Drops the rest of a line that is too long, in bounded memory.</summary>
    private int PassOver(int at, CancellationToken stop)
    {
        Kind = DelimitedRow.TooLong;
        _ends.Clear();
        while (true)
        {
            var end = _window.Buffer.AsSpan(_window.Start + at, _window.End - _window.Start - at).IndexOfAny(Return, Feed);
            if (end >= 0) return at + end + LineEnd(at + end, stop);
            (_window.Start, at) = (_window.End, 0);
            if (!Fill(stop)) return 0;
        }
    }

    /// <returns>1 or, of CR and LF together, 2.</returns>
    private int LineEnd(int at, CancellationToken stop)
    {
        if (_window.Buffer[_window.Start + at] == Feed) return 1;
        if (_window.Start + at + 1 == _window.End && !Fill(stop)) return 1;
        return _window.Buffer[_window.Start + at + 1] == Feed ? 2 : 1;
    }

    private static long Lines(ReadOnlySpan<byte> raw)
    {
        long lines = raw.Count(Feed);
        for (var at = 0; raw[at..].IndexOf(Return) is >= 0 and var found; at += found + 1)
            if (at + found + 1 == raw.Length || raw[at + found + 1] != Feed) lines++;
        return lines;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (_values.Length - _used < bytes.Length) Array.Resize(ref _values, Math.Max(_values.Length * 2, _used + bytes.Length));
        bytes.CopyTo(_values.AsSpan(_used));
        _used += bytes.Length;
    }

    private void EndField() => _ends.Add(_used);

    private void SkipByteOrderMark()
    {
        _begun = true;
        while (_window.End < 3 && Fill(CancellationToken.None))
        {
        }
        if (_window.Buffer.AsSpan(0, _window.End) is [0xEF, 0xBB, 0xBF, ..]) _window.Start = 3;
    }

    private bool Fill(CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return _window.Fill();
    }
}

public enum DelimitedRow { Complete, TooLong, QuoteNeverClosed }
