namespace Dolmen.Tokenization;

/// <summary>
/// English contractions, letters with one character before them, numbers of at most <paramref name="digits"/>, symbols with the line
/// breaks behind them, white space up to its last line break: the split of OpenAI's cl100k vocabulary, of Llama 3, Qwen and nanochat.
/// </summary>
/// <param name="pattern">As tokenizer.json names it.</param>
/// <param name="contractions">In which case.</param>
/// <param name="digits">The most numbers of a piece.</param>
/// <param name="marks">Marks count as letters.</param>
/// <param name="wholeAtEnd">White space that ends the text is one piece whatever its line breaks.</param>
internal sealed class Cl100kPreTokenizer(
    string pattern, Contractions contractions, int digits, bool marks = false, bool wholeAtEnd = false) : PatternScanner(pattern)
{
    private readonly CharKind _letters = marks ? CharKind.Letter | CharKind.Mark : CharKind.Letter;
    private readonly CharKind _symbols = marks ? CharKind.Symbol & ~CharKind.Mark : CharKind.Symbol;

    protected override int Next(ReadOnlySpan<byte> text, int start)
    {
        var end = Contraction(text, start, contractions);
        if (end > start) return end;
        var kind = CharKinds.At(text, start, out var width);
        var second = start + width;
        if ((kind & _letters) != CharKind.None) return Run(text, second, _letters);
        if (kind == CharKind.Number) return Numbers(text, second, digits - 1);
        var next = CharKinds.At(text, second, out _);
        if (kind != CharKind.Newline && (next & _letters) != CharKind.None) return Run(text, second, _letters);
        if ((kind & _symbols) != CharKind.None || (text[start] == ' ' && (next & _symbols) != CharKind.None))
            return Run(text, Run(text, second, _symbols), CharKind.Newline);
        return WhiteSpace(text, start, lines: true, wholeAtEnd);
    }
}
