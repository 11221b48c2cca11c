using Dolmen.Artifacts.Compression;

namespace Dolmen.Web.Warc;

/// <summary>A window that slides over the uncompressed bytes of a file. It stops where a compressed member ends and the next begins
/// with a record, so that a record with a wrong length cannot take bytes of its neighbours; members that merely cut the bytes
/// anywhere are joined.</summary>
/// <param name="beginsRecord">Whether the bytes at a member's start are those of a record.</param>
internal sealed class MemberWindow(
    StoredMembers members,
    int peek,
    Func<ReadOnlySpan<byte>, bool> beginsRecord,
    Action<long, string> broken
)
{
    private byte[] _buffer = new byte[1 << 17];
    private int _start, _visible, _end;
    private bool _atEnd;                                                 // of the member, or of the file
    private bool _fileEnded;
    private long _base;                                                  // uncompressed position of _buffer[0]
    private readonly Queue<(long Position, long Offset)> _joined = new();

    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(_start, _visible - _start);

    /// <summary>Where the byte at the window's start lies in the file as stored: itself, or the member it is in.</summary>
    public long Offset { get; private set; }

    /// <summary>Bytes before the window's start since the file's or the member's.</summary>
    public long Position => _base + _start;

    public long StoredPosition => members.StoredPosition;

    public bool IsCompressed => !members.IsPlain;

    public bool FileEnded => _fileEnded;

    /// <summary>Why the member the window ends with is not whole; null when it is.</summary>
    public string? Flaw { get; private set; }

    public void Advance(int count)
    {
        _start += count;
        while (_joined.TryPeek(out var joined) && joined.Position <= Position) Offset = _joined.Dequeue().Offset;
        if (members.IsPlain) Offset = Position;
    }

    /// <summary>Reads on until the window holds <paramref name="count"/> bytes; it holds fewer at the end of a member.</summary>
    public bool Has(int count)
    {
        while (Bytes.Length < count)
            if (!Fill()) return false;
        return true;
    }

    /// <summary>Reads on.</summary>
    /// <returns>False at the end of a member whose neighbour begins with a record, and of the file.</returns>
    public bool Fill()
    {
        if (_atEnd) return false;
        MakeRoom();
        var read = members.Read(_buffer.AsSpan(_end));
        if (read > 0)
        {
            _visible = _end += read;
            return true;
        }
        Flaw = members.Flaw;
        return OpenNext();
    }

    /// <summary>Moves on to the member behind, whose bytes <see cref="Fill"/> held back.</summary>
    /// <returns>False at the file's end.</returns>
    public bool Cross()
    {
        if (_fileEnded) return false;
        _base = -_visible;                                               // positions count from the member's start
        _start = _visible;
        _visible = _end;
        (_atEnd, Flaw) = (false, null);
        _joined.Clear();
        Offset = members.Offset;
        return true;
    }

    /// <summary>Leaves the rest of the current member unread.</summary>
    public void Abandon(string flaw)
    {
        members.Abandon(flaw);
        Advance(_visible - _start);
        if (!_atEnd) Fill();
    }

    private bool OpenNext()
    {
        while (members.Next())
        {
            if (members.SkippedGarbage) broken(members.Offset, "garbage-between-members");
            var first = _end;
            while (_end - first < peek)
            {
                MakeRoom(ref first);
                var read = members.Read(_buffer.AsSpan(_end));
                if (read == 0) break;
                _end += read;
            }
            if (_end == first)
            {
                if (members.Flaw is { } flaw) broken(members.Offset, flaw);
                continue;
            }
            if (Flaw is null && !beginsRecord(_buffer.AsSpan(first, _end - first)))
            {
                _joined.Enqueue((_base + first, members.Offset));
                _visible = _end;
                if (_start == first) Advance(0);
                return true;
            }
            _atEnd = true;
            return false;
        }
        if (members.SkippedGarbage) broken(members.StoredPosition, "garbage-between-members");
        _atEnd = _fileEnded = true;
        return false;
    }

    private void MakeRoom()
    {
        var none = 0;
        MakeRoom(ref none);
    }

    // At most three bytes are moved for each the window advanced, however large a hostile record says it is.
    private void MakeRoom(ref int mark)
    {
        if (_end < _buffer.Length) return;
        var live = _end - _start;
        var to = live <= _buffer.Length / 4 * 3 ? _buffer : new byte[checked(_buffer.Length * 2)];
        _buffer.AsSpan(_start, live).CopyTo(to);
        (_buffer, _base, _end, _visible, mark, _start) = (to, _base + _start, live, _visible - _start, mark - _start, 0);
    }
}
