namespace Dolmen.Web.Warc;

/// <summary>The fields of a WARC or HTTP header, one after another. Lines may end in LF alone, and a line that begins with a blank
/// continues the one before ("obs-fold").</summary>
internal ref struct HeaderFields(ReadOnlySpan<byte> lines)
{
    private ReadOnlySpan<byte> _rest = lines;

    public ReadOnlySpan<byte> Name { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Goes to the next line that is a field; others are left out.</summary>
    public bool Next()
    {
        while (_rest.Length > 0)
        {
            var line = TakeLine();
            var colon = line.IndexOf((byte)':');
            if (colon <= 0)
            {
                while (IsFolded()) TakeLine();
                continue;
            }
            Name = line[..colon].TrimEnd(" \t"u8);
            Value = line[(colon + 1)..].Trim(" \t"u8);
            if (IsFolded()) Unfold();
            return true;
        }
        return false;
    }

    /// <summary>Where the blank line that ends a header has ended; 0 if <paramref name="bytes"/> hold none.</summary>
    public static int FindEnd(ReadOnlySpan<byte> bytes, int from = 0)
    {
        for (var at = from; at < bytes.Length;)
        {
            var feed = bytes[at..].IndexOf((byte)'\n');
            if (feed < 0) return 0;
            at += feed + 1;
            if (at < bytes.Length && bytes[at] == '\n') return at + 1;
            if (at + 1 < bytes.Length && bytes[at] == '\r' && bytes[at + 1] == '\n') return at + 2;
        }
        return 0;
    }

    private ReadOnlySpan<byte> TakeLine()
    {
        var feed = _rest.IndexOf((byte)'\n');
        var line = feed < 0 ? _rest : _rest[..feed];
        _rest = feed < 0 ? [] : _rest[(feed + 1)..];
        return line.TrimEnd((byte)'\r');
    }

    private readonly bool IsFolded() => _rest is [(byte)' ' or (byte)'\t', ..];

    private void Unfold()
    {
        var whole = new List<byte>(Value.ToArray());
        while (IsFolded())
        {
            whole.Add((byte)' ');
            whole.AddRange(TakeLine().Trim(" \t"u8));
        }
        Value = whole.ToArray();
    }
}
