namespace Dolmen.Data.Languages;

/// <summary>Letters and little words that tell languages of one script apart for which there are no models, or poor ones.</summary>
internal static class TellingSigns
{
    private const int MaxSearched = 1 << 12;
    /// <summary>Of a script's letters, from which a sign is no quotation.</summary>
    private const double Habitual = 0.02;
    // Marks and vowel signs are no letters to Lingua, so that its Devanagari models see consonants only.
    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>>
        Hindi = Words("है हैं के में की का और से को पर नहीं था थी थे ने भी यह एक लिए"),
        Marathi = Words("आहे आहेत आणि नाही होते होता होती या व मध्ये केली केला केले तर ते हे असे त्या त्यांनी हा ही असून म्हणून"),
        Nepali = Words("छ छन् छैन र हो पनि थियो थिए गरेको भएको गर्न भने छु हुन् यो लागि गर्दै हुने");

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

    /// <summary>How many words of Devanagari text are little words of Hindi, of Marathi, of Nepali.</summary>
    public static (int Hindi, int Marathi, int Nepali) Votes(ReadOnlySpan<char> sample)
    {
        var (hindi, marathi, nepali) = (0, 0, 0);
        foreach (var range in sample.SplitAny(" \n\t।,.?!\"'()|-"))
        {
            var word = sample[range];
            if (Hindi.Contains(word)) hindi++;
            if (Marathi.Contains(word)) marathi++;
            if (Nepali.Contains(word)) nepali++;
        }
        return (hindi, marathi, nepali);
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

    private static HashSet<string>.AlternateLookup<ReadOnlySpan<char>> Words(string words) =>
        new HashSet<string>(words.Split(' '), StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
}
