using Dolmen.Artifacts;
using Lingua;

namespace Dolmen.Data.Languages;

/// <summary>Languages by script where that decides, else by Lingua's trigrams among the languages of the script, on a small sample.</summary>
internal sealed class LinguaIdentifier : ILanguageIdentifier
{
    /// <summary>A first look, and one at more of the text where the first was not sure.</summary>
    private const int FirstLook = 240, SecondLook = 900;
    private const double Sure = 0.9;
    /// <summary>Of the text, whose letters are counted.</summary>
    private const int MaxCounted = 1 << 16;
    // Shared by all instances, as Lingua itself keeps the models for the whole process. The models of a script are read when its first text comes.
    private static readonly Lazy<LanguageDetector>
        Latin = Lazily(LanguageInfo.AllWithLatinScript),
        Cyrillic = Lazily(LanguageInfo.AllWithCyrillicScript),
        Arabic = Lazily(LanguageInfo.AllWithArabicScript),
        Devanagari = Lazily(LanguageInfo.AllWithDevangariScript),
        Ethiopic = Lazily(LanguageInfo.AllWithEthiopicScript);

    public LanguageGuess Identify(ReadOnlySpan<char> text)
    {
        var shares = ScriptShares.Of(text[..Math.Min(text.Length, MaxCounted)]);
        if (shares.Main == Script.Zyyy) return LanguageGuess.Unknown;
        var detector = shares.Main switch
        {
            Script.Latn => Latin,
            Script.Cyrl => Cyrillic,
            Script.Arab => Arabic,
            Script.Deva => Devanagari,
            Script.Ethi => Ethiopic,
            _ => null,
        };
        if (detector is null) return ScriptLanguages.Usual(shares);
        var guess = Look(detector.Value, text, shares, FirstLook);
        if (guess.Score < Sure && text.Length > FirstLook) guess = Look(detector.Value, text, shares, SecondLook);
        return guess;
    }

    private static LanguageGuess Look(LanguageDetector detector, ReadOnlySpan<char> text, in ScriptShares shares, int chars)
    {
        Span<char> sample = stackalloc char[SecondLook];
        sample = sample[..TextSample.Take(text, shares.Main, sample[..chars])];
        var (best, confidence) = (Language.Unknown, 0.0);
        foreach (var (language, value) in detector.ComputeLanguageConfidenceValues(new string(sample)))
            if (value > confidence) (best, confidence) = (language, value);
        return best == Language.Unknown ? LanguageGuess.Unknown : new(Code(best), confidence * ScriptLanguages.Certainty(shares));
    }

    /// <summary>Bokmål goes by the code of Norwegian, as lid.176 and the thresholds call it.</summary>
    private static string Code(Language language) => language switch
    {
        Language.Bokmal => "no",
        _ => Codes[(int)language],
    };

    private static readonly string[] Codes =
        [.. Enum.GetValues<Language>().Order().Select(language => language == Language.Unknown ? "und" : LanguageInfo.IsoCode6391(language).ToString().ToLowerInvariant())];

    private static Lazy<LanguageDetector> Lazily(Func<IEnumerable<Language>> languages) => new(() =>
    {
        try
        {
            return LanguageDetectorBuilder.FromLanguages([.. languages()]).WithLowAccuracyMode().WithPreloadedLanguageModels().Build();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(
                $"The language models that come with Dolmen cannot be read: {error.Message} Restore the folder Lingua/LanguageModels beside the program, or give a fastText model such as lid.176.ftz.", error);
        }
    });
}
