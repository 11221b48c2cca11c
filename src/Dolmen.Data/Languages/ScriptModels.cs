namespace Dolmen.Data.Languages;

/// <summary>The models for scripts of many languages, with the languages Lingua has n-grams of. They are read when the first text in
/// their script comes, once for the process.</summary>
internal static class ScriptModels
{
    private static readonly Lazy<TrigramModel> Latin = Lazily(
            Script.Latn,
            "af sq az eu bs ca hr cs da nl en eo et fi fr lg de hu is id ga it la lv lt ms mi no nn om pl pt ro sn sk sl so st es sw sv tl "
                + "ts tn tr vi cy xh yo zu"
        ),
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
        var guess = model.Identify(sample);
        // Vowel signs are not letters to Lingua: its Devanagari models see consonants only, and many words have no three of them in a row.
        var language = shares.Main == Script.Deva ? "hi" : guess.Language;
        if (RivalWords.TryFind(language, out var rivals)) guess = rivals.Settle(guess, model, sample);
        return guess with { Score = guess.Score * ScriptLanguages.Certainty(shares) };
    }

    private static Lazy<TrigramModel> Lazily(Script script, string languages) => new(() => new(script, languages.Split(' ')));
}
