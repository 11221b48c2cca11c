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
        if (!lines.Any(line => Bullet().IsMatch(line)))
        {
            sections.Paragraph(block);
            return;
        }
        var rest = new List<string>();
        for (var i = 0; i < lines.Length;)
        {
            var next = i + 1;
            while (next < lines.Length && lines[next].StartsWith("  ", StringComparison.Ordinal)) next++;
            if (Bullet().Match(lines[i]) is { Success: true } match && !SectionTitle.IsAdmonition(match.Groups["name"].Value))
            {
                Flush();
                sections.Term(match.Groups["name"].Value);
                sections.Paragraph(string.Join('\n', lines[(i + 1)..next].Prepend(lines[i][match.Length..]).Select(line => line.Trim())));
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
        foreach (var line in lines)
        {
            if (line.StartsWith(": ", StringComparison.Ordinal)) sections.Paragraph(line[2..]);
            else if (line.StartsWith("  ", StringComparison.Ordinal)) sections.Paragraph(line.Trim());
            else
            {
                sections.EndTerm();
                sections.Term(line);
            }
        }
        sections.EndTerm();
    }

    [GeneratedRegex(
        @"^ {0,3}[-*+] (?:\*\*(?<name>[^*\n]{1,60}?):?\*\*|(?<name>`[^`\n]{1,60}`(?:(?:, | or | / )`[^`\n]{1,60}`)*))"
            + @"(?:\s*\([^)\n]{1,30}\))?(?:\s*[:—–]\s+|\s+-\s+)(?=\S)"
    )]
    private static partial Regex Bullet();
}
