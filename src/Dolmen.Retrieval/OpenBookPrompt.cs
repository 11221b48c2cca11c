using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Retrieval;

/// <summary>How passages and a question become one user message: training data, evaluation, chat and server write it alike.</summary>
public static class OpenBookPrompt
{
    public const int DefaultPassages = 3;

    /// <summary>The text of a longer passage is cut at the end of a sentence.</summary>
    public const int MaxPassageChars = 480;

    /// <summary>What a model is taught to say when no passage holds the answer.</summary>
    public static string Refusal => "The documents do not say.";

    /// <summary>Stands between the passages and the question. It also keeps the last lines of the passages, which often stand in others
    /// too, out of the tokens that a model of the plan <c>dolmen</c> looks up where its answer begins.</summary>
    public static string Instruction => "Copy the line that answers the question, or say that none of the documents does.";

    /// <summary>Each passage as its name and the lines of its text, all with the passage's number, a blank line after each; then the
    /// instruction and the question.</summary>
    public static string Of(IReadOnlyList<Passage> passages, string question)
    {
        var text = new StringBuilder();
        for (var i = 0; i < passages.Count; i++)
        {
            Append(text, i + 1, PassageLines.Of(PassageLines.Name, passages[i].Title));
            foreach (var line in Cut(passages[i].Text).Split('\n', StringSplitOptions.RemoveEmptyEntries)) Append(text, i + 1, line);
            text.Append('\n');
        }
        if (passages.Count > 0) text.Append(Instruction).Append('\n');
        return text.Append(question).ToString();
    }

    private static void Append(StringBuilder text, int passage, string line) =>
        text.Append(PassageLines.Cited(passage, line)).Append('\n');

    /// <summary>The text of a passage as a prompt holds it.</summary>
    internal static string Cut(string text)
    {
        var whole = text.Trim();
        if (whole.Length <= MaxPassageChars) return whole;
        var kept = whole.AsSpan(0, MaxPassageChars);
        for (var i = kept.Length - 1; i > MaxPassageChars / 2; i--)
        {
            var ends = kept[i] == '\n' || (kept[i] is '.' or '!' or '?' && char.IsWhiteSpace(whole[i + 1]));
            if (ends) return kept[..(i + 1)].TrimEnd().ToString();
        }
        var space = kept.LastIndexOfAny(" \n\t");
        if (space > 0) return kept[..space].TrimEnd().ToString();
        return TextStart.Of(whole, MaxPassageChars);
    }
}
