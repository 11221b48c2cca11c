namespace Dolmen.Tokenization;

/// <summary>English contractions, letters, numbers or symbols with the space before them, white space: the split of GPT-2, r50k and
/// p50k.</summary>
internal sealed class Gpt2PreTokenizer(string pattern) : PatternScanner(pattern)
{
    protected override int Next(ReadOnlySpan<byte> text, int start)
    {
        var end = Contraction(text, start, Contractions.LowerCase);
        if (end > start) return end;
        var kind = CharKinds.At(text, start, out var width);
        var at = start + width;
        if (text[start] == ' ') kind = CharKinds.At(text, at, out _);
        if ((kind & CharKind.Letter) != CharKind.None) return Run(text, at, CharKind.Letter);
        if (kind == CharKind.Number) return Run(text, at, CharKind.Number);
        if ((kind & CharKind.Symbol) != CharKind.None) return Run(text, at, CharKind.Symbol);
        return WhiteSpace(text, start, lines: false);
    }
}
