using System.Buffers;

namespace Dolmen.Data.Languages;

/// <summary>Letters that tell languages of one script apart for which there are no models, or poor ones.</summary>
internal static class TellingSigns
{
    private const int MaxSearched = 1 << 12;

    /// <summary>Share of a script's letters from which on a sign is more than a quotation.</summary>
    private const double Habitual = 0.02;

    // Of languages without trigrams (one sign may be in a name): letters that no other language of the script has, but those that have
    // letters of the last column as well.
    private static readonly (
        Script Script,
        string Language,
        int Fewest,
        double Share,
        SearchValues<char> Own,
        SearchValues<char> Others
    )[] Letters =
    [
        Signs(Script.Latn, "mt", 2, 0.01, "ħĦġĠċĊ", "ęąśł"),
        Signs(Script.Latn, "ku", 2, 0.045, "êÊîÎûÛ", "âÂôÔëËèÈğĞ"),
        Signs(Script.Cyrl, "ba", 2, 0.01, "ҙҘҡҠҫҪ", "ӑӐӗӖ"),
        Signs(Script.Cyrl, "cv", 2, 0.02, "ӑӐӗӖӳӲ", ""),
        Signs(Script.Cyrl, "tt", 2, 0.02, "әӘҗҖ", "қҚғҒұҰҙҘҡҠіІ"),
        Signs(Script.Cyrl, "ky", 1, 0.008, "ңҢ", "әӘқҚғҒіІһҺҥҤ"),
        Signs(Script.Cyrl, "tg", 2, 0.01, "ҷҶӣӢӯӮҳҲ", "ўЎ"),
        Signs(Script.Cyrl, "sah", 2, 0.01, "ҕҔҥҤ", ""),
        Signs(Script.Cyrl, "os", 2, 0.03, "ӕӔ", ""),
        Signs(Script.Arab, "ug", 2, 0.02, "ېۈۋڭ", "ێڵڕځښټډ"),
        Signs(Script.Arab, "ckb", 2, 0.01, "ێڵڕ", "ۈۋڭېځښټډ"),
        Signs(Script.Arab, "ps", 2, 0.01, "ځڅښږټډړڼۍ", "ێڵڕۈۋڄڃڳ"),
        Signs(Script.Arab, "sd", 2, 0.01, "ڄڃڳڱڻٻڀٺٿڏڊ", "ښېۈ"),
    ];

    /// <summary>The language a text's letters betray, or the usual one of its script.</summary>
    public static string Language(Script script, ReadOnlySpan<char> text)
    {
        text = text[..Math.Min(text.Length, MaxSearched)];
        return script switch
        {
            Script.Beng when IsHabitual(text, script, '\u09F0', '\u09F1') => "as",
            Script.Mymr when IsHabitual(text, script, '\u1075', '\u1081') => "shn",
            Script.Hebr when IsHabitual(text, script, '\u05F0', '\u05F2') || AyinForE(text) => "yi",
            // Tigrinya writes the glottal stop with another letter than Amharic.
            Script.Ethi when text.Count('\u12A3') > text.Count('\u12A0') => "ti",
            _ => ScriptLanguages.Of(script)[0],
        };
    }

    /// <summary>A language without trigrams whose letters set it apart from the others of its script; null where there is none.</summary>
    public static string? DistinctLanguage(Script script, ReadOnlySpan<char> text)
    {
        if (script is not (Script.Latn or Script.Cyrl or Script.Arab)) return null;
        text = text[..Math.Min(text.Length, MaxSearched)];
        foreach (var signs in Letters)
        {
            if (signs.Script != script || Count(text, signs.Own) is var own && (own < signs.Fewest || own < signs.Share * text.Length))
                continue;
            if (Count(text, signs.Others) * 4 <= own)
                return signs.Language;
        }
        return null;
    }

    /// <summary>Whether letters tell the language.</summary>
    public static bool Tells(string language, Script script) =>
        Array.Exists(Letters, signs => signs.Language == language && signs.Script == script)
        || (language, script) switch
        {
            ("as", Script.Beng) or ("shn", Script.Mymr) or ("yi", Script.Hebr) or ("ti", Script.Ethi) => true,
            _ => false,
        };

    private static (Script, string, int, double, SearchValues<char>, SearchValues<char>) Signs(
        Script script,
        string language,
        int fewest,
        double share,
        string own,
        string others
    ) => (script, language, fewest, share, SearchValues.Create(own), SearchValues.Create(others));

    private static int Count(ReadOnlySpan<char> text, SearchValues<char> letters)
    {
        var count = 0;
        for (int at; (at = text.IndexOfAny(letters)) >= 0; count++) text = text[(at + 1)..];
        return count;
    }

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
