using Dolmen.Tokenization;

namespace Dolmen.Tests.Fakes;

/// <summary>A <see cref="ByteTokenizer"/> that counts the characters it was given.</summary>
internal sealed class CountingTokenizer : Tokenizer
{
    private readonly ByteTokenizer _bytes = new();

    public int Encoded { get; set; }

    public override int VocabSize => _bytes.VocabSize;

    public override SpecialTokens Special => _bytes.Special;

    public override void Encode(ReadOnlySpan<char> text, List<int> output, bool parseSpecial = false)
    {
        Encoded += text.Length;
        _bytes.Encode(text, output, parseSpecial);
    }

    public override ReadOnlySpan<byte> BytesOf(int token) => _bytes.BytesOf(token);
}
