namespace Dolmen.Data.Languages;

/// <summary>Languages by script where that decides, else by Lingua's trigrams among the languages of the script, on a sample of the text.</summary>
internal sealed class LinguaIdentifier : ILanguageIdentifier
{
    public LanguageGuess Identify(ReadOnlySpan<char> text)
    {
        var shares = ScriptShares.Of(TextSample.Beginning(text));
        if (shares.Main == Script.Zyyy) return LanguageGuess.Unknown;
        if (ScriptModels.For(shares.Main) is not { } model) return new(TellingSigns.Language(shares.Main, text), ScriptLanguages.Certainty(shares));

        Span<char> sample = stackalloc char[TextSample.Chars];
        return ScriptModels.Identify(model, sample[..TextSample.Take(text, shares.Main, sample)], shares);
    }
}
