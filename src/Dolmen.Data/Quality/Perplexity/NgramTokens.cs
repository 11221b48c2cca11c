namespace Dolmen.Data.Quality.Perplexity;

/// <summary>What the tokens of an n-gram model are.</summary>
public enum PerplexityUnit
{
    /// <summary>Words, and each mark of punctuation; single characters in scripts without spaces.</summary>
    Word,
    /// <summary>Characters, a run of blanks as one.</summary>
    Char,
}

/// <summary>A text as hashed tokens, line by line: case and digits are folded, and a line without tokens is none.</summary>
internal ref struct NgramTokens(ReadOnlySpan<char> text, PerplexityUnit unit)
{
    /// <summary>Stands before and after the tokens of a line; a hash is never one of these.</summary>
    public const ulong LineStart = 1, LineEnd = 2;

    private const ulong Prime = 0x100000001B3, Seed = 0xCBF29CE484222325;

    private ReadOnlySpan<char> _rest = text;
    private bool _inLine;

    public ulong Current { get; private set; }

    public bool MoveNext()
    {
        var blank = false;
        var at = 0;
        for (; at < _rest.Length; at++)
        {
            if (Folded.Kind(_rest[at]) == UnitKind.LineEnd)
            {
                if (!_inLine) continue;
                return EndLine(at + 1);
            }
            if (!char.IsWhiteSpace(_rest[at])) break;
            blank = true;
        }
        if (at == _rest.Length) return _inLine && EndLine(at);
        if (unit == PerplexityUnit.Char && blank && _inLine) return Token(at, Hash(" "));
        var end = at + 1;
        if (unit == PerplexityUnit.Word && Folded.Kind(_rest[at]) == UnitKind.Word)
            while (end < _rest.Length && Folded.Kind(_rest[end]) == UnitKind.Word) end++;
        else if (char.IsHighSurrogate(_rest[at]) && end < _rest.Length && char.IsLowSurrogate(_rest[end])) end++;
        return Token(end, Hash(_rest[at..end]));
    }

    private bool Token(int next, ulong hash)
    {
        Current = hash;
        _inLine = true;
        _rest = _rest[next..];
        return true;
    }

    private bool EndLine(int next)
    {
        Current = LineEnd;
        _inLine = false;
        _rest = _rest[next..];
        return true;
    }

    private static ulong Hash(ReadOnlySpan<char> token)
    {
        unchecked
        {
            var hash = Seed;
            foreach (var unit in token) hash = (hash ^ Folded.Letter(unit)) * Prime;
            return hash < 16 ? hash + 16 : hash;
        }
    }
}
