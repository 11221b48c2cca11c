namespace Dolmen.Tokenization;

/// <summary>A pattern that does not match everywhere: what lies between two matches is one piece.</summary>
internal abstract class GapScanner(string pattern) : PatternScanner(pattern)
{
    protected sealed override int Next(ReadOnlySpan<byte> text, int start)
    {
        for (var at = start; at < text.Length;)
        {
            var end = Match(text, at);
            if (end >= 0) return at == start ? end : at;
            CharKinds.At(text, at, out var width);
            at += width;
        }
        return text.Length;
    }

    /// <summary>End of the match that begins at <paramref name="at"/>, −1 where none does.</summary>
    protected abstract int Match(ReadOnlySpan<byte> text, int at);
}
