using System.Diagnostics;
using System.Globalization;
using System.Text;
using CsCheck;

namespace Dolmen.Tests.Data.Warc;

/// <summary>Bytes with something wrong in them.</summary>
internal static class Damage
{
    // DOLMEN_FUZZ_SECONDS=300 makes a search of what is a check otherwise.
    private const int Files = 300;

    private static readonly int Seconds = int.Parse(Environment.GetEnvironmentVariable("DOLMEN_FUZZ_SECONDS") ?? "0", CultureInfo.InvariantCulture);

    public enum Kind
    {
        Flip, Delete, Insert, Repeat, Swap, Cut, Digit, Replace,
    }

    /// <summary>Gives damaged files to <paramref name="read"/> one after another.</summary>
    /// <returns>How many.</returns>
    public static int Search(byte[][] whole, Action<byte[]> read)
    {
        var clock = Stopwatch.StartNew();
        var random = new PCG(7, 42);
        var files = 0;
        for (; files < Files || clock.Elapsed.TotalSeconds < Seconds; files++)
        {
            var bytes = whole[random.Next((uint)whole.Length)];
            for (var times = 1 + random.Next(4); times > 0; times--) bytes = Mutate(bytes, (Kind)random.Next(8), random);
            try
            {
                read(bytes);
            }
            catch (Exception error) when (error is not Xunit.Sdk.XunitException)
            {
                throw new InvalidDataException($"file {files}, base64 {Convert.ToBase64String(bytes)}", error);
            }
        }
        return files;
    }

    public static byte[] Mutate(byte[] bytes, Kind kind, PCG random)
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
            default:
                string[] words = ["WARC/1.0\r\n", "\r\n\r\n", "Content-Length: 99999999999\r\n", "\u001F\u008B\b", "(µ/ý", "0\r\n", "charset=utf-16", "Transfer-Encoding: chunked\r\n", "\n"];
                return [.. bytes[..at], .. Encoding.Latin1.GetBytes(words[random.Next((uint)words.Length)]), .. bytes[at..]];
        }
    }
}
