using System.Buffers;
using System.Text.RegularExpressions;
using Dolmen.Data.Readers;

namespace Dolmen.Data.Alignment;

/// <summary>Headings as they stand in the middle of a sentence: "Random-Data Functions" becomes "random-data functions", and keeps what is
/// a name or what its own text writes with a capital.</summary>
internal static partial class TopicPhrase
{
    private static readonly SearchValues<char> WordEnds = SearchValues.Create(" .,;:)");

    /// <param name="text">What the heading stands above: it shows which of the words are proper names.</param>
    public static string Of(string heading, string text)
    {
        // "refint — functions for …": the name, and what it is.
        if (heading.Split(" — ", 2) is [var before, _] && before.Split(' ').Length < 4) heading = before;
        if (IsName(heading)) return Marked(heading);
        var words = heading.Split(' ');
        for (var i = 0; i < words.Length; i++)
        {
            var word = words[i];
            var letters = word.AsSpan().TrimStart('(');
            if (letters.IsEmpty || !char.IsUpper(letters[0]) || KeepsCapital(word)) continue;
            if (!IsProperIn(text, word.Trim(',', '(', ')', '"'))) words[i] = Lowered(word);
        }
        var phrase = string.Join(' ', words);
        return phrase.StartsWith("a ", StringComparison.Ordinal) || phrase.StartsWith("an ", StringComparison.Ordinal)
            || phrase.StartsWith("the ", StringComparison.Ordinal)
            ? phrase
            : ArticleIn(text, phrase) + phrase;
    }

    /// <summary>A program or setting: <c>work_mem</c>, and a single word that even as a heading has a small letter, <c>psql</c>.</summary>
    public static bool IsName(string heading) =>
        TermName.IsName(heading) || (!heading.Contains(' ', StringComparison.Ordinal) && heading.Length > 0 && char.IsLower(heading[0]));

    /// <summary>A name as people write it in a question: identifiers as code, words in capitals as they are.</summary>
    public static string Marked(string name)
    {
        var isCode = name.Contains('`', StringComparison.Ordinal);
        return isCode || name.All(c => char.IsUpper(c) || c == ' ') ? name : $"`{name}`";
    }

    private static bool KeepsCapital(string word)
    {
        if (word.StartsWith('`')) return true;
        foreach (var part in word.Split('-', '/'))
            if (part.Length > 1 && part.Where(char.IsLetter).Count(char.IsUpper) > 1 || TermName.IsNameWord(part)) return true;
        return word.Length == 1 && word is not "A" || word.Contains('\'', StringComparison.Ordinal) && word.Length < 3;
    }

    // "Write-Ahead": every part of the word is in capitals of its own.
    private static string Lowered(string word) => HyphenCapital().Replace(word, m => m.Value.ToLowerInvariant());

    /// <summary>The word stands in the text with its capital after a small word, and nowhere without it.</summary>
    private static bool IsProperIn(string text, string word)
    {
        if (word.Length < 2) return false;
        var proper = false;
        for (var at = -1; (at = text.IndexOf(word, at + 1, StringComparison.OrdinalIgnoreCase)) >= 0; )
        {
            var after = at + word.Length;
            if (at > 0 && char.IsLetter(text[at - 1]) || after < text.Length && char.IsLetter(text[after])) continue;
            if (char.IsLower(text[at])) return false;
            proper |= at > 1 && text[at - 1] == ' ' && char.IsLower(text[at - 2]);
        }
        return proper;
    }

    // "the query planner", when the text says so.
    private static string ArticleIn(string text, string phrase)
    {
        if (phrase.EndsWith('s') || phrase.EndsWith("ing", StringComparison.Ordinal)) return "";
        foreach (var article in (string[])["the ", "a ", "an "])
        {
            var at = text.IndexOf(article + phrase, StringComparison.OrdinalIgnoreCase);
            if (at < 0 || at > 0 && char.IsLetter(text[at - 1])) continue;
            var after = at + article.Length + phrase.Length;
            if (after >= text.Length || IsEndOfPhrase(text.AsSpan(after))) return article;
        }
        return "";
    }

    // In "a text search parser" the phrase "text search" goes on.
    private static bool IsEndOfPhrase(ReadOnlySpan<char> text)
    {
        if (text[0] is not ' ') return !char.IsLetterOrDigit(text[0]);
        var end = text[1..].IndexOfAny(WordEnds);
        var word = (end < 0 ? text[1..] : text[1..(1 + end)]).ToString();
        return EnglishVerbs.IsFunctionWord(word) || EnglishVerbs.IsThirdPerson(word) || EnglishVerbs.IsAuxiliary(word);
    }

    [GeneratedRegex(@"(?<=^|[-/(\x22“])\p{Lu}")]
    private static partial Regex HyphenCapital();
}
