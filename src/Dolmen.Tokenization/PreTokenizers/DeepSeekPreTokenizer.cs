namespace Dolmen.Tokenization;

/// <summary>The last step of DeepSeek-V3's sequence: an ASCII symbol leads ASCII letters; letters and marks; punctuation and signs with
/// the line breaks behind them; white space. What none of these take (numbers, control characters) stays between them.</summary>
internal sealed class DeepSeekPreTokenizer(string pattern) : GapScanner(pattern)
{
    private const CharKind Letters = CharKind.Letter | CharKind.Mark;
    private const CharKind Signs = CharKind.Punctuation | CharKind.Sign;

    protected override int Match(ReadOnlySpan<byte> text, int start)
    {
        var kind = CharKinds.At(text, start, out var width);
        var second = start + width;
        var next = CharKinds.At(text, second, out _);
        if (width == 1 && (kind & Signs) != CharKind.None && second < text.Length && char.IsAsciiLetter((char)text[second]))
        {
            while (second < text.Length && char.IsAsciiLetter((char)text[second])) second++;
            return second;
        }
        if ((kind & Letters) != CharKind.None) return Run(text, second, Letters);
        if (kind != CharKind.Newline && (kind & Signs) == CharKind.None && (next & Letters) != CharKind.None)
            return Run(text, second, Letters);
        if ((kind & Signs) != CharKind.None || (text[start] == ' ' && (next & Signs) != CharKind.None))
            return Run(text, Run(text, second, Signs), CharKind.Newline);
        return (kind & CharKind.WhiteSpace) != CharKind.None ? WhiteSpace(text, start, lines: true) : -1;
    }
}
