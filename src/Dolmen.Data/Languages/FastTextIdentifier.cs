using System.Text;

namespace Dolmen.Data.Languages;

/// <summary>Languages as a fastText model names them, from the beginning of the text.</summary>
internal sealed class FastTextIdentifier(FastTextModel model) : ILanguageIdentifier
{
    /// <summary>Enough to be sure, and a bound on what one document costs.</summary>
    private const int SampleChars = 8000;

    public LanguageGuess Identify(ReadOnlySpan<char> text)
    {
        var sample = text[..Math.Min(text.Length, SampleChars)];
        if (!HasLetter(sample)) return LanguageGuess.Unknown;
        Span<LabelScore> best = stackalloc LabelScore[1];
        return model.Predict(sample, best) == 0 ? LanguageGuess.Unknown : new(model.Labels[best[0].Label], Math.Min(1, best[0].Probability));
    }

    private static bool HasLetter(ReadOnlySpan<char> text)
    {
        foreach (var rune in text.EnumerateRunes())
            if (Rune.IsLetter(rune)) return true;
        return false;
    }
}
