namespace Dolmen.Data.Languages;

/// <summary>Letters that tell languages of one script apart for which there are no models, or poor ones.</summary>
internal static class TellingSigns
{
    private const int MaxSearched = 1 << 12;
    /// <summary>Of a script's letters, from which a sign is no quotation.</summary>
    private const double Habitual = 0.02;

    /// <summary>The language a text's letters betray, or the usual one of its script.</summary>
    public static string Language(Script script, ReadOnlySpan<char> text) => Betrayed(script, text[..Math.Min(text.Length, MaxSearched)]);

    private static string Betrayed(Script script, ReadOnlySpan<char> text) => script switch
    {
        Script.Beng when IsHabitual(text, script, '\u09F0', '\u09F1') => "as",
        Script.Mymr when IsHabitual(text, script, '\u1075', '\u1081') => "shn",
        Script.Hebr when IsHabitual(text, script, '\u05F0', '\u05F2') || AyinForE(text) => "yi",
        // Tigrinya writes the glottal stop with another letter than Amharic.
        Script.Ethi when text.Count('\u12A3') > text.Count('\u12A0') => "ti",
        _ => ScriptLanguages.Of(script)[0],
    };

    private static bool IsHabitual(ReadOnlySpan<char> text, Script script, char first, char last)
    {
        var (letters, signs) = (0, 0);
        foreach (var letter in text)
        {
            if (Scripts.Of(letter) == script) letters++;
            if (letter >= first && letter <= last) signs++;
        }
        return signs > Habitual * letters;
    }

    /// <summary>Ayin is Yiddish's e, and tav only in words from Hebrew, where it is the more frequent of the two.</summary>
    private static bool AyinForE(ReadOnlySpan<char> text)
    {
        var ayins = text.Count('\u05E2');
        return ayins > 4 && ayins > 3 * text.Count('\u05EA');
    }
}
