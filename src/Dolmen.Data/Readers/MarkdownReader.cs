using System.Text;
using Dolmen.Artifacts;
using Dolmen.Data.Inputs;

namespace Dolmen.Data.Readers;

/// <summary>Markdown and plain text. Of Markdown only what carries structure is read: headings, fences, lists of terms and front
/// matter.</summary>
internal static class MarkdownReader
{
    private const int MaxHeadingChars = 200;

    public static IEnumerable<Entry> Read(InputFile file, Funnel funnel)
    {
        var text = BoundedText.ReadText(file, funnel).ReplaceLineEndings("\n");
        if (InputFiles.TypeOf(file.Path) == ".txt")
            return Passages.Cut(text, Path.GetFileNameWithoutExtension(file.Name), file.Name, funnel);
        if (text.StartsWith("---\n", StringComparison.Ordinal) && text.IndexOf("\n---\n", 4, StringComparison.Ordinal) is > 0 and var end)
            text = text[(end + 5)..];
        return Parse(text, file.Name, funnel);
    }

    /// <summary>The sections of a text with headings, the passages of one without.</summary>
    /// <param name="text">Lines end in <c>\n</c>.</param>
    /// <param name="id">What the ids of the entries begin with; <paramref name="source"/> where many documents are not from one.</param>
    /// <param name="title">Of a text without headings; the name of the source where left out.</param>
    public static IEnumerable<Entry> Parse(string text, string source, Funnel funnel, string? id = null, string? title = null)
    {
        var sections = new Sections(source, id, title);
        var paragraph = new StringBuilder();
        var fence = new Fence();
        foreach (var line in text.Split('\n'))
        {
            if (!fence.IsOpen && HeadingLevel(line) is > 0 and var level)
            {
                EndParagraph();
                sections.Heading(level, line.Trim('#', ' ', '\t'));
                continue;
            }
            if (!fence.IsOpen && Underline(line) is > 0 and var underlined && IsOneLine(paragraph))
            {
                sections.Heading(underlined, paragraph.ToString());
                paragraph.Clear();
                continue;
            }
            fence.Pass(line);
            if (!fence.IsOpen && string.IsNullOrWhiteSpace(line)) EndParagraph();
            else paragraph.Append(line.TrimEnd()).Append('\n');
        }
        EndParagraph();
        return sections.Build(funnel);

        void EndParagraph()
        {
            MarkdownTerms.Add(paragraph.ToString(), sections);
            paragraph.Clear();
        }
    }

    private static int HeadingLevel(string line)
    {
        var level = line.Length - line.TrimStart('#').Length;
        return level is >= 1 and <= 6 && level < line.Length && line[level] is ' ' or '\t' ? level : 0;
    }

    // A line of = or - under a line of text makes that a heading; two dashes are too easily something else.
    private static int Underline(string line)
    {
        var marks = line.AsSpan().TrimEnd();
        if (marks.Length < 3) return 0;
        return marks.IndexOfAnyExcept('=') < 0 ? 1 : marks.IndexOfAnyExcept('-') < 0 ? 2 : 0;
    }

    private static bool IsOneLine(StringBuilder paragraph)
    {
        if (paragraph.Length is < 2 or > MaxHeadingChars) return false;
        var text = paragraph.ToString();
        return text.Length > 1 && text.IndexOf('\n', StringComparison.Ordinal) == text.Length - 1 && ProseBlocks.IsProse(text);
    }
}
