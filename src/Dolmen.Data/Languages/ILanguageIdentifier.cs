namespace Dolmen.Data.Languages;

/// <param name="Language">ISO 639-1 code where there is one, else 639-3; <c>und</c> when nothing can be said.</param>
/// <param name="Score">Confidence, 0 to 1.</param>
internal readonly record struct LanguageGuess(string Language, double Score)
{
    public static readonly LanguageGuess Unknown = new("und", 0);
}

/// <summary>Safe to call from many threads at once.</summary>
internal interface ILanguageIdentifier
{
    LanguageGuess Identify(ReadOnlySpan<char> text);
}
