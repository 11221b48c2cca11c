using System.Text;
using CsCheck;

namespace Dolmen.Tests.Data.Fuzz;

/// <summary>Bytes with something wrong in them.</summary>
internal static class Damage
{
    public enum Kind
    {
        Flip, Delete, Insert, Repeat, Swap, Cut, Digit, Extreme, Replace,
    }

    /// <summary>One of the files, damaged in up to four places.</summary>
    public static byte[] Of(byte[][] whole, PCG random)
    {
        var bytes = whole[random.Next((uint)whole.Length)];
        for (var times = 1 + random.Next(4); times > 0; times--) bytes = Mutate(bytes, (Kind)random.Next(9), random);
        return bytes;
    }

    private static byte[] Mutate(byte[] bytes, Kind kind, PCG random)
    {
        if (bytes.Length < 8) return bytes;
        var at = (int)random.Next((uint)bytes.Length);
        var length = 1 + (int)random.Next((uint)Math.Min(bytes.Length - at, random.Next(4) == 0 ? 4096 : 16));
        length = Math.Min(length, bytes.Length - at);
        switch (kind)
        {
            case Kind.Flip:
                var flipped = bytes.ToArray();
                flipped[at] ^= (byte)(1 << (int)random.Next(8));
                return flipped;
            case Kind.Delete: return [.. bytes[..at], .. bytes[(at + length)..]];
            case Kind.Insert: return [.. bytes[..at], .. Enumerable.Range(0, length).Select(_ => (byte)random.Next(256)), .. bytes[at..]];
            case Kind.Repeat: return [.. bytes[..(at + length)], .. bytes[at..]];
            case Kind.Swap:
                var to = (int)random.Next((uint)bytes.Length);
                return [.. bytes[..at], .. bytes[to..Math.Min(bytes.Length, to + length)], .. bytes[(at + length)..]];
            case Kind.Cut: return bytes[..at];
            case Kind.Digit:
                var digits = bytes.ToArray();
                for (var i = at; i < bytes.Length; i++)
                {
                    if (bytes[i] is < (byte)'0' or > (byte)'9') continue;
                    digits[i] = (byte)('0' + random.Next(10));
                    break;
                }
                return digits;
            case Kind.Extreme:
                var extreme = bytes.ToArray();
                extreme.AsSpan(at, Math.Min(length, 8)).Fill((byte)(random.Next(3) switch { 0 => 0, 1 => 0xFF, _ => 0x80 }));
                return extreme;
            default:
                string[] words =
                [
                    "WARC/1.0\r\n",
                    "\r\n\r\n",
                    "Content-Length: 99999999999\r\n",
                    "\u001F\u008B\b",
                    "(µ/ý",
                    "0\r\n",
                    "charset=utf-16",
                    "Transfer-Encoding: chunked\r\n",
                    "\n",
                    "\"",
                    "{",
                    "[",
                    "PAR1",
                    "*",
                    "$",
                    "<loc>",
                    "\\ud800",
                    "-1",
                    "1e999",
                    "null",
                ];
                return [.. bytes[..at], .. Encoding.Latin1.GetBytes(words[random.Next((uint)words.Length)]), .. bytes[at..]];
        }
    }
}
