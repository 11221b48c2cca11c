namespace Dolmen.Data.Readers;

/// <summary>Whether a sentence of prose can stand alone as an answer: whole, said in words, and without openings that point at what was
/// said before or at a table that the reader does not see. English is judged by its words, other languages by shape alone.</summary>
internal static class AnswerSentence
{
    public const int MaxChars = 400;

    private const int MinWords = 4;
    private const int MinUnspacedChars = 8;
    private const int ShortWords = 16;

    /// <summary>So many words of a sentence are its opening, where a word that points at another sentence is not explained by this
    /// one.</summary>
    private const int OpeningWords = 8;

    private static readonly HashSet<string> Common = new(StringComparer.OrdinalIgnoreCase)
    {
        "the", "of", "and", "to", "is", "a", "in", "for", "that", "with", "are", "be", "it",
    };

    private static readonly HashSet<string> Pointers = new(StringComparer.OrdinalIgnoreCase) { "this", "these", "those", "also", "too" };

    private static readonly HashSet<string> PointingOpeners = new(StringComparer.OrdinalIgnoreCase)
    {
        "this", "these", "that", "those", "it", "its", "they", "their", "them", "he", "she", "his", "her", "however", "also", "thus",
        "therefore", "hence", "but", "and", "or", "so", "such", "here", "then", "otherwise", "instead", "both", "another", "again",
        "similarly", "likewise", "furthermore", "moreover", "finally", "additionally", "besides", "consequently", "accordingly",
        "nevertheless", "nonetheless", "alternatively", "conversely", "meanwhile", "still", "yet", "see", "refer", "next", "later", "now",
        "first", "second", "third", "secondly", "thirdly", "firstly", "lastly", "fortunately", "unfortunately", "example", "examples",
        "syntax", "usage", "table", "figure", "listing", "too", "there", "where", "which", "who", "whose", "as", "since", "because",
        "note", "recall", "remember", "unlike", "neither", "either", "none",
        "one", "more", "most", "further", "of", "each", "other", "others",
        "what", "how", "why", "even", "rather", "below", "above", "consider", "suppose", "let", "say", "we", "i", "our", "my", "same",
        "perhaps", "indeed", "actually", "basically", "generally", "given", "especially", "specifically", "equivalently", "eventually",
        "compare", "ditto", "former", "latter", "whether", "whatever", "whichever", "depending", "regardless", "warning", "tip",
        "caution", "important",
    };

    private static readonly string[] PointingPhrases =
    [
        "so far", "we have", "following", "as follows", "below", "above", "previous section", "previous chapter", "next section",
        "this section",
        "this chapter", "this page", "this appendix", "this document", "this part", "these sections", "preceding", "shown in table",
        "described here", "discussed here", "in that case", "in this case", "this example", "our example", "the example",
        "already mentioned", "mentioned before", "this guide", "this tutorial", "this file", "this table", "this list", "the latter",
        "the former", "the others", "as mentioned",
    ];

    private static readonly string[] PointingStarts =
    [
        "for example", "for instance", "in addition", "in this", "in these", "in such", "in that", "in particular", "in contrast",
        "in short", "in other words", "in either", "in both", "on the other", "at this point", "as a result", "as of this", "to do this",
        "to do so", "to this end", "for this", "for these", "for more", "for details", "for further", "for information", "with this",
        "with these", "after this", "after that", "by doing", "if so", "if not", "if this", "if it", "if these", "if they", "if that",
        "when this", "when it", "when these", "when they", "while this", "while it", "although this", "although it", "although these",
        "because of this", "in the same", "the same", "the other", "the above", "the example", "the examples", "the second", "the third",
        "the first", "the last", "the next", "the rest", "the two", "the three", "the result", "the results", "the output", "the problem",
        "the difference", "the reason", "the idea", "the point", "all these", "all of these", "all of this", "all this", "all other",
        "all others", "some of these", "most of these", "many of these", "any of these", "none of these", "not all", "besides this",
        "apart from", "aside from", "e.g.", "i.e.", "to see", "to make this", "until then", "because this", "since this", "with that",
        "under this", "under these", "like this", "even if", "even so", "at that", "by default, this", "by default, it", "by default it",
        "by default this", "currently, it", "currently, this", "if you do", "by contrast", "the default is", "the default value",
        "the default for this", "you can also", "you may also", "you should also", "you can do this", "you can see", "as you",
        "as an example", "as noted", "as explained", "as described", "as with", "as discussed",
    ];

