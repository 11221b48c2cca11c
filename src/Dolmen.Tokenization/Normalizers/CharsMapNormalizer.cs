using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Dolmen.Tokenization;

/// <summary>
/// SentencePiece's compiled rules: at every place the longest text a table holds becomes another. The table is a double-array trie
/// (darts-clone) whose values are places in a list of texts that each end in a zero.
/// </summary>
internal sealed class CharsMapNormalizer : Normalizer
{
    private readonly byte[] _file;
    private readonly uint[] _units;
    private readonly byte[] _texts;

    private CharsMapNormalizer(byte[] file, uint[] units, byte[] texts) => (_file, _units, _texts) = (file, units, texts);

    /// <summary>Null where the bytes are not such a table. Size of the trie, the trie, the texts.</summary>
    public static CharsMapNormalizer? Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 8) return null;
        var size = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (size % 4 != 0 || size == 0 || size > bytes.Length - 4) return null;
        var units = new uint[size / 4];
        for (var i = 0; i < units.Length; i++) units[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 + 4 * i)..]);
        return new CharsMapNormalizer(bytes.ToArray(), units, bytes[(4 + (int)size)..].ToArray());
    }

    public override string Apply(string text, long longest)
    {
        var rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetByteCount(text));
        ReadOnlySpan<byte> utf8 = rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented));
        var result = new ArrayBufferWriter<byte>(utf8.Length + 16);
        while (!utf8.IsEmpty)
        {
            var target = Find(utf8, out var length);
            if (length > 0)
            {
                result.Write(target);
                Check(result.WrittenCount / 4, longest);
            }
            else
            {
                Rune.DecodeFromUtf8(utf8, out _, out length);
                result.Write(utf8[..length]);
            }
            utf8 = utf8[length..];
        }
        ArrayPool<byte>.Shared.Return(rented);
        return Encoding.UTF8.GetString(result.WrittenSpan);
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteString("type", "Precompiled");
        json.WriteBase64String("precompiled_charsmap", _file);
    }

    /// <summary>What the longest text of the table that <paramref name="text"/> begins with becomes; the length is 0 where it begins with
    /// none.</summary>
    public ReadOnlySpan<byte> Find(ReadOnlySpan<byte> text, out int length)
    {
        (length, var at) = Longest(text);
        if (length == 0) return [];
        var target = _texts.AsSpan(at);
        var end = target.IndexOf((byte)0);
        return end < 0 ? target : target[..end];
    }

    private (int Length, int At) Longest(ReadOnlySpan<byte> text)
    {
        var best = (Length: 0, At: 0);
        var node = Offset(_units[0]);
        for (var i = 0; i < text.Length; i++)
        {
            node ^= text[i];
            if (node >= (uint)_units.Length) break;
            var unit = _units[node];
            if ((unit & 0x800000FF) != text[i]) break;
            node ^= Offset(unit);
            if ((unit & 0x100) == 0 || node >= (uint)_units.Length) continue;
            var at = (int)(_units[node] & int.MaxValue);
            if (at < _texts.Length) best = (i + 1, at);
        }
        return best;
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 0x200) >> 6);
}

/// <summary>Spaces at the ends go, several in a row become one; at the end of a text what SentencePiece writes for a space goes as
/// well.</summary>
internal sealed class SpacesNormalizer : Normalizer
{
    public override string Apply(string text, long longest) =>
        string.Join(' ', text.TrimEnd(' ', SentencePieceTokenizer.Space).Split(' ', StringSplitOptions.RemoveEmptyEntries));

    public override bool Keeps(ReadOnlySpan<char> text) =>
        !text.StartsWith(' ')
        && !text.EndsWith(' ')
        && !text.EndsWith(SentencePieceTokenizer.Space)
        && !text.Contains("  ", StringComparison.Ordinal);

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteString("type", "Sequence");
        json.WriteStartArray("normalizers");
        foreach (var (pattern, to) in (ReadOnlySpan<(string, string)>)[(@"\A +| +\z", ""), (" {2,}", " ")])
        {
            json.WriteStartObject();
            ReplaceNormalizer.Write(json, "Regex", pattern, to);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
