namespace Dolmen.Data.Languages;

/// <summary>Languages by script where that decides, else by Lingua's trigrams among the languages of the script, on a sample of the text.</summary>
internal sealed class LinguaIdentifier : ILanguageIdentifier
{
    private const int SampleChars = 1000;
    /// <summary>Natural logarithms that a little word is worth.</summary>
    private const double WordEvidence = 3;
    // Shared by all instances; the models of a script are read when its first text comes.
    private static readonly Lazy<TrigramModel>
        Latin = Lazily(Script.Latn,
            "af sq az eu bs ca hr cs da nl en eo et fi fr lg de hu is id ga it la lv lt ms mi no nn om pl pt ro sn sk sl so st es sw sv tl ts tn tr vi cy xh yo zu"),
        Cyrillic = Lazily(Script.Cyrl, "be bg kk mk mn ru sr uk"),
        Arabic = Lazily(Script.Arab, "ar fa ur"),
        Devanagari = Lazily(Script.Deva, "hi mr");

    public LanguageGuess Identify(ReadOnlySpan<char> text)
    {
        var shares = ScriptShares.Of(TextSample.Beginning(text));
        if (shares.Main == Script.Zyyy) return LanguageGuess.Unknown;
        var model = shares.Main switch
        {
            Script.Latn => Latin,
            Script.Cyrl => Cyrillic,
            Script.Arab => Arabic,
            Script.Deva => Devanagari,
            _ => null,
        };
        if (model is null) return new(TellingSigns.Language(shares.Main, text), ScriptLanguages.Certainty(shares));
        Span<char> sample = stackalloc char[SampleChars];
        sample = sample[..TextSample.Take(text, shares.Main, sample)];
        var guess = shares.Main == Script.Deva ? InDevanagari(model.Value, sample) : model.Value.Identify(sample);
        return guess with { Score = guess.Score * ScriptLanguages.Certainty(shares) };
    }

    private static Lazy<TrigramModel> Lazily(Script script, string languages) => new(() => new(script, languages.Split(' ')));

    private static LanguageGuess InDevanagari(TrigramModel model, ReadOnlySpan<char> sample)
    {
        var (hindi, marathi, nepali) = TellingSigns.Votes(sample);
        if (nepali > Math.Max(hindi, marathi)) return new("ne", 1);
        var guess = model.Identify(sample, [hindi * WordEvidence, marathi * WordEvidence]);
        // No word with three letters in a row.
        return guess.Language == "und" ? new(marathi > hindi ? "mr" : "hi", hindi == marathi ? 0.5 : 1) : guess;
    }
}
