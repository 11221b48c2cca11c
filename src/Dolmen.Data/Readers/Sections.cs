using System.Text;
using Dolmen.Artifacts;
using Dolmen.Web.Extraction;

namespace Dolmen.Data.Readers;

/// <summary>Headings and paragraphs, in the order they come, to the entries of one document.</summary>
internal sealed class Sections(string source)
{
    private const int MinChars = 20;
    private const int MaxSummaryChars = 400;

    private readonly List<(string Heading, StringBuilder Text)> _sections = [("", new StringBuilder())];

    public void Heading(string text)
    {
        if (WhiteSpace.Collapse(text) is { Length: > 0 } heading) _sections.Add((heading, new StringBuilder()));
    }

    public void Paragraph(string text)
    {
        var body = _sections[^1].Text;
        if (text.Trim('\n', '\r').TrimEnd() is not { Length: > 0 } paragraph || string.IsNullOrWhiteSpace(paragraph)) return;
        if (body.Length > 0) body.Append("\n\n");
        body.Append(paragraph);
    }

    /// <summary>The first heading is the title: with the text before it and under it, it heads the document.</summary>
    public IEnumerable<Entry> Build(Funnel funnel)
    {
        var title = _sections.Count > 1 ? _sections[1].Heading : Path.GetFileNameWithoutExtension(source);
        var lead = _sections[0].Text.ToString();
        if (_sections.Count == 1)
        {
            foreach (var passage in Passages.Cut(lead, title, source, funnel)) yield return passage;
            yield break;
        }
        var opening = string.Join("\n\n", new[] { lead, _sections[1].Text.ToString() }.Where(t => t.Length > 0));
        var (first, rest) = FirstSentence(opening);
        yield return Entry.Prose($"{source}#", EntryKind.Document, title, source, title, first, rest, source, 0);
        for (var i = 2; i < _sections.Count; i++)
        {
            var (heading, text) = _sections[i];
            if (text.Length < MinChars)
            {
                funnel.Drop("too-short");
                continue;
            }
            (first, rest) = FirstSentence(text.ToString());
            yield return Entry.Prose(
                $"{source}#{i - 1}",
                EntryKind.Section,
                heading,
                source,
                $"{title} > {heading}",
                first,
                rest,
                source,
                i
            );
        }
    }

    private static (string First, string Remaining) FirstSentence(string text)
    {
        var end = text.IndexOf("\n\n", StringComparison.Ordinal);
        if (end < 0) end = text.Length;
        for (var i = 0; i + 1 < Math.Min(end, MaxSummaryChars); i++)
        {
            if (text[i] is not ('.' or '!' or '?') || !char.IsWhiteSpace(text[i + 1])) continue;
            end = i + 1;
            break;
        }
        if (end > MaxSummaryChars)
        {
            var space = text.LastIndexOfAny([' ', '\n'], MaxSummaryChars);
            end = space > 0 ? space : MaxSummaryChars - (char.IsHighSurrogate(text[MaxSummaryChars - 1]) ? 1 : 0);
        }
        return (WhiteSpace.Collapse(text[..end]), text[end..].Trim());
    }
}
