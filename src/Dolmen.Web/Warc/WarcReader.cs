using Dolmen.Artifacts.Compression;

namespace Dolmen.Web.Warc;

/// <summary>The records of a WARC file, one after another. What is broken is reported with its place and left out; reading goes on at
/// the next record header, which begins a line with <c>WARC/</c>, or the next compressed member.</summary>
internal sealed class WarcReader(StoredMembers members, PageLimits limits, Action<long, string> broken, CancellationToken stop)
{
    private const int MaxHeaderBytes = 1 << 16;
    private const int Ratioless = 1 << 20;                               // so much may unfold from nothing
    private const int Taken = 1 << 16;                                   // what a decompressor may have taken before it gave the first byte

    private readonly MemberWindow _window = new(members, Mark.Length, b => b.StartsWith(Mark), broken);
    private int _held;                                                   // the current record's block and the line breaks behind it
    private int _length;
    private bool _flawTold;

    public WarcHeader Header { get; private set; } = WarcHeader.Parse([]);

    /// <summary>Where the record lies in the file as stored: itself, or the compressed member it is in.</summary>
    public long Offset { get; private set; }

    /// <summary>Where the record lies in its member, uncompressed.</summary>
    public long Position { get; private set; }

    /// <summary>The header's length was not that of the block, and the next header ended it.</summary>
    public bool LengthIsWrong { get; private set; }

    /// <summary>The record's block, until the next is read.</summary>
    public ReadOnlySpan<byte> Block => _window.Bytes[.._length];

    private static ReadOnlySpan<byte> Mark => "WARC/"u8;

    private static ReadOnlySpan<byte> NextMark => "\nWARC/"u8;

