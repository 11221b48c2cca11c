namespace Dolmen.Data.Languages;

/// <summary>The models for scripts of many languages, with the languages Lingua has n-grams of. They are read when the first text in
/// their script comes, once for the process.</summary>
internal static class ScriptModels
{
    /// <summary>Natural logarithms that a little word of Devanagari is worth.</summary>
    private const double WordEvidence = 3;

    private static readonly Lazy<TrigramModel>
        Latin = Lazily(Script.Latn,
            "af sq az eu bs ca hr cs da nl en eo et fi fr lg de hu is id ga it la lv lt ms mi no nn om pl pt ro sn sk sl so st es sw sv tl ts tn tr vi cy xh yo zu"),
        Cyrillic = Lazily(Script.Cyrl, "be bg kk mk mn ru sr uk"),
        Arabic = Lazily(Script.Arab, "ar fa ur"),
        Devanagari = Lazily(Script.Deva, "hi mr");

    /// <summary>None for the scripts that decide by themselves.</summary>
    public static TrigramModel? For(Script script) => script switch
    {
        Script.Latn => Latin.Value,
        Script.Cyrl => Cyrillic.Value,
        Script.Arab => Arabic.Value,
        Script.Deva => Devanagari.Value,
        _ => null,
    };

    /// <summary>The likeliest language of a sample in the model's script; the score falls with what else the text is written in.</summary>
    public static LanguageGuess Identify(TrigramModel model, ReadOnlySpan<char> sample, in ScriptShares shares)
    {
        var guess = shares.Main == Script.Deva ? InDevanagari(model, sample) : model.Identify(sample);
        return guess with { Score = guess.Score * ScriptLanguages.Certainty(shares) };
    }

    private static LanguageGuess InDevanagari(TrigramModel model, ReadOnlySpan<char> sample)
    {
        var (hindi, marathi, nepali) = TellingSigns.Votes(sample);
        if (nepali > Math.Max(hindi, marathi)) return new("ne", 1);
        var guess = model.Identify(sample, [hindi * WordEvidence, marathi * WordEvidence]);
        // No word with three letters in a row.
        return guess.Language == LanguageGuess.Unknown.Language ? new(marathi > hindi ? "mr" : "hi", hindi == marathi ? 0.5 : 1) : guess;
    }

    private static Lazy<TrigramModel> Lazily(Script script, string languages) => new(() => new(script, languages.Split(' ')));
}
