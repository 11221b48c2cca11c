namespace Dolmen.Data.Languages;

/// <summary>Languages as a fastText model names them, on a sample of the text; by script alone where one language has the script to itself.</summary>
internal sealed class FastTextIdentifier(FastTextModel model) : ILanguageIdentifier
{
    /// <summary>Enough to be sure, and a bound on what one document costs.</summary>
    private const int SampleChars = 1000;

    public LanguageGuess Identify(ReadOnlySpan<char> text)
    {
        var shares = ScriptShares.Of(TextSample.Beginning(text));
        if (shares.Main == Script.Zyyy) return LanguageGuess.Unknown;
        var languages = ScriptLanguages.Of(shares.Main);
        if (languages.Length == 1) return new(languages[0], ScriptLanguages.Certainty(shares));

        Span<char> sample = stackalloc char[SampleChars];
        sample = sample[..TextSample.Take(text, shares.Main, sample)];
        Span<LabelScore> best = stackalloc LabelScore[1];
        var guess = model.Predict(sample, best) == 0 ? LanguageGuess.Unknown : new(Code(model.Labels[best[0].Label]), Math.Min(1, best[0].Probability));
        // What is not written in this script comes from a model that does not know it.
        return languages.IsEmpty || languages.Contains(guess.Language) ? guess : new(TellingSigns.Language(shares.Main, text), ScriptLanguages.Certainty(shares));
    }

    /// <summary>lid.176 goes by the names of Wikipedias: als is Alemannic there, elsewhere Albanian.</summary>
    private static string Code(string label) => label == "als" ? "gsw" : label;
}
