using System.Buffers;
using Dolmen.Artifacts;
using Dolmen.Data.Readers;
using Dolmen.Web.Extraction;

namespace Dolmen.Data.Alignment;

/// <summary>Questions about prose without headings: how a sentence of the passage goes on, or which word is missing in it. What is asked
/// for is whole words, and what is given of the sentence stands only once in the passage.</summary>
internal static class ClozeQuestion
{
    private const int MinWords = 8;
    private const int MaxWords = 40;
    private const int MostAsked = 8;
    private const int MinBlankChars = 4;

    private static readonly SearchValues<char> Quotes = SearchValues.Create("\"“”„«»|_[]`");

    private static readonly string[] GoesOn =
    [
        "Complete the sentence: \"{0} …\"",
        "How does this sentence go on: \"{0} …\"?",
        "Finish this sentence: \"{0} …\"",
    ];

    private static readonly string[] Missing =
    [
        "Which word is missing: \"{0}\"?",
        "Fill in the missing word: \"{0}\"",
    ];

    public static Question? Ask(Entry entry, string salt)
    {
        var text = entry.Remarks;
        var hash = StableHash.Of($"{salt}|{QuestionKind.Cloze}|{entry.Id}");
        // Line breaks of the passage are white space like any other.
        var flat = WhiteSpace.Collapse(text);
        var sentences = ProseBlocks.Of(text).SelectMany(Sentences.Of).Where(IsAskable).ToList();
        for (var i = 0; i < sentences.Count; i++)
        {
            var sentence = sentences[(int)((hash / 64 + (ulong)i) % (ulong)sentences.Count)];
            var made = hash % 2 == 0 ? Ending(sentence, flat, hash) : Blank(sentence, flat, hash);
            if (made is { } pair) return new Question(entry, QuestionKind.Cloze, pair.Prompt, pair.Answer);
        }
        return null;
    }

    // Whole, and without quotes inside it that would close those of the question.
    private static bool IsAskable(string sentence)
    {
        var words = sentence.Split(' ');
        return words.Length is >= MinWords and <= MaxWords
            && char.IsUpper(sentence[0])
            && sentence[^1] is '.' or '!' or '?'
            && sentence.AsSpan().IndexOfAny(Quotes) < 0;
    }

    private static (string Prompt, string Answer)? Ending(string sentence, string flat, ulong hash)
    {
        var words = sentence.Split(' ');
        var asked = Math.Min(MostAsked, 2 + (int)(hash / 4 % (ulong)(words.Length / 2)));
        var given = string.Join(' ', words[..^asked]);
        if (given[^1] is ',' or ';' or ':' or '—' or '-') given = given[..^1];
        if (!IsOnce(string.Join(' ', words[Math.Max(0, words.Length - asked - 4)..^asked]), flat)) return null;
        return (Phrase(GoesOn, given, hash), string.Join(' ', words[^asked..]));
    }

    private static (string Prompt, string Answer)? Blank(string sentence, string flat, ulong hash)
    {
        var words = sentence.Split(' ');
        for (var i = 0; i < words.Length - 3; i++)
        {
            // Not the first words and not the last: both sides of the gap are given.
            var at = 2 + (int)((hash / 4 + (ulong)i) % (ulong)(words.Length - 3));
            var word = words[at].Trim(',', ';', ':', '—', '(', ')', '.', '!', '?');
            if (word.Length < MinBlankChars || !word.All(char.IsLetter)) continue;
            if (words.Count(w => w.Contains(word, StringComparison.OrdinalIgnoreCase)) > 1) continue;
            if (!IsOnce(string.Join(' ', words[Math.Max(0, at - 3)..at]), flat)) continue;
            var gap = words[at].Replace(word, "____", StringComparison.Ordinal);
            return (Phrase(Missing, string.Join(' ', [.. words[..at], gap, .. words[(at + 1)..]]), hash), word);
        }
        return null;
    }

    private static bool IsOnce(string words, string flat)
    {
        var first = flat.IndexOf(words, StringComparison.OrdinalIgnoreCase);
        return first >= 0 && flat.IndexOf(words, first + 1, StringComparison.OrdinalIgnoreCase) < 0;
    }

    private static string Phrase(string[] phrasings, string words, ulong hash) =>
        string.Format(phrasings[(int)(hash / 2 % (ulong)phrasings.Length)], words);
}
