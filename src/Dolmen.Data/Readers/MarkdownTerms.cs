using System.Text.RegularExpressions;

namespace Dolmen.Data.Readers;

/// <summary>Lists that say what words mean, in Markdown: <c>- **name**: what it is</c> or <c>- `name` - what it does</c>, and the form with
/// the definition on a line of its own after a colon.</summary>
internal static partial class MarkdownTerms
{
    /// <summary>Adds a block without blank lines: its terms as such, everything else as a paragraph.</summary>
    public static void Add(string block, Sections sections)
    {
        var lines = block.TrimEnd('\n').Split('\n');
        if (lines.Length > 1 && lines[1].StartsWith(": ", StringComparison.Ordinal) && ProseBlocks.IsProse(lines[0]))
        {
            AddDefinitions(lines, sections);
            return;
        }
        var rest = new List<string>();
        for (var i = 0; i < lines.Length;)
        {
            var next = EndOfItem(lines, i);
            if (Bullet().Match(lines[i]) is { Success: true } match && !SectionTitle.IsAdmonition(match.Groups["name"].Value))
            {
                Flush();
                sections.Term(match.Groups["name"].Value);
                sections.Paragraph(string.Join('\n', Unindented(lines[(i + 1)..next]).Prepend(lines[i][match.Length..].Trim())));
                sections.EndTerm();
            }
            else rest.AddRange(lines[i..next]);
            i = next;
        }
        Flush();

        void Flush()
        {
            sections.Paragraph(string.Join('\n', rest));
            rest.Clear();
        }
    }

    private static void AddDefinitions(string[] lines, Sections sections)
    {
        for (var i = 0; i < lines.Length;)
        {
            var next = EndOfItem(lines, i);
            if (lines[i].StartsWith(": ", StringComparison.Ordinal)) sections.Paragraph(lines[i][2..]);
            else
            {
                sections.EndTerm();
                sections.Term(lines[i]);
            }
            sections.Paragraph(string.Join('\n', Unindented(lines[(i + 1)..next])));
            i = next;
        }
        sections.EndTerm();
    }

    /// <summary>Behind the lines that belong to line <paramref name="start"/>: indented ones, and all of a block of code.</summary>
    private static int EndOfItem(string[] lines, int start)
    {
        var fence = new Fence();
        fence.Pass(lines[start]);
        var end = start + 1;
        for (; end < lines.Length && (fence.IsOpen || lines[end].StartsWith("  ", StringComparison.Ordinal)); end++) fence.Pass(lines[end]);
        return end;
    }

    /// <summary>Lines of an item as they would stand without it: the indentation of code is a part of the code.</summary>
    private static IEnumerable<string> Unindented(string[] lines)
    {
        var fence = new Fence();
        var margin = 0;
        foreach (var line in lines)
        {
            var wasOpen = fence.IsOpen;
            fence.Pass(line);
            var indentation = line.Length - line.TrimStart(' ').Length;
            if (!wasOpen) margin = indentation;
            yield return wasOpen && fence.IsOpen ? line[Math.Min(margin, indentation)..] : line.Trim();
        }
    }

    [GeneratedRegex(
        @"^ {0,3}[-*+] (?:\*\*(?<name>[^*\n]{1,60}?):?\*\*|(?<name>`[^`\n]{1,60}`(?:(?:, | or | / )`[^`\n]{1,60}`)*))"
            + @"(?:\s*\([^)\n]{1,30}\))?(?:\s*[:—–]\s+|\s+-\s+)(?=\S)"
    )]
    private static partial Regex Bullet();
}
