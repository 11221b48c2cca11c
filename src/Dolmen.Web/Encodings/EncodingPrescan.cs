using System.Buffers;
using System.Text;

namespace Dolmen.Web.Encodings;

/// <summary>What the first bytes of a page say of its encoding, found as the HTML Standard prescribes ("prescan a byte stream to determine
/// its encoding"): meta elements first, then an XML declaration. Comments and other tags are skipped whole, so that words in them say
/// nothing.</summary>
internal ref struct EncodingPrescan
{
    /// <summary>How many bytes browsers look at before they begin to read the page.</summary>
    public const int StandardBytes = 1024;

    private const int MaxAttributes = 256;                               // of one element; names beyond are not compared

    private static readonly SearchValues<char> LabelEnds = SearchValues.Create(" \t\n\f\r;");

    private readonly ReadOnlySpan<byte> _bytes;
    private int _at;

    private EncodingPrescan(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>The encoding that the page declares, or nothing.</summary>
    /// <param name="unknown">A label that was met on the way, in the right place, and that no encoding has.</param>
    public static Charset? Find(ReadOnlySpan<byte> page, int most, out string? unknown)
    {
        var start = page[..Math.Min(page.Length, most)];
        unknown = null;
        if (start.StartsWith("<\0?\0x\0"u8)) return Charsets.Find("utf-16le");
        if (start.StartsWith("\0<\0?\0x"u8)) return Charsets.Find("utf-16be");
        return new EncodingPrescan(start).Meta(ref unknown) ?? Declaration(start, ref unknown);
    }

    private Charset? Meta(ref string? unknown)
    {
        for (; _at < _bytes.Length; _at++)
        {
            var next = _bytes[_at..].IndexOf((byte)'<');
            if (next < 0) return null;
            _at += next;
            var rest = _bytes[_at..];
            if (rest.StartsWith("<!--"u8))
            {
                // The dashes may be the same: <!--> is a whole comment.
                var end = rest[2..].IndexOf("-->"u8);
                if (end < 0) return null;
                _at += end + 4;
            }
            else if (rest.Length > 5 && Ascii.EqualsIgnoreCase(rest[..5], "<meta"u8) && (IsSpace(rest[5]) || rest[5] == '/'))
            {
                _at += 5;
                if (ReadMeta(ref unknown) is { } found) return found;
            }
            else if (
                rest.Length > 1
                && (char.IsAsciiLetter((char)rest[1]) || (rest[1] == '/' && rest.Length > 2 && char.IsAsciiLetter((char)rest[2])))
            )
            {
                while (_at < _bytes.Length && !IsSpace(_bytes[_at]) && _bytes[_at] != '>') _at++;
                while (Attribute(out _, out _)) { }
            }
            else if (rest.Length > 1 && rest[1] is (byte)'!' or (byte)'/' or (byte)'?')
            {
                var end = rest.IndexOf((byte)'>');
                if (end < 0) return null;
                _at += end;
            }
        }
        return null;
    }

    private Charset? ReadMeta(ref string? unknown)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        bool gotPragma = false, needPragma = false;
        Charset? charset = null;
        string? failed = null, failedContent = null;
        while (Attribute(out var name, out var value))
        {
            if (names.Count < MaxAttributes ? !names.Add(name) : names.Contains(name)) continue;
            switch (name)
            {
                case "http-equiv":
                    gotPragma |= value == "content-type";
                    break;
                case "content" when charset is null && failed is null && Extract(value) is { } label:
                    charset = Charsets.Find(label);
                    if (charset is null) failedContent = label;
                    else needPragma = true;
                    break;
                case "charset":
                    (charset, needPragma) = (Charsets.Find(value), false);
                    failed = charset is null ? value : null;
                    break;
            }
        }
        // An element that the first bytes cut off says nothing.
        if (_at >= _bytes.Length) return null;
        if (failed is { Length: > 0 }) unknown ??= failed;
        else if (charset is null && gotPragma && failedContent is { Length: > 0 }) unknown ??= failedContent;
        return charset is null || (needPragma && !gotPragma) ? null : Readable(charset, inMeta: true);
    }

    /// <summary>The label in the content of a meta element: behind the first "charset" that an equals sign follows.</summary>
    private static string? Extract(string content)
    {
        for (var at = 0; ;)
        {
            at = content.IndexOf("charset", at, StringComparison.OrdinalIgnoreCase);
            if (at < 0) return null;
            at = SkipSpace(content, at + "charset".Length);
            if (at >= content.Length) return null;
            if (content[at] != '=') continue;
            at = SkipSpace(content, at + 1);
            if (at >= content.Length) return null;
            if (content[at] is '"' or '\'')
            {
                var close = content.IndexOf(content[at], at + 1);
                return close < 0 ? null : content[(at + 1)..close];
            }
            var end = content.AsSpan(at).IndexOfAny(LabelEnds);
            return end < 0 ? content[at..] : content.Substring(at, end);
        }

        static int SkipSpace(string text, int at)
        {
            while (at < text.Length && text[at] is ' ' or '\t' or '\n' or '\f' or '\r') at++;
            return at;
        }
    }

    private static Charset? Declaration(ReadOnlySpan<byte> start, ref string? unknown)
    {
        if (!start.StartsWith("<?xml"u8) || start.IndexOf((byte)'>') is not (> 0 and var close)) return null;
        var declaration = start[..close];
        var at = declaration.IndexOf("encoding"u8);
        if (at < 0) return null;
        var rest = declaration[(at + "encoding".Length)..].TrimStart(Blank);
        if (rest is not [(byte)'=', ..]) return null;
        rest = rest[1..].TrimStart(Blank);
        if (rest is not [(byte)'"' or (byte)'\'', ..] || rest[1..].IndexOf(rest[0]) is not (>= 0 and var end)) return null;
        var label = Encoding.Latin1.GetString(rest.Slice(1, end));
        if (label.AsSpan().IndexOfAnyInRange('\0', ' ') >= 0) return null;
        if (Charsets.Find(label) is { } found) return Readable(found, inMeta: false);
        if (label.Length > 0) unknown ??= label;
        return null;
    }

    private static ReadOnlySpan<byte> Blank => " \t\n\f\r"u8;

    /// <summary>What was read byte by byte cannot be UTF-16.</summary>
    private static Charset Readable(Charset charset, bool inMeta) => charset.Name switch
    {
        "utf-16le" or "utf-16be" => Charsets.Utf8,
        "x-user-defined" when inMeta => Charsets.Windows1252,
        _ => charset,
    };

    /// <summary>Reads the next attribute of the element; names and values are lower-cased.</summary>
    private bool Attribute(out string name, out string value)
    {
        (name, value) = ("", "");
        while (_at < _bytes.Length && (IsSpace(_bytes[_at]) || _bytes[_at] == '/')) _at++;
        if (_at >= _bytes.Length || _bytes[_at] == '>') return false;
        var start = _at;
        while (
            _at < _bytes.Length
            && !IsSpace(_bytes[_at])
            && _bytes[_at] is not ((byte)'/' or (byte)'>')
            && (_bytes[_at] != '=' || _at == start)
        )
            _at++;
        name = Lower(_bytes[start.._at]);
        while (_at < _bytes.Length && IsSpace(_bytes[_at])) _at++;
        if (_at >= _bytes.Length || _bytes[_at] != '=') return _at < _bytes.Length;
        _at++;
        while (_at < _bytes.Length && IsSpace(_bytes[_at])) _at++;
        if (_at >= _bytes.Length) return false;
        if (_bytes[_at] is (byte)'"' or (byte)'\'')
        {
            var length = _bytes[(_at + 1)..].IndexOf(_bytes[_at]);
            if (length < 0)
            {
                _at = _bytes.Length;
                return false;
            }
            value = Lower(_bytes.Slice(_at + 1, length));
            _at += length + 2;
            return true;
        }
        start = _at;
        while (_at < _bytes.Length && !IsSpace(_bytes[_at]) && _bytes[_at] != '>') _at++;
        value = Lower(_bytes[start.._at]);
        return _at < _bytes.Length;
    }

    private static string Lower(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes).ToLowerInvariant();

    private static bool IsSpace(byte b) => b is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\f' or (byte)'\r';
}