    /// <param name="isDefinition">Below the name of what it defines, a phrase without a verb is an answer too: "The name of the
    /// table."</param>
    public static bool Is(string sentence, bool english, bool isDefinition = false)
    {
        if (sentence.Length is 0 or > MaxChars || !EndsAsSentence(sentence)) return false;
        if (sentence.Contains('|', StringComparison.Ordinal) || sentence.Contains("```", StringComparison.Ordinal)) return false;
        var words = sentence.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (!english) return words.Length >= MinWords || (sentence.Any(c => c >= 0x2E80) && sentence.Length >= MinUnspacedChars);
        return words.Length >= MinWords && IsMostlyWords(sentence) && StandsAlone(sentence, words, isDefinition);
    }

    /// <summary>Long texts are English when enough of their words are its commonest ones; short ones when they hold one or only plain
    /// letters.</summary>
    public static bool IsEnglish(string text)
    {
        int words = 0, common = 0;
        foreach (var range in text.AsSpan().SplitAny(" \n\t"))
        {
            var word = text.AsSpan()[range].Trim(".,;:()\"'");
            if (word.IsEmpty) continue;
            words++;
            if (Common.Contains(word.ToString())) common++;
            if (words >= 400) break;
        }
        // A line of a list of options may hold none of them, and pages of names and signatures few.
        if (words <= ShortWords) return common > 0 || text.All(char.IsAscii);
        return common * 12 >= words || (common * 40 >= words && !text.Take(4096).Any(c => c > '~' && char.IsLetter(c)));
    }

    private static bool EndsAsSentence(string sentence)
    {
        var end = sentence.AsSpan().TrimEnd("\"'”’»)*_`");
        return !end.IsEmpty && end[^1] is '.' or '!' or '。' or '！' && !end.EndsWith("..", StringComparison.Ordinal);
    }

    // Signatures and shell lines are mostly punctuation.
    private static bool IsMostlyWords(string sentence) =>
        sentence.Count(c => char.IsLetter(c) || c == ' ') >= 0.8 * sentence.Length
        && !sentence.Contains(" = ", StringComparison.Ordinal)
        && !sentence.Contains("; ", StringComparison.Ordinal) | sentence.Count(c => c == ';') < 3;

    private static bool StandsAlone(string sentence, string[] words, bool isDefinition)
    {
        var opener = words[0].Trim('"', '“', '\'', '(', ',', ':', '.');
        if (opener.Length == 0 || PointingOpeners.Contains(opener)) return false;
        if (PointingStarts.Any(start => StartsWithWords(sentence, start))) return false;
        if (PointingPhrases.Any(phrase => HoldsWords(sentence, phrase))) return false;
        if (!isDefinition && words.Take(OpeningWords).Any(w => Pointers.Contains(w.Trim(',')))) return false;
        // A small letter opens a sentence only as the name of something: "pg_dump writes …".
        if (char.IsLower(opener[0]) && (EnglishVerbs.IsVerb(opener) || EnglishVerbs.IsFunctionWord(opener))) return false;
        return isDefinition || EnglishVerbs.AnyIn(words);
    }

    private static bool StartsWithWords(string sentence, string start) =>
        sentence.StartsWith(start, StringComparison.OrdinalIgnoreCase)
        && (sentence.Length == start.Length || !char.IsLetter(sentence[start.Length]));

    private static bool HoldsWords(string sentence, string phrase)
    {
        var at = sentence.IndexOf(phrase, StringComparison.OrdinalIgnoreCase);
        if (at < 0) return false;
        var after = at + phrase.Length;
        return (at == 0 || !char.IsLetter(sentence[at - 1])) && (after == sentence.Length || !char.IsLetter(sentence[after]));
    }
}
