using Dolmen.Tokenization;

namespace Dolmen.Tests.Fakes;

/// <summary>Ids 0–255 are the bytes, the control tokens follow. With <paramref name="pairs"/>, two equal letters in a row are one id, so
/// that the encoding of a text is not always a prefix of the encoding of a longer one.</summary>
internal sealed class ByteTokenizer(bool pairs = false) : Tokenizer
{
    public const int PairBase = 256 + 7;

    public override int VocabSize => pairs ? PairBase + 256 : PairBase;

    public override SpecialTokens Special { get; } = new(256, 257, 258, 259, 260, 261, 262);

    public override void Encode(ReadOnlySpan<char> text, List<int> output, bool parseSpecial = false)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(text.ToString());
        for (var i = 0; i < bytes.Length; i++)
        {
            if (pairs && i + 1 < bytes.Length && bytes[i] == bytes[i + 1]) output.Add(PairBase + bytes[i++]);
            else output.Add(bytes[i]);
        }
    }

    public override ReadOnlySpan<byte> BytesOf(int token) => token switch
    {
        < 256 => new[] { (byte)token },
        < PairBase => System.Text.Encoding.UTF8.GetBytes(SpecialTokens.Names[token - 256]),
        _ => new[] { (byte)(token - PairBase), (byte)(token - PairBase) },
    };
}
