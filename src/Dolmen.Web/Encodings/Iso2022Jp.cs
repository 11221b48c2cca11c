namespace Dolmen.Web.Encodings;

/// <summary>ISO-2022-JP: seven bits, and escape sequences that say what they mean from there on.</summary>
internal static class Iso2022Jp
{
    private const byte Escape = 0x1B;

    private enum State { Ascii, Roman, Katakana, TwoBytes }

    public static void Decode(ReadOnlySpan<byte> bytes, ref CharWriter to)
    {
        var state = State.Ascii;
        // nothing was read since the last escape sequence, which then was for nothing
        var nothingSince = false;
        for (var i = 0; i < bytes.Length;)
        {
            var b = bytes[i];
            if (b == Escape)
            {
                if (StateOf(bytes[(i + 1)..]) is { } next)
                {
                    if (nothingSince) to.Fail();
                    (state, nothingSince) = (next, true);
                    i += 3;
                    continue;
                }
                nothingSince = false;
                to.Fail();
                i++;
                continue;
            }
            nothingSince = false;
            if (state == State.TwoBytes)
            {
                i += Two(bytes[i..], ref to);
                continue;
            }
            i++;
            if (state == State.Katakana)
            {
                if (b is >= 0x21 and <= 0x5F) to.Put((char)(0xFF61 - 0x21 + b));
                else to.Fail();
            }
            else if (b is 0x0E or 0x0F or > 0x7F)
            {
                to.Fail();
            }
            else
            {
                to.Put(state == State.Roman && b == 0x5C ? '\u00A5' : state == State.Roman && b == 0x7E ? '\u203E' : (char)b);
            }
        }
    }

    private static State? StateOf(ReadOnlySpan<byte> behind) => behind switch
    {
        [0x28, 0x42, ..] => State.Ascii,
        [0x28, 0x4A, ..] => State.Roman,
        [0x28, 0x49, ..] => State.Katakana,
        [0x24, 0x40 or 0x42, ..] => State.TwoBytes,
        _ => null,
    };

    /// <returns>How many bytes were read.</returns>
    private static int Two(ReadOnlySpan<byte> bytes, ref CharWriter to)
    {
        if (bytes[0] is not (>= 0x21 and <= 0x7E))
        {
            to.Fail();
            return 1;
        }
        if (bytes.Length == 1 || bytes[1] == Escape)
        {
            to.Fail();
            return 1;
        }
        var pointer = bytes[1] is >= 0x21 and <= 0x7E ? ((bytes[0] - 0x21) * 94) + bytes[1] - 0x21 : -1;
        if (pointer >= 0 && CharsetIndexes.Jis0208[pointer] is >= 0 and var code) to.Put(code);
        else to.Fail();
        return 2;
    }
}
