using Dolmen.Data.Filters;
using Dolmen.Tokenization.LanguageCosts;

namespace Dolmen.Data.Translations;

/// <summary>Words of parallel texts, cut as those of filtered documents are.</summary>
internal static class ComparedWords
{
    public static IReadOnlyList<WordSpan> Cut(string text, string code)
    {
        using var view = TextView.Of(text, Cutting(code));
        var words = new List<WordSpan>(view.Words.Length - view.PunctuationWords);
        foreach (var word in view.Words)
            if (!word.IsPunctuation) words.Add(new WordSpan(word.Start, word.End, word.IsAlphabetic));
        return words;
    }

    /// <summary>Spaces part words in all languages but those that write none. What else the filters know of a language (Korean particles,
    /// French elisions) would make words that nobody else counts.</summary>
    private static string Cutting(string code) => LanguageCodes.Shortest(code) switch
    {
        "yue" or "lzh" or "wuu" => "zh",
        "shn" or "mnw" => "my",
        var language and ("zh" or "ja" or "th" or "lo" or "km" or "my") => language,
        _ => "*",
    };
}
