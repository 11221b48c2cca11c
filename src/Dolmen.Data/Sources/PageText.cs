using System.Text;
using System.Text.Unicode;
using Dolmen.Data.Warc;
using UtfUnknown;

namespace Dolmen.Data.Sources;

/// <summary>The bytes of a page or a text as characters.</summary>
internal static class PageText
{
    private const int MetaBytes = 4096;
    private const int DetectionBytes = 1 << 16;
    private const int SureBytes = 16;                                    // so many beyond ASCII are not valid UTF-8 by chance in any other encoding
    private const int SampleBytes = 4096;
    private const int FlawedShare = 20;                                  // UTF-8 with one bad place in twenty is still UTF-8
    private const float MinConfidence = 0.3f;

    /// <summary>In this order: a byte order mark, UTF-8 beyond chance (servers mislabel it often), the header's charset, the page's own,
    /// UTF-8 if valid, detection. Bytes that mean nothing become U+FFFD, NUL characters are removed.</summary>
    /// <param name="charset">Of the HTTP header, if it names one.</param>
    public static string Decode(byte[] bytes, string? charset)
    {
        var text = Decoded(bytes, charset);
        return text.Contains('\0') ? text.Replace("\0", "", StringComparison.Ordinal) : text;
    }

    private static string Decoded(byte[] bytes, string? charset)
    {
        switch (bytes)
        {
            case [0xEF, 0xBB, 0xBF, ..]: return Encoding.UTF8.GetString(bytes.AsSpan(3));
            case [0xFF, 0xFE, 0, 0, ..]: return Encoding.UTF32.GetString(bytes.AsSpan(4));
            case [0xFF, 0xFE, ..]: return Encoding.Unicode.GetString(bytes.AsSpan(2));
            case [0xFE, 0xFF, ..]: return Encoding.BigEndianUnicode.GetString(bytes.AsSpan(2));
        }
        if (WideWithoutMark(bytes) is { } wide) return wide.GetString(bytes);

        var first = bytes.AsSpan().IndexOfAnyExceptInRange((byte)0, (byte)0x7F);
        if (first < 0) return (bytes.AsSpan().ContainsAny((byte)0x1B, (byte)'~') && Declared(bytes, charset) is { } shifting && IsSevenBit(shifting) ? shifting : Encoding.UTF8).GetString(bytes);
        if (Utf8.IsValid(bytes))
        {
            if (HasBeyondAscii(bytes.AsSpan(first), SureBytes)) return Encoding.UTF8.GetString(bytes);
            return (Declared(bytes, charset) is { IsSingleByte: false } declared && !IsUnicode(declared) ? declared : Encoding.UTF8).GetString(bytes);
        }
        if (IsFlawedUtf8(bytes.AsSpan(first))) return Encoding.UTF8.GetString(bytes);
        if (Charsets.Find(charset) is { } named && named is not UTF8Encoding) return Legacy(named, bytes);
        if (Meta(bytes) is { } own && !IsUnicode(own)) return Legacy(own, bytes);
        return Legacy(Detect(bytes.AsSpan(first)), bytes);
    }

    // Code pages of two bytes map some single ones that mean nothing to this corner of the private use area.
    private static string Legacy(Encoding encoding, byte[] bytes)
    {
        var text = encoding.GetString(bytes);
        if (encoding.IsSingleByte || !text.AsSpan().ContainsAnyInRange('\uF8F0', '\uF8FF')) return text;
        return string.Create(text.Length, text, (to, from) =>
        {
            for (var i = 0; i < to.Length; i++) to[i] = from[i] is >= '\uF8F0' and <= '\uF8FF' ? '\uFFFD' : from[i];
        });
    }

    private static Encoding? Declared(byte[] bytes, string? charset) => Charsets.Find(charset) ?? Meta(bytes);

    /// <summary>UTF-16 without a mark: in markup and most scripts' spaces every other byte is NUL.</summary>
    private static Encoding? WideWithoutMark(byte[] bytes)
    {
        var head = bytes.AsSpan(0, Math.Min(bytes.Length, MetaBytes) & ~1);
        if (head.Length < 8 || head.Count((byte)0) is var nuls && nuls < head.Length / 8) return null;
        var even = 0;
        for (var i = 0; i < head.Length; i += 2)
            if (head[i] == 0) even++;
        var odd = nuls - even;
        return odd > 8 * even ? Encoding.Unicode : even > 8 * odd ? Encoding.BigEndianUnicode : null;
    }

    private static bool HasBeyondAscii(ReadOnlySpan<byte> bytes, int count)
    {
        while (bytes.IndexOfAnyInRange((byte)0x80, (byte)0xFF) is >= 0 and var at)
        {
            if (--count == 0) return true;
            bytes = bytes[(at + 1)..];
        }
        return false;
    }

    /// <summary>UTF-8 with a bad place here and there, by what follows the first byte that is not ASCII: to decode all of a page in
    /// another encoding just to count would take longer than all else.</summary>
    private static bool IsFlawedUtf8(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > SampleBytes)
        {
            bytes = bytes[..SampleBytes];
            if (bytes.LastIndexOfAnyInRange((byte)0, (byte)0x7F) is > 0 and var end) bytes = bytes[..end];
        }
        long beyond = 0;
        foreach (var b in bytes) beyond += b >> 7;
        return (long)Encoding.UTF8.GetString(bytes).AsSpan().Count('\uFFFD') * FlawedShare <= beyond;
    }

    /// <summary>The charset of a meta element or an XML declaration among the first bytes, as browsers look for it.</summary>
    private static Encoding? Meta(byte[] bytes)
    {
        var rest = bytes.AsSpan(0, Math.Min(bytes.Length, MetaBytes));
        if (rest.StartsWith("<?xml"u8) && rest.IndexOf((byte)'>') is > 0 and var close && Named(rest[..close], "encoding") is { } declared) return declared;
        while (rest.IndexOf((byte)'<') is >= 0 and var at)
        {
            rest = rest[at..];
            if (rest.StartsWith("<!--"u8))
            {
                var end = rest.IndexOf("-->"u8);
                if (end < 0) return null;
                rest = rest[end..];
                continue;
            }
            if (rest.Length > 6 && Ascii.EqualsIgnoreCase(rest[..5], "<meta"u8))
            {
                var end = rest.IndexOf((byte)'>');
                if (Named(end < 0 ? rest : rest[..end], "charset") is { } encoding) return encoding;
            }
            rest = rest[1..];
        }
        return null;
    }

    private static Encoding? Named(ReadOnlySpan<byte> tag, string attribute)
    {
        var encoding = Charsets.Find(HttpMessage.Parameter(Encoding.Latin1.GetString(tag), attribute));
        // It was read byte by byte, so it cannot be UTF-16.
        return encoding is UnicodeEncoding ? Encoding.UTF8 : encoding;
    }

    private static Encoding Detect(ReadOnlySpan<byte> bytes)
    {
        var found = CharsetDetector.DetectFromBytes(bytes[..Math.Min(bytes.Length, DetectionBytes)].ToArray()).Detected;
        if (found is { Confidence: >= MinConfidence } && Charsets.Find(found.EncodingName) is { } encoding && !IsUnicode(encoding)) return encoding;
        return Charsets.Find("windows-1252") ?? Encoding.Latin1;
    }

    private static bool IsUnicode(Encoding encoding) => encoding is UTF8Encoding or UnicodeEncoding or UTF32Encoding;

    private static bool IsSevenBit(Encoding encoding) => encoding.CodePage is 50220 or 50221 or 50222 or 50225 or 52936;
}
