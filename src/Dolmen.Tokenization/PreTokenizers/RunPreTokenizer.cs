namespace Dolmen.Tokenization;

/// <summary>
/// Cuts out runs of characters of one class and leaves what lies between whole: the digits, punctuation and scripts that sequences of
/// splits set apart. Longer runs than <paramref name="most"/> are several pieces, shorter ones than <paramref name="least"/> none.
/// </summary>
/// <param name="pattern">The same as a regular expression.</param>
/// <param name="kinds">Kinds of characters of the class.</param>
/// <param name="ranges">Further characters of the class: first, last, first, last…</param>
/// <param name="leadingSpace">One white space before the run belongs to it.</param>
/// <param name="atEnd">Only what ends a line: up to the run's last line break, or to the end of the text.</param>
internal sealed class RunPreTokenizer(
    string pattern, CharKind kinds, string ranges = "", bool leadingSpace = false, int least = 1, int most = int.MaxValue,
    bool atEnd = false) : GapScanner(pattern)
{
    private readonly int[] _ranges = [.. ranges.EnumerateRunes().Select(rune => rune.Value)];

    protected override int Match(ReadOnlySpan<byte> text, int at)
    {
        if (leadingSpace && (CharKinds.At(text, at, out var width) & CharKind.WhiteSpace) != CharKind.None
            && RunEnd(text, at + width) is var end and >= 0) return end;
        return RunEnd(text, at);
    }

    private int RunEnd(ReadOnlySpan<byte> text, int start)
    {
        var (at, count) = (start, 0);
        while (count < most && at < text.Length && Holds(CharKinds.CodePoint(text, at, out var width)))
        {
            at += width;
            count++;
        }
        if (!atEnd || at == text.Length) return count >= least ? at : -1;
        var lineEnd = text[start..at].LastIndexOf((byte)'\n');
        return lineEnd > 0 ? start + lineEnd : -1;
    }

    private bool Holds(int codePoint)
    {
        if ((CharKinds.Of(codePoint) & kinds) != CharKind.None) return true;
        for (var i = 0; i < _ranges.Length; i += 2)
            if (codePoint >= _ranges[i] && codePoint <= _ranges[i + 1]) return true;
        return false;
    }
}
