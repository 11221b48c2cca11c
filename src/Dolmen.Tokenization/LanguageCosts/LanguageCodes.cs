namespace Dolmen.Tokenization.LanguageCosts;

/// <summary>Codes of languages as parallel texts write them: ko, kor, ko-KR, kor_Hang.</summary>
public static class LanguageCodes
{
    private static readonly Dictionary<string, string> TwoLetters = new(StringComparer.OrdinalIgnoreCase)
    {
        ["eng"] = "en",
        ["kor"] = "ko",
        ["zho"] = "zh",
        ["cmn"] = "zh",
        ["jpn"] = "ja",
        ["hin"] = "hi",
        ["tha"] = "th",
        ["mya"] = "my",
        ["swh"] = "sw",
        ["swa"] = "sw",
        ["arb"] = "ar",
        ["ara"] = "ar",
        ["deu"] = "de",
        ["spa"] = "es",
        ["fra"] = "fr",
        ["ita"] = "it",
        ["por"] = "pt",
        ["rus"] = "ru",
        ["nld"] = "nl",
        ["pol"] = "pl",
        ["tur"] = "tr",
        ["vie"] = "vi",
        ["ind"] = "id",
        ["pes"] = "fa",
        ["fas"] = "fa",
        ["heb"] = "he",
        ["ell"] = "el",
        ["ces"] = "cs",
        ["ukr"] = "uk",
        ["ron"] = "ro",
        ["hun"] = "hu",
        ["swe"] = "sv",
        ["fin"] = "fi",
        ["dan"] = "da",
        ["nob"] = "no",
        ["nor"] = "no",
        ["ben"] = "bn",
        ["tam"] = "ta",
        ["tel"] = "te",
        ["urd"] = "ur",
        ["bul"] = "bg",
        ["khm"] = "km",
        ["lao"] = "lo",
        ["cat"] = "ca",
        ["srp"] = "sr",
    };

    /// <summary>Whether a file's code is what was asked for: the same, or the same language with a script or a country behind it.</summary>
    public static bool Matches(string code, string asked) =>
        code.Equals(asked, StringComparison.OrdinalIgnoreCase)
        || (!asked.Contains('_', StringComparison.Ordinal) && !asked.Contains('-', StringComparison.Ordinal)
            && Short(Language(code)).Equals(Short(asked), StringComparison.OrdinalIgnoreCase));

    /// <summary>The language without script or country, in two letters where it has such a code: ko for kor_Hang.</summary>
    public static string Shortest(string code) => Short(Language(code)).ToLowerInvariant();

    private static string Language(string code) => code.IndexOfAny(['_', '-']) is > 0 and var end ? code[..end] : code;

    private static string Short(string language) => TwoLetters.GetValueOrDefault(language, language);
}
