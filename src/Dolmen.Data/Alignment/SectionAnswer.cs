using System.Text.RegularExpressions;
using Dolmen.Data.Readers;

namespace Dolmen.Data.Alignment;

/// <summary>The sentence of a section, page or term that answers what it is about.</summary>
internal static partial class SectionAnswer
{
    private const int Paragraphs = 4;
    private const int MinWordChars = 4;

    /// <summary>The opening sentence; where that cannot stand alone, the first that can and that names what the heading does. Empty when
    /// there is none.</summary>
    public static string Find(Entry entry)
    {
        if (entry.Summary.Length > 0 && Outline(entry.Summary) is { } opening && !PlaceInBook().IsMatch(opening)) return opening;
        var english = AnswerSentence.IsEnglish(entry.Remarks);
        var about = SectionTitle.IsGeneric(entry.Name) ? entry.Subject : entry.Name;
        var words = about
            .Split([' ', '-', '(', ')', '/'], StringSplitOptions.RemoveEmptyEntries)
            .Where(w => w.Length >= MinWordChars || TermName.IsNameWord(w))
            .Select(w => w.Length > 5 ? w[..^2] : w)
            .ToList();
        foreach (var paragraph in ProseBlocks.Of(entry.Remarks).Take(Paragraphs))
        {
            foreach (var sentence in Sentences.Of(paragraph))
            {
                if (!words.Exists(w => sentence.Contains(w, StringComparison.OrdinalIgnoreCase))) continue;
                if (AnswerSentence.Is(sentence, english) && Outline(sentence) is { } found && !PlaceInBook().IsMatch(found)) return found;
            }
        }
        return "";
    }

    // References to other places of the book tell nothing outside it.
    private static string Outline(string sentence)
    {
        foreach (var opening in (string[])["(see ", "(See ", "; see ", ", see ", "(described in ", "(refer to "])
        {
            var at = sentence.IndexOf(opening, StringComparison.Ordinal);
            if (at <= 0) continue;
            var end = opening[0] == '(' ? sentence.IndexOf(')', at) + 1 : sentence.Length - 1;
            if (end <= at || opening[0] == '(' && sentence.AsSpan(at + 1, end - at - 2).Contains('(')) continue;
            sentence = sentence[..at].TrimEnd() + sentence[end..];
        }
        return sentence;
    }

    // Which section has which number is nothing to answer with.
    [GeneratedRegex(@"\b(?:Section|Chapter|Table|Figure|Appendix|Example|Part)\s(?:[A-Z]\.?)?\d")]
    private static partial Regex PlaceInBook();
}
