namespace Dolmen.Data.Languages;

/// <summary>Languages by script where that decides, else by Lingua's trigrams among the languages of the script, on a small sample.</summary>
internal sealed class LinguaIdentifier : ILanguageIdentifier
{
    /// <summary>A first look, and one at more of the text where the first was not sure.</summary>
    private const int FirstLook = 240, SecondLook = 900;
    private const double Sure = 0.9;
    /// <summary>Of the text, whose letters are counted.</summary>
    private const int MaxCounted = 1 << 16;
    /// <summary>Of the text, that is searched for telling signs.</summary>
    private const int MaxSearched = 1 << 12;
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
        var shares = ScriptShares.Of(text[..Math.Min(text.Length, MaxCounted)]);
        if (shares.Main == Script.Zyyy) return LanguageGuess.Unknown;
        var model = shares.Main switch
        {
            Script.Latn => Latin,
            Script.Cyrl => Cyrillic,
            Script.Arab => Arabic,
            Script.Deva => Devanagari,
            _ => null,
        };
        if (model is null) return new(TellingSigns.Language(shares.Main, text[..Math.Min(text.Length, MaxSearched)]), ScriptLanguages.Certainty(shares));
        var guess = Look(model.Value, text, shares, FirstLook);
        if (guess.Score < Sure && text.Length > FirstLook) guess = Look(model.Value, text, shares, SecondLook);
        return guess;
    }

    private static LanguageGuess Look(TrigramModel model, ReadOnlySpan<char> text, in ScriptShares shares, int chars)
    {
        Span<char> sample = stackalloc char[SecondLook];
        sample = sample[..TextSample.Take(text, shares.Main, sample[..chars])];
        var guess = shares.Main == Script.Deva ? InDevanagari(model, sample) : model.Identify(sample);
        return guess with { Score = guess.Score * ScriptLanguages.Certainty(shares) };
    }

    private static Lazy<TrigramModel> Lazily(Script script, string languages) => new(() => new(script, languages.Split(' ')));

    private static LanguageGuess InDevanagari(TrigramModel model, ReadOnlySpan<char> sample)
    {
        var (hindi, marathi, nepali) = TellingSigns.Votes(sample);
        if (nepali > Math.Max(hindi, marathi)) return new("ne", 1);
        return model.Identify(sample, [hindi * WordEvidence, marathi * WordEvidence]);
    }
}
