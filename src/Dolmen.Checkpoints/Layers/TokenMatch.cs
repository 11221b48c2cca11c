namespace Dolmen.Checkpoints;

/// <summary>Where a text read before as it reads now: <see cref="Length"/> tokens up to and with the one at <see cref="End"/> are the last
/// tokens of the text. No tokens where the last one is new to the text.</summary>
public readonly record struct TokenMatch(int End, int Length)
{
    /// <summary>Longer matches are as good: no search goes on for ever in a text that repeats itself.</summary>
    public const int MostCompared = 64;

    /// <summary>The longest match of the end of a text, the latest of equally long ones.</summary>
    public static TokenMatch Find(ReadOnlySpan<int> text)
    {
        if (text.Length < 2) return default;
        var earlier = text[..^1];
        var best = default(TokenMatch);
        for (var at = earlier.LastIndexOf(text[^1]); at >= 0 && best.Length < MostCompared; at = earlier[..at].LastIndexOf(text[^1]))
        {
            var length = 1;
            while (length < MostCompared && length <= at && text[at - length] == text[^(length + 1)]) length++;
            if (length > best.Length) best = new TokenMatch(at, length);
        }
        return best;
    }

    /// <summary>The longest match that lies within the last <paramref name="window"/> tokens, the latest of equally long ones. What of a
    /// longer one lies before them does not count.</summary>
    /// <param name="matches">Of each token of the text so far.</param>
    public static TokenMatch Longest(ReadOnlySpan<TokenMatch> matches, int window)
    {
        var best = default(TokenMatch);
        for (var back = 0; back < window - best.Length && back < matches.Length; back++)
        {
            var match = matches[^(back + 1)];
            var inside = Math.Min(match.Length, window - back);
            if (inside > best.Length) best = match with { Length = inside };
        }
        return best;
    }
}
