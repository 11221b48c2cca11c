using System.Text;

namespace Dolmen.Tokenization;

/// <summary>Text to token ids and back. Encoding any string and decoding the ids gives the string's UTF-8 bytes again.</summary>
public abstract class Tokenizer
{
    /// <summary>Number of ids, special tokens included.</summary>
    public abstract int VocabSize { get; }

    public abstract SpecialTokens Special { get; }

    /// <summary>Appends the ids of <paramref name="text"/>. Unless <paramref name="parseSpecial"/>, text that looks like a special token
    /// is ordinary text, so that no document or user can forge one.</summary>
    public abstract void Encode(ReadOnlySpan<char> text, List<int> output, bool parseSpecial = false);

    /// <summary>The bytes an id stands for; a special token's name in UTF-8.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No such id.</exception>
    public abstract ReadOnlySpan<byte> BytesOf(int token);

    public int[] Encode(ReadOnlySpan<char> text, bool parseSpecial = false)
    {
        var output = new List<int>(text.Length / 3 + 8);
        Encode(text, output, parseSpecial);
        return [.. output];
    }

    public byte[] DecodeBytes(ReadOnlySpan<int> tokens)
    {
        var bytes = new List<byte>(tokens.Length * 4);
        foreach (var token in tokens) bytes.AddRange(BytesOf(token));
        return [.. bytes];
    }

    /// <summary>Bytes that are not UTF-8 become U+FFFD.</summary>
    public string Decode(ReadOnlySpan<int> tokens) => Encoding.UTF8.GetString(DecodeBytes(tokens));
}
