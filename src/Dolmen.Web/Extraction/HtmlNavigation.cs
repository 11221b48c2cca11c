using System.Buffers;

namespace Dolmen.Web.Extraction;

/// <summary>Elements that lead to other pages or other places of the same page and say nothing themselves: what generators of manuals
/// (DocBook, Sphinx, Javadoc, static site generators) put around every page.</summary>
internal static class HtmlNavigation
{
    private static readonly HashSet<string> Classes = new(StringComparer.OrdinalIgnoreCase)
    {
        "nav", "navbar", "navigation", "navheader", "navfooter", "navpanel", "toc", "toctree-wrapper", "table-of-contents",
        "headerlink", "breadcrumb", "breadcrumbs", "sphinxsidebar", "skip-link", "pagination", "prev-next", "prevnext",
    };

    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> Lookup = Classes.GetAlternateLookup<ReadOnlySpan<char>>();
    private static readonly SearchValues<char> Spaces = SearchValues.Create(" \t\r\n\f");

    /// <summary>Besides navigation, what is never read and forms. A page whose whole body has such a class is read all the
    /// same.</summary>
    public static bool IsLeftOut(HtmlTree tree, int node)
    {
        var tag = tree[node].Tag;
        if (tag is HtmlTag.Html or HtmlTag.Body or HtmlTag.Main or HtmlTag.Article) return false;
        return HtmlTags.Is(tag, TagTraits.Unread) || tag == HtmlTag.Form || Is(tree, node);
    }

    private static bool Is(HtmlTree tree, int node)
    {
        foreach (var attribute in tree.Attributes(node))
        {
            var value = tree.Value(attribute);
            if (attribute.Name == AttributeName.Role && value.Trim().Equals("navigation", StringComparison.OrdinalIgnoreCase)) return true;
            if (attribute.Name == AttributeName.Class && HoldsClass(value)) return true;
        }
        return false;
    }

    private static bool HoldsClass(ReadOnlySpan<char> value)
    {
        foreach (var range in value.SplitAny(Spaces))
            if (Lookup.Contains(value[range])) return true;
        return false;
    }
}
