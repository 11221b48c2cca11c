namespace Dolmen.Data.Languages;

/// <summary>Languages as a fastText model names them, on a sample of the text; by script alone where one language has the script to
/// itself, and by Lingua's trigrams between languages that both know, which these tell apart better than lid.176.ftz.</summary>
internal sealed class FastTextIdentifier : ILanguageIdentifier
{
    /// <summary>A text that the trigrams find to be fluent in a language.</summary>
    private const double Fluent = 0.9;
    /// <summary>A language only the fastText model knows is believed from here against <see cref="Fluent"/>.</summary>
    private const double Likely = 0.3;
    /// <summary>Bosnian, Croatian or Serbian to lid.176, undecided.</summary>
    private const string SerboCroatian = "sh";
    private readonly FastTextModel _model;
    private readonly HashSet<string> _languages;

    public FastTextIdentifier(FastTextModel model)
    {
        _model = model;
        _languages = new(model.Labels.Select(Code), StringComparer.Ordinal);
    }

    public bool Knows(string language) => _languages.Contains(language);

    public LanguageGuess Identify(ReadOnlySpan<char> text)
    {
        var shares = ScriptShares.Of(TextSample.Beginning(text));
        if (shares.Main == Script.Zyyy) return LanguageGuess.Unknown;
        var languages = ScriptLanguages.Of(shares.Main);
        if (languages.Length == 1) return new(languages[0], ScriptLanguages.Certainty(shares));

        Span<char> sample = stackalloc char[TextSample.Chars];
        sample = sample[..TextSample.Take(text, shares.Main, sample)];
        Span<LabelScore> best = stackalloc LabelScore[1];
        var guess =
            _model.Predict(sample, best) == 0
                ? LanguageGuess.Unknown
                : new(Code(_model.Labels[best[0].Label]), Math.Min(1, best[0].Probability));
        if (ScriptModels.For(shares.Main) is { } trigrams)
            return Settle(guess, ScriptModels.Identify(trigrams, sample, shares), trigrams, shares.Main);
        // What is not written in this script comes from a model that does not know it.
        return languages.Contains(guess.Language)
            ? guess
            : new(TellingSigns.Language(shares.Main, text), ScriptLanguages.Certainty(shares));
    }

    private LanguageGuess Settle(LanguageGuess guess, LanguageGuess other, TrigramModel trigrams, Script script)
    {
        if (guess.Language == other.Language) return guess.Score > other.Score ? guess : other;
        if (!_languages.Contains(other.Language)) return guess;
        var settled = trigrams.Knows(guess.Language) || guess.Language == SerboCroatian || ScriptModels.IsForeign(script, guess.Language);
        return settled || (other.Score >= Fluent && guess.Score < Likely) ? other : guess;
    }

    /// <summary>lid.176 goes by the names of Wikipedias: als is Alemannic there, in ISO 639 Albanian. GlotLID and NLLB name the script with
    /// the language.</summary>
    private static string Code(string label) =>
        label.Equals("als", StringComparison.Ordinal) ? "gsw"
        : label.Contains('_') ? LanguageCodes.Of(label)
        : label;
}
