using System.Buffers;

namespace Dolmen.Web.Extraction;

/// <summary>What class, id and role say about an element, by words that sites share.</summary>
internal static class PageHints
{
    private static readonly SearchValues<string> Comments = SearchValues.Create(
        ["comment", "disqus", "respond", "livefyre"],
        StringComparison.OrdinalIgnoreCase
    );

    private static readonly SearchValues<string> Boilerplate = SearchValues.Create(
        [
            "sidebar",
            "side-bar",
            "side_bar",
            "footer",
            "share",
            "sharing",
            "social",
            "related",
            "recommend",
            "newsletter",
            "subscri",
            "signup",
            "sign-up",
            "cookie",
            "consent",
            "gdpr",
            "breadcrumb",
            "promo",
            "sponsor",
            "advert",
            "popup",
            "pop-up",
            "masthead",
            "navbar",
            "navigation",
            "pagination",
            "toolbar",
            "taglist",
            "tag-list",
            "tags-",
            "post-tags",
            "byline",
            "author-bio",
            "author-box",
            "about-author",
            "copyright",
            "disclaimer",
            "outbrain",
            "taboola",
            "trending",
            "most-read",
            "mostread",
            "most-popular",
            "popular-",
            "read-more",
            "readmore",
            "read-next",
            "up-next",
            "more-from",
            "more-stories",
            "see-also",
            "login",
            "skip-link",
            "sr-only",
            "screen-reader",
            "visually-hidden",
            "line-numbers",
            "linenos",
            "gutter",
            "noprint",
            "caption",
            "print-only",
            "headerlink",
            "mw-editsection",
            "catlinks",
            "toc-",
            "table-of-contents",
            "printfooter",
            "jump-to",
        ],
        StringComparison.OrdinalIgnoreCase
    );

    private static readonly HashSet<ulong> Words =
    [
        .. (
            (string[])
                [
                    "ad",
                    "ads",
                    "nav",
                    "menu",
                    "tags",
                    "tools",
                    "pager",
                    "rss",
                    "follow",
                    "toc",
                    "print",
                    "widget",
                    "widgets",
                    "banner",
                    "modal",
                    "aside",
                    "bio",
                    "credit",
                    "dateline",
                    "timestamp",
                ]
        ).Select(w => HtmlTags.Name(w)),
    ];

    public static bool IsComments(ReadOnlySpan<char> value) => value.ContainsAny(Comments);

    public static bool IsBoilerplate(ReadOnlySpan<char> value)
    {
        if (value.ContainsAny(Boilerplate))
            return true;
        for (var i = 0; i < value.Length; )
        {
            if (!char.IsAsciiLetter(value[i]))
            {
                i++;
                continue;
            }
            var start = i;
            while (i < value.Length && char.IsAsciiLetter(value[i])) i++;
            if (i - start is >= 2 and <= 10 && Words.Contains(HtmlTags.Name(value[start..i]))) return true;
        }
        return false;
    }

    public static bool IsBoilerplateRole(ReadOnlySpan<char> role) =>
        role
            is "navigation"
                or "banner"
                or "contentinfo"
                or "complementary"
                or "search"
                or "menu"
                or "menubar"
                or "toolbar"
                or "dialog"
                or "alertdialog"
                or "tablist";

    public static bool IsHiddenStyle(ReadOnlySpan<char> style)
    {
        for (var rest = style; rest.IndexOf(':') is >= 0 and var colon; rest = rest[(colon + 1)..])
        {
            var name = rest[..colon].TrimEnd();
            var value = rest[(colon + 1)..].TrimStart();
            if (
                name.EndsWith("display", StringComparison.OrdinalIgnoreCase) && value.StartsWith("none", StringComparison.OrdinalIgnoreCase)
            )
                return true;
            if (
                name.EndsWith("visibility", StringComparison.OrdinalIgnoreCase)
                && value.StartsWith("hidden", StringComparison.OrdinalIgnoreCase)
            )
                return true;
        }
        return false;
    }
}