    public bool Next()
    {
        _window.Advance(_held);
        _held = _length = 0;
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            SkipBreaks();
            if (_window.Bytes.Length == 0)
            {
                if (_window.Flaw is { } flaw && !_flawTold) broken(_window.Offset, flaw);
                _flawTold = false;
                if (!_window.Cross()) return false;
                continue;
            }
            (Offset, Position) = (_window.Offset, _window.Position);
            if (ReadRecord()) return true;
        }
    }

    private bool ReadRecord()
    {
        if (!_window.Has(Mark.Length) || !_window.Bytes.StartsWith(Mark)) return Broken("warc-no-header", skip: 1);
        var begun = Position == 0 ? Offset : _window.StoredPosition - Taken;
        var header = FindHeaderEnd();
        if (header < 0) return Broken("warc-header-too-long", Mark.Length);
        if (header == 0) return Broken(_window.Flaw ?? "warc-truncated", Mark.Length);
        Header = WarcHeader.Parse(_window.Bytes[..header]);
        // Lines that end in LF alone are not what a crawler wrote: such a file went through an editor, which changed the lengths too.
        var edited = !_window.Bytes[..header].Contains((byte)'\r');
        if (Header.Length < 0) return Broken("warc-no-length", header);
        _window.Advance(header);
        if (Header.Length > limits.MaxRecordBytes) return SkipBlock(begun);

        var length = (int)Header.Length;
        while (_window.Bytes.Length < length)
        {
            if (IsBomb(_window.Bytes.Length, begun))
                return Bomb();
            if (_window.Fill())
                continue;
            if (edited && _window.Flaw is null)
                return ReadToNextHeader();
            return Broken(
                _window.Flaw ?? (_window.FileEnded && _window.Bytes.IndexOf(NextMark) < 0 ? "warc-truncated" : "warc-length-wrong"),
                skip: 0
            );
        }
        var end = length;
        while (_window.Has(end + 1) && _window.Bytes[end] is (byte)'\r' or (byte)'\n') end++;
        if (_window.Bytes.Length == end)
        {
            if (_window.Flaw is { } flaw) return Broken(flaw, end);
        }
        else if (
            !(_window.Has(end + Mark.Length) && _window.Bytes[end..].StartsWith(Mark))
            && !_window.Bytes[length..end].StartsWith("\r\n\r\n"u8)
        )
        {
            if (edited) return ReadToNextHeader();
            // Too short, or too long by records that follow: the next header is behind this one either way.
            return Broken("warc-length-wrong", skip: 0);
        }
        if (edited) length = _window.Bytes[..length].TrimEnd((byte)'\n').Length;
        (_length, _held, LengthIsWrong) = (length, end, false);
        return true;
    }

    private bool ReadToNextHeader()
    {
        int end;
        for (var from = 0; ;)
        {
            var at = _window.Bytes[from..].IndexOf(NextMark);
            if (at >= 0)
            {
                end = from + at + 1;
                break;
            }
            from = Math.Max(0, _window.Bytes.Length - NextMark.Length + 1);
            if (from > limits.MaxRecordBytes) return Broken("record-too-big", from);
            if (_window.Fill()) continue;
            if (_window.Flaw is { } flaw) return Broken(flaw, _window.Bytes.Length);
            end = _window.Bytes.Length;
            break;
        }
        (_length, _held, LengthIsWrong) = (_window.Bytes[..end].TrimEnd("\r\n"u8).Length, end, true);
        return true;
    }

    private void SkipBreaks()
    {
        while (true)
        {
            var other = _window.Bytes.IndexOfAnyExcept((byte)'\r', (byte)'\n');
            _window.Advance(other < 0 ? _window.Bytes.Length : other);
            if (other >= 0 || !_window.Fill()) return;
        }
    }

    /// <returns>0 when the member ends first, -1 when there is none within bounds.</returns>
    private int FindHeaderEnd()
    {
        for (var seen = 0; ;)
        {
            var bytes = _window.Bytes[..Math.Min(_window.Bytes.Length, MaxHeaderBytes)];
            if (HeaderFields.FindEnd(bytes, seen) is > 0 and var end) return end;
            if (bytes.Length == MaxHeaderBytes) return -1;
            seen = Math.Max(0, bytes.Length - 3);
            if (!_window.Fill()) return 0;
        }
    }

    /// <summary>Passes over a block too big to hold. Its length cannot be checked afterwards, so a line in it that begins a record ends
    /// it.</summary>
    private bool SkipBlock(long begun)
    {
        long skipped = 0;
        while (true)
        {
            var bytes = _window.Bytes[..(int)Math.Min(_window.Bytes.Length, Header.Length - skipped)];
            for (var from = 0; bytes[from..].IndexOf(NextMark) is >= 0 and var at; from += at + 1)
            {
                if (!BeginsHeader(bytes[(from + at + 1)..])) continue;
                Report("warc-length-wrong");
                _window.Advance(from + at + 1);
                return false;
            }
            // A line that may go on in what follows stays.
            var take = skipped + bytes.Length == Header.Length ? bytes.Length : Math.Max(0, bytes.Length - HeaderStart);
            _window.Advance(take);
            skipped += take;
            if (skipped == Header.Length)
            {
                Report("record-too-big");
                return false;
            }
            stop.ThrowIfCancellationRequested();
            if (IsBomb(skipped, begun)) return Bomb();
            if (_window.Fill()) continue;
            Report(_window.Flaw ?? (_window.FileEnded ? "warc-truncated" : "warc-length-wrong"));
            _window.Advance(_window.Bytes.Length);
            return false;
        }
    }

    private const int HeaderStart = 32;

    private static bool BeginsHeader(ReadOnlySpan<byte> bytes)
    {
        bytes = bytes[..Math.Min(bytes.Length, HeaderStart)];
        var end = bytes.IndexOf((byte)'\n');
        return end > Mark.Length
            && char.IsAsciiDigit((char)bytes[Mark.Length])
            && end + 1 < bytes.Length
            && bytes[end + 1] is (byte)'W' or (byte)'w' or (byte)'C' or (byte)'c';
    }

    private bool IsBomb(long made, long begun) =>
        _window.IsCompressed && made > Ratioless && made > limits.MaxRatio * (_window.StoredPosition - begun);

    private bool Bomb()
    {
        Report("record-bomb");
        // A member of its own is left as it is; else the records behind the bomb are worth the time to unfold it.
        if (Position == 0) _window.Abandon("record-bomb");
        else Resynchronise();
        _flawTold = _window.Flaw is not null;
        return false;
    }

    private bool Broken(string reason, int skip)
    {
        Report(reason);
        _window.Advance(skip);
        Resynchronise();
        return false;
    }

    private void Report(string reason)
    {
        broken(Offset, reason);
        _flawTold = _window.Flaw is not null;
    }

    /// <summary>Moves to the next line that begins with the mark of a record, or to the member's end.</summary>
    private void Resynchronise()
    {
        if (_window.Has(Mark.Length) && _window.Bytes.StartsWith(Mark)) return;
        while (true)
        {
            var at = _window.Bytes.IndexOf(NextMark);
            _window.Advance(at >= 0 ? at + 1 : Math.Max(0, _window.Bytes.Length - Mark.Length));
            if (at >= 0) return;
            stop.ThrowIfCancellationRequested();
            if (_window.Fill()) continue;
            _window.Advance(_window.Bytes.Length);
            return;
        }
    }
}
