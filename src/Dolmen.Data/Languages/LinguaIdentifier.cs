namespace Dolmen.Data.Languages;

/// <summary>Languages by script where that decides, else by Lingua's trigrams among the languages of the script, on a sample of the
/// text.</summary>
internal sealed class LinguaIdentifier : ILanguageIdentifier
{
    /// <summary>Whether a text in that script can be found to be in the language.</summary>
    public static bool Knows(string language, Script script) =>
        HasModel(language, script)
        || TellingSigns.Tells(language, script)
        || (ScriptModels.For(script) is not null && RivalWords.Languages.Contains(language, StringComparer.Ordinal));

    /// <summary>Whether it is known by trigrams or has the script to itself; others are known by a few words or letters.</summary>
    public static bool HasModel(string language, Script script) =>
        ScriptModels.For(script) is { } model ? model.Knows(language) : ScriptLanguages.Of(script) is [var usual, ..] && usual == language;

    public LanguageGuess Identify(ReadOnlySpan<char> text)
    {
        var shares = ScriptShares.Of(TextSample.Beginning(text));
        if (shares.Main == Script.Zyyy)
            return LanguageGuess.Unknown;
        if (TellingSigns.DistinctLanguage(shares.Main, text) is { } language)
            return new(language, ScriptLanguages.Certainty(shares));
        if (ScriptModels.For(shares.Main) is not { } model)
            return new(TellingSigns.Language(shares.Main, text), ScriptLanguages.Certainty(shares));

        Span<char> sample = stackalloc char[TextSample.Chars];
        return ScriptModels.Identify(model, sample[..TextSample.Take(text, shares.Main, sample)], shares);
    }
}
