using Dolmen.Artifacts;

namespace Dolmen.Web.Extraction;

/// <summary>What a page says, without what surrounds it on every page of its site.</summary>
public static class MainText
{
    /// <param name="funnel">Where a page is noted whose elements nest too deep or are too many.</param>
    /// <returns>Null when the page has no text.</returns>
    public static ExtractedPage? Extract(string html, string url = "", Funnel? funnel = null)
    {
        var tree = HtmlTreeBuilder.Build(html, funnel);
        var content = new MainContent(tree);
        for (var strictness = 2; strictness >= 0; strictness--)
        {
            var root = content.Find(strictness);
            var text = MarkdownText.Write(tree, root, content.Dropped);
            if (text.Length > 0 && (strictness == 0 || content.IsEnough)) return PageMetadata.Read(tree, url, text);
        }
        return null;
    }
}
