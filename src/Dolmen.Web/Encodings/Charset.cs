using System.Text;

namespace Dolmen.Web.Encodings;

/// <summary>One encoding of the WHATWG Encoding Standard. Bytes that mean nothing in it become U+FFFD.</summary>
internal abstract class Charset(string name)
{
    /// <summary>As the standard calls it, in lower case.</summary>
    public string Name => name;

    public virtual bool IsSingleByte => false;

    public virtual bool IsUnicode => false;

    public abstract string Decode(ReadOnlySpan<byte> bytes);
}

/// <summary>UTF-8 or UTF-16, which the runtime decodes as the standard does.</summary>
internal sealed class UnicodeCharset(string name, Encoding encoding) : Charset(name)
{
    public override bool IsUnicode => true;

    public override string Decode(ReadOnlySpan<byte> bytes) => encoding.GetString(bytes);
}

/// <summary>ASCII below, and a table of 128 code points above.</summary>
internal sealed class SingleByteCharset(string name, int[] upperHalf) : Charset(name)
{
    public override bool IsSingleByte => true;

    public override string Decode(ReadOnlySpan<byte> bytes) => string.Create(bytes.Length, bytes, (to, from) =>
    {
        for (var i = 0; i < from.Length; i++)
        {
            var b = from[i];
            to[i] = b < 0x80 ? (char)b : upperHalf[b - 0x80] is >= 0 and var code ? (char)code : '\uFFFD';
        }
    });
}

/// <summary>Reads all of the bytes.</summary>
internal delegate void CharsetDecoder(ReadOnlySpan<byte> bytes, ref CharWriter to);

/// <summary>An encoding of more than one byte a character.</summary>
internal sealed class MultiByteCharset(string name, CharsetDecoder decoder) : Charset(name)
{
    public override string Decode(ReadOnlySpan<byte> bytes)
    {
        var room = new char[bytes.Length + 1];
        var writer = new CharWriter(room);
        decoder(bytes, ref writer);
        return new string(room, 0, writer.Length);
    }
}

/// <summary>Stands for encodings that browsers refuse because ASCII bytes mean something else in them: the whole input is one
/// U+FFFD.</summary>
internal sealed class ReplacementCharset(string name) : Charset(name)
{
    public override string Decode(ReadOnlySpan<byte> bytes) => bytes.IsEmpty ? "" : "\uFFFD";
}
