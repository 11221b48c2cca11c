using System.Text;
using System.Xml.Linq;
using Dolmen.Web.Extraction;

namespace Dolmen.Data.Readers;

/// <summary>The tags of XML documentation as readable text. Elements are walked by recursion: <see cref="XmlTree"/> bounds how deep they
/// nest.</summary>
internal static class XmlText
{
    /// <summary>On one line, white space collapsed.</summary>
    public static string Line(XElement? element) => element is null ? "" : WhiteSpace.Collapse(Gather(element, block: false));

    /// <summary>Paragraphs, list items and lines of code on lines of their own.</summary>
    public static string Block(XElement? element)
    {
        if (element is null) return "";
        var lines = new List<string>();
        foreach (var line in Gather(element, block: true).Split('\n'))
        {
            var text = line.StartsWith(CodeMark) ? line[1..].TrimEnd() : WhiteSpace.Collapse(line);
            if (text.Length > 0) lines.Add(text);
        }
        return string.Join('\n', lines);
    }

    // Marks a line whose indentation counts; a control character that XML 1.0 cannot hold.
    private const char CodeMark = '\u0001';

    private static string Gather(XElement element, bool block)
    {
        var text = new StringBuilder();
        Append(element, text, block);
        return text.ToString();
    }

    private static void Append(XElement element, StringBuilder text, bool block)
    {
        foreach (var node in element.Nodes())
        {
            if (node is XText words) text.Append(block ? words.Value.ReplaceLineEndings(" ") : words.Value);
            else if (node is XElement child) AppendTag(child, text, block);
        }
    }

    private static void AppendTag(XElement tag, StringBuilder text, bool block)
    {
        var newLine = block ? '\n' : ' ';
        switch (tag.Name.LocalName)
        {
            case "see" or "seealso" or "xref" or "paramref" or "typeparamref" or "inheritdoc":
                if (tag.IsEmpty || tag.Value.Length == 0) text.Append(Target(tag));
                else Append(tag, text, block);
                break;
            case "c":
                text.Append('`').Append(WhiteSpace.Collapse(tag.Value)).Append('`');
                break;
            case "code":
                if (!block || !tag.Value.Trim().Contains('\n', StringComparison.Ordinal))
                    text.Append(newLine).Append(WhiteSpace.Collapse(tag.Value)).Append(newLine);
                else
                    foreach (var line in Unindented(tag.Value))
                        text.Append('\n').Append(CodeMark).Append(line);
                text.Append(newLine);
                break;
            case "para" or "p" or "br" or "div":
                text.Append(newLine);
                Append(tag, text, block);
                text.Append(newLine);
                break;
            case "item" or "li" or "listheader":
                text.Append(block ? "\n- " : " ");
                var (term, description) = (tag.Element("term"), tag.Element("description"));
                if (term is null && description is null) Append(tag, text, block);
                if (term is not null) text.Append(Line(term));
                if (term is not null && description is not null) text.Append(": ");
                if (description is not null) text.Append(Line(description));
                text.Append(block ? '\n' : ';');
                break;
            case "script" or "style":
                break;
            case "sup":
                text.Append('^');
                Append(tag, text, block);
                break;
            default:
                Append(tag, text, block);
                break;
        }
    }

    private static string Target(XElement tag)
    {
        if ((tag.Attribute("cref") ?? tag.Attribute("uid")) is { } reference) return MemberName.Short(reference.Value);
        return (tag.Attribute("langword") ?? tag.Attribute("name") ?? tag.Attribute("href"))?.Value ?? "";
    }

    private static IEnumerable<string> Unindented(string code)
    {
        var lines = code.ReplaceLineEndings("\n").Split('\n').Select(l => l.TrimEnd()).ToList();
        while (lines.Count > 0 && lines[0].Length == 0) lines.RemoveAt(0);
        while (lines.Count > 0 && lines[^1].Length == 0) lines.RemoveAt(lines.Count - 1);
        var indent = lines.Where(l => l.Length > 0).Select(l => l.Length - l.TrimStart().Length).DefaultIfEmpty(0).Min();
        return lines.Where(l => l.Length > 0).Select(l => l[indent..]);
    }
}
