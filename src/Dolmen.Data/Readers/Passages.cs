using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Data.Readers;

/// <summary>Prose without headings, cut at paragraphs into pieces that a context can hold.</summary>
internal static class Passages
{
    private const int TargetChars = 2000;
    private const int MinChars = 20;

    /// <param name="id">What the ids begin with; <paramref name="source"/> where left out.</param>
    public static IEnumerable<Entry> Cut(string text, string title, string source, Funnel funnel, string? id = null)
    {
        var document = id ?? source;
        var order = 0;
        foreach (var piece in Pieces(text))
        {
            if (piece.Length < MinChars)
            {
                funnel.Drop("too-short");
                continue;
            }
            yield return Entry.Prose(
                $"{document}#{++order}",
                EntryKind.Passage,
                $"{title}, part {order}",
                document,
                $"{title}, part {order}",
                "",
                piece,
                source,
                order
            );
        }
    }

    private static IEnumerable<string> Pieces(string text)
    {
        var piece = new StringBuilder();
        foreach (
            var paragraph in text.ReplaceLineEndings("\n")
                .Split("\n\n", StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        )
        {
            if (piece.Length > 0 && piece.Length + paragraph.Length > TargetChars)
            {
                yield return piece.ToString();
                piece.Clear();
            }
            var start = 0;
            while (paragraph.Length - start > 2 * TargetChars)
            {
                var length = paragraph.AsSpan(start, TargetChars + 1).LastIndexOfAny(" \n\t");
                if (length < TargetChars / 2) length = TextStart.Length(paragraph.AsSpan(start), TargetChars);
                yield return paragraph.Substring(start, length).TrimEnd();
                start += length;
                while (start < paragraph.Length && char.IsWhiteSpace(paragraph[start])) start++;
            }
            if (piece.Length > 0) piece.Append("\n\n");
            piece.Append(paragraph, start, paragraph.Length - start);
        }
        if (piece.Length > 0) yield return piece.ToString();
    }
}
