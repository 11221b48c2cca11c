using System.Text.RegularExpressions;
using Dolmen.Artifacts;
using Dolmen.Web.Extraction;

namespace Dolmen.Data.Readers;

/// <summary>Headings as a person would say them: without numbers, anchors and markup.</summary>
internal static partial class SectionTitle
{
    /// <summary>Of a title, and of what is looked at to make one of it.</summary>
    private const int MaxChars = 120, MaxMarkedChars = 2000;

    /// <summary>Headings that many pages share: what they are about is the page's subject.</summary>
    private static readonly HashSet<string> Generic = new(StringComparer.OrdinalIgnoreCase)
    {
        "description", "overview", "introduction", "summary", "abstract", "background", "purpose", "about", "general", "notes", "remarks",
        "example", "examples", "usage", "see also", "synopsis", "syntax", "parameters", "options", "arguments", "outputs", "output",
        "input", "inputs", "return value", "return values", "returns", "result", "results", "compatibility", "author", "authors",
        "history", "diagnostics", "environment", "files", "bugs", "limitations", "caveats", "configuration", "installation", "install",
        "requirements", "prerequisites", "details", "exit status", "security", "faq", "troubleshooting", "license", "licence",
        "contributing", "changelog", "getting started", "quick start", "quickstart", "features", "testing", "tests", "building", "other",
        "others", "miscellaneous", "further reading", "references", "contents", "index", "conclusion", "discussion", "motivation",
        "rationale", "implementation", "design", "known issues", "how it works", "support", "credits", "acknowledgements",
        "configuration parameters", "sample output", "examples and output", "advice", "methods", "properties", "commands", "functions",
        "data types", "concepts", "terminology", "status", "rules", "settings", "basic usage", "table of contents", "links", "glossary",
        "acronyms", "preface", "foreword", "readme", "documentation", "manual",
    };

    private static readonly HashSet<string> Admonitions = new(StringComparer.OrdinalIgnoreCase)
    {
        "note", "tip", "warning", "caution", "important", "hint", "danger", "attention",
    };

    public static string Clean(string heading)
    {
        var text = WhiteSpace.Collapse(InlineMarkdown.Plain(TextStart.Of(heading, MaxMarkedChars))).TrimEnd('¶', '#', ' ');
        text = Attributes().Replace(text, "");
        var numberless = Number().Replace(text, "");
        if (numberless.Length > 0 && numberless.Any(char.IsLetter)) text = numberless;
        text = text.TrimEnd(':', ' ', '.');
        return text.Length <= MaxChars ? text : TextStart.Of(text, MaxChars).TrimEnd();
    }

    public static bool IsGeneric(string title) => Generic.Contains(title);

    /// <summary>A box inside a section, set off by a heading of its own.</summary>
    public static bool IsAdmonition(string title) => Admonitions.Contains(title.Split([':', '!'], 2)[0].Trim());

    // "Chapter 12.", "Appendix F.", "F.28.5.", "3.1", "12.", "(2)", "IV."; a bare number opens a title as often as it counts one.
    [GeneratedRegex(
        @"^(?:(?i:chapter|appendix|part|section|article|annex|step|lesson)\s+(?:\d+(?:\.\d+)*|[A-Z]|[IVXL]+)"
            + @"\s*(?:[.:)—–-]+\s*|\s+(?=\p{Lu})|$)"
            + @"|(?:[A-Z]\.)?\d+(?:\.\d+)+[.)]?\s+|[A-Z]\.\d+[.)]?\s+|\d+[.)]\s+|\(\d+\)\s+"
            + @"|(?:X{0,3}(?:IX|IV|VI{0,3}|I{1,3})|X{1,3})\.\s+)"
    )]
    private static partial Regex Number();

    [GeneratedRegex(@"\s*\{[#.:][^}]*\}\s*$")]
    private static partial Regex Attributes();
}
