using System.Text;
using System.Text.Unicode;
using Dolmen.Artifacts;
using Dolmen.Web.Encodings;
using UtfUnknown;

namespace Dolmen.Web.Encodings;

/// <summary>The bytes of a page or a text as characters.</summary>
public static class PageText
{
    /// <summary>What is noted of a page that names an encoding which nobody knows.</summary>
    public const string UnknownCharset = "charset-unknown";

    private const int MetaBytes = 4096;
    private const int DetectionBytes = 1 << 16;
    // so many beyond ASCII are not valid UTF-8 by chance in any other encoding
    private const int SureBytes = 16;
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

    /// <summary>As <see cref="Decode"/>, and notes a text in which bytes had to be replaced.</summary>
    public static string DecodeCounted(byte[] bytes, string? charset, Funnel? funnel)
    {
        var text = Decode(bytes, charset);
        if (funnel is not null && text.Contains('\uFFFD', StringComparison.Ordinal) && bytes.AsSpan().IndexOf("\uFFFD"u8) < 0)
            funnel.Note("bytes-replaced");
        return text;
    }

    /// <summary>Whether the header or, where that names none, the page names an encoding that nobody knows: it then counts for
    /// nothing.</summary>
    public static bool NamesUnknown(byte[] bytes, string? charset)
    {
        if (!string.IsNullOrWhiteSpace(charset)) return Charsets.Find(charset) is null;
        return EncodingPrescan.Find(bytes, MetaBytes, out var unknown) is null && unknown is not null;
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
        if (first < 0) return (SevenBits(bytes, charset) ?? Charsets.Utf8).Decode(bytes);
        if (Utf8.IsValid(bytes))
        {
            if (HasBeyondAscii(bytes.AsSpan(first), SureBytes))
                return Encoding.UTF8.GetString(bytes);
            return (Declared(bytes, charset) is { IsSingleByte: false, IsUnicode: false } declared ? declared : Charsets.Utf8).Decode(
                bytes
            );
        }
        if (IsFlawedUtf8(bytes.AsSpan(first))) return Encoding.UTF8.GetString(bytes);
        if (Charsets.Find(charset) is { } named && named != Charsets.Utf8) return named.Decode(bytes);
        return (Meta(bytes) is { IsUnicode: false } own ? own : Detect(bytes.AsSpan(first))).Decode(bytes);
    }

    private static Charset? Declared(byte[] bytes, string? charset) => Charsets.Find(charset) ?? Meta(bytes);

    /// <summary>Browsers look at the first 1,024 bytes before they read a page, and heed a meta element a little later all the
    /// same.</summary>
    private static Charset? Meta(byte[] bytes) =>
        EncodingPrescan.Find(bytes, EncodingPrescan.StandardBytes, out _) ?? EncodingPrescan.Find(bytes, MetaBytes, out _);

    /// <summary>The encoding of ASCII bytes that stand for other characters: declared, or shown by escape sequences that mean something
    /// throughout.</summary>
    private static Charset? SevenBits(byte[] bytes, string? charset)
    {
        if (!bytes.AsSpan().ContainsAny((byte)0x1B, (byte)'~')) return null;
        if (Declared(bytes, charset) is { } declared) return declared.Name is "iso-2022-jp" or "replacement" ? declared : null;
        if (bytes.AsSpan().IndexOf("\e$B"u8) < 0 && bytes.AsSpan().IndexOf("\e$@"u8) < 0) return null;
        return Charsets.Iso2022Jp.Decode(bytes).Contains('\uFFFD', StringComparison.Ordinal) ? null : Charsets.Iso2022Jp;
    }

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

    private static Charset Detect(ReadOnlySpan<byte> bytes)
    {
        var found = CharsetDetector.DetectFromBytes(bytes[..Math.Min(bytes.Length, DetectionBytes)].ToArray()).Detected;
        if (
            found is { Confidence: >= MinConfidence }
            && Charsets.Find(found.EncodingName) is { IsUnicode: false, Name: not "replacement" } charset
        )
            return charset;
        return Charsets.Windows1252;
    }
}
