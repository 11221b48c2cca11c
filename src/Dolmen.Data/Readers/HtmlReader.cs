using System.Text;
using AngleSharp.Dom;
using AngleSharp.Html.Parser;
using Dolmen.Data.Inputs;

namespace Dolmen.Data.Readers;

/// <summary>The words and headings of a web page, without scripts, styles and navigation.</summary>
internal static class HtmlReader
{
    private static readonly HashSet<string> Skipped = new(StringComparer.OrdinalIgnoreCase)
        { "script", "style", "nav", "noscript", "template", "svg", "head", "iframe", "button", "select", "form" };

    private static readonly HashSet<string> Blocks = new(StringComparer.OrdinalIgnoreCase)
    {
        "p", "div", "li", "ul", "ol", "pre", "blockquote", "td", "th", "tr", "table", "dt", "dd", "dl", "section", "article", "main", "header", "footer", "aside",
        "figure", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "address", "details", "summary",
    };

    public static IEnumerable<Entry> Read(InputFile file, Funnel funnel)
    {
        var document = new HtmlParser().ParseDocument(BoundedText.ReadText(file, funnel));
        var sections = new Sections(file.Name);
        var words = new StringBuilder();
        // Iterative: a hostile page nests deeper than a stack. An element is pushed twice, to be opened and to be closed.
        var open = new Stack<(INode Node, bool Closing)>();
        if (document.Body is { } body) open.Push((body, false));
        while (open.TryPop(out var at))
        {
            if (at.Node is IText text) words.Append(text.Data);
            if (at.Node is not IElement element || Skipped.Contains(element.LocalName)) continue;
            if (element.LocalName == "br") words.Append(' ');
            if (!Blocks.Contains(element.LocalName))
            {
                Push(element);
                continue;
            }
            var heading = element.LocalName is ['h', >= '1' and <= '6'];
            if (at.Closing && heading) sections.Heading(words.ToString());
            else sections.Paragraph(element.LocalName == "pre" && at.Closing ? words.ToString() : XmlText.Collapse(words.ToString()));
            words.Clear();
            if (at.Closing) continue;
            open.Push((element, true));
            Push(element);
        }
        sections.Paragraph(XmlText.Collapse(words.ToString()));
        return sections.Build(funnel);

        void Push(IElement element)
        {
            for (var child = element.LastChild; child is not null; child = child.PreviousSibling) open.Push((child, false));
        }
    }
}
