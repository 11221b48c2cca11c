namespace Dolmen.Data.Languages;

/// <param name="Main">Of the whole text.</param>
/// <param name="LineShare">Of the main language among a sample of the lines long enough to tell, by their characters; 1 without such
/// lines.</param>
/// <param name="ScriptShare">Of the text in its main script.</param>
internal readonly record struct LanguageMix(LanguageGuess Main, double LineShare, double ScriptShare)
{
    private const int ShortestLine = 50, LongestLine = 300;
    /// <summary>Spread evenly over the lines.</summary>
    private const int MaxLines = 24;
    /// <summary>Below it a line that seems to be in another language is rather one that cannot be told.</summary>
    private const double LeastScore = 0.5;

    public static LanguageMix Of(ReadOnlySpan<char> text, ILanguageIdentifier identifier) =>
        Of(text, identifier, identifier.Identify(text));

    /// <param name="main">What the identifier said of the text.</param>
    public static LanguageMix Of(ReadOnlySpan<char> text, ILanguageIdentifier identifier, LanguageGuess main)
    {
        text = TextSample.Beginning(text);
        var lines = 0;
        foreach (var line in text.EnumerateLines())
            if (line.Length >= ShortestLine) lines++;
        var (index, own, all) = (0, 0, 0);
        foreach (var line in text.EnumerateLines())
        {
            if (line.Length < ShortestLine) continue;
            // The first line of each of as many equal parts as lines are wanted.
            var taken = index * (long)MaxLines / lines != (index - 1L) * MaxLines / lines || index == 0 || lines <= MaxLines;
            index++;
            if (!taken) continue;
            var part = line[..Math.Min(line.Length, LongestLine)];
            var guess = identifier.Identify(part);
            if (guess.Language == LanguageGuess.Unknown.Language) continue;
            all += part.Length;
            if (guess.Language == main.Language || guess.Score < LeastScore) own += part.Length;
        }
        return new(main, all == 0 ? 1 : (double)own / all, ScriptShares.Of(text).Share);
    }
}
