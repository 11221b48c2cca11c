namespace Dolmen.Data.Languages;

/// <summary>Languages as a fastText model names them, with the probability the model gives. The model alone decides: whoever names one
/// wants to find its labels and scores in the corpus, and to bound them as others do who use it. It reads the text's longest lines, up to
/// as many characters as the built-in identification, whatever their script.</summary>
internal sealed class FastTextIdentifier : ILanguageIdentifier
{
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
        if (ScriptShares.Of(TextSample.Beginning(text)).Main == Script.Zyyy) return LanguageGuess.Unknown;
        Span<char> sample = stackalloc char[TextSample.Chars];
        sample = sample[..TextSample.Take(text, main: null, sample)];
        Span<LabelScore> best = stackalloc LabelScore[1];
        return _model.Predict(sample, best) == 0
            ? LanguageGuess.Unknown
            // fastText adds a little to each probability, so that a sure label has slightly more than 1.
            : new(Code(_model.Labels[best[0].Label]), Math.Min(1, best[0].Probability));
    }

    /// <summary>lid.176 goes by the names of Wikipedias: als is Alemannic there, in ISO 639 Albanian. GlotLID and NLLB name the script with
    /// the language.</summary>
    private static string Code(string label) =>
        label.Equals("als", StringComparison.Ordinal) ? "gsw"
        : label.Contains('_') ? LanguageCodes.Of(label)
        : label;
}
