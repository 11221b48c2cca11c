namespace Dolmen.Tokenization;

/// <summary>
/// Words with their leading space, split where camelCase begins a new word (<c>TrimEnd</c> is <c>Trim</c>, <c>End</c>), digits in
/// threes, punctuation with the line breaks behind it, white space. The split of OpenAI's o200k vocabulary and its kin.
/// </summary>
internal sealed class O200kPreTokenizer(string pattern, Contractions contractions, int digits) : PatternScanner(pattern)
{
    private const CharKind WordHead = CharKind.Upper | CharKind.Caseless | CharKind.Mark;
    private const CharKind WordTail = CharKind.Lower | CharKind.Caseless | CharKind.Mark;

    protected override int Next(ReadOnlySpan<byte> text, int start)
    {
        var kind = CharKinds.At(text, start, out var width);
        var second = start + width;
        if ((kind & CharKind.Letter) != CharKind.None) return Word(text, start, allUpper: true);
        if (kind == CharKind.Number) return Numbers(text, second, digits - 1);
        if (kind == CharKind.Mark)
        {
            var end = Word(text, second, allUpper: false);
            return end >= 0 ? end : Word(text, start, allUpper: false);
        }
        if (kind != CharKind.Newline)                                    // a space or symbol may lead a word
        {
            var end = Word(text, second, allUpper: true);
            if (end >= 0) return end;
        }
        if ((kind & CharKind.Symbol) != CharKind.None) return Symbols(text, second);
        if (text[start] == ' ' && (CharKinds.At(text, second, out _) & CharKind.Symbol) != CharKind.None) return Symbols(text, second);
        return WhiteSpace(text, start, lines: true);
    }

    /// <summary>The first two branches of the pattern behind their optional first character. -1 where they do not match.</summary>
    private int Word(ReadOnlySpan<byte> text, int start, bool allUpper)
    {
        var at = start;
        var lastCaseless = -1;
        CharKind kind;
        int width;
        while (((kind = CharKinds.At(text, at, out width)) & WordHead) != CharKind.None)
        {
            at += width;
            if (kind != CharKind.Upper) lastCaseless = at;
        }
        if (kind == CharKind.Lower)
        {
            do at += width;
            while ((CharKinds.At(text, at, out width) & WordTail) != CharKind.None);
            return Contraction(text, at, contractions);
        }
        // No lower-case letter follows, so a regex engine steps back to the last character that may stand for one.
        if (lastCaseless >= 0) return Contraction(text, lastCaseless, contractions);
        return allUpper && at > start ? Contraction(text, at, contractions) : -1;
    }

    private static int Symbols(ReadOnlySpan<byte> text, int at)
    {
        at = Run(text, at, CharKind.Symbol);
        while (at < text.Length && text[at] is (byte)'\r' or (byte)'\n' or (byte)'/') at++;
        return at;
    }
}
