using System.Text;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Fakes;

/// <summary>Ids 0–255 are the bytes, then come the control tokens and the pieces. Texts are encoded by their bytes.</summary>
internal sealed class PieceTokenizer(params string[] pieces) : Tokenizer
{
    private const int FirstPiece = 256 + 7;

    private readonly byte[][] _pieces = [.. pieces.Select(Encoding.UTF8.GetBytes)];

    public override int VocabSize => FirstPiece + _pieces.Length;

    public override SpecialTokens Special { get; } = new(256, 257, 258, 259, 260, 261, 262);

    public override void Encode(ReadOnlySpan<char> text, List<int> output, bool parseSpecial = false)
    {
        foreach (var value in Encoding.UTF8.GetBytes(text.ToString())) output.Add(value);
    }

    public override ReadOnlySpan<byte> BytesOf(int token) => token switch
    {
        < 256 => new[] { (byte)token },
        < FirstPiece => Encoding.UTF8.GetBytes(SpecialTokens.Names[token - 256]),
        _ => _pieces[token - FirstPiece],
    };
}
