using System.Globalization;
using System.Text.RegularExpressions;

namespace Dolmen.Web.Extraction;

/// <summary>What a page says about itself.</summary>
internal static partial class PageMetadata
{
    private const int MaxValue = 1000;

    public static ExtractedPage Read(HtmlTree tree, string url, string text)
    {
        string title = "",
            social = "",
            linked = "",
            heading = "",
            date = "",
            published = "",
            time = "",
            language = "",
            locale = "",
            canonical = "",
            author = "";
        for (var i = 0; i < tree.Count; i++)
        {
            switch (tree[i].Tag)
            {
                case HtmlTag.Html:
                    First(ref language, tree.Attribute(i, AttributeName.Lang));
                    break;
                case HtmlTag.Title when title.Length == 0:
                    First(ref title, Line(HtmlEntities.Decode(tree.Source(i))));
                    break;
                case HtmlTag.H1 when heading.Length == 0:
                    First(ref heading, Line(MarkdownText.Write(tree, i, []).TrimStart('#')));
                    break;
                case HtmlTag.Time when time.Length == 0:
                    First(ref time, tree.Attribute(i, AttributeName.DateTime));
                    break;
                case HtmlTag.Link when tree.Attribute(i, AttributeName.Rel).Equals("canonical", StringComparison.OrdinalIgnoreCase):
                    First(ref canonical, tree.Attribute(i, AttributeName.Href));
                    break;
                case HtmlTag.Script
                    when tree.Attribute(i, AttributeName.Type).Equals("application/ld+json", StringComparison.OrdinalIgnoreCase):
                    Linked(LinkedData.Read(tree.Source(i)));
                    break;
                case HtmlTag.Meta:
                    Meta(i);
                    break;
            }
        }
        var address = Absolute(canonical, url);
        return new ExtractedPage(
            text,
            FirstOf(social, linked, heading, title),
            FirstOf(Iso(date), Iso(published), Iso(time), DateIn(url), DateIn(address)),
            Primary(language.Length > 0 ? language : locale),
            address,
            author
        );

        void Linked(LinkedData data)
        {
            First(ref linked, Line(HtmlEntities.Decode(data.Headline)));
            First(ref published, data.Published ?? "");
            First(ref author, Line(HtmlEntities.Decode(data.Author)));
        }

        void Meta(int node)
        {
            var name = tree.Attribute(node, AttributeName.Property);
            if (name.Length == 0) name = tree.Attribute(node, AttributeName.Name);
            if (name.Length == 0) name = tree.Attribute(node, AttributeName.ItemProp);
            if (name.Length == 0) name = tree.Attribute(node, AttributeName.HttpEquiv);
            var content = tree.Attribute(node, AttributeName.Content);
            switch (name.ToLowerInvariant())
            {
                case "og:title":
                    First(ref social, Line(content));
                    break;
                case "article:published_time"
                or "datepublished"
                or "date"
                or "pubdate"
                or "publishdate"
                or "dc.date"
                or "dc.date.issued"
                or "parsely-pub-date"
                or "sailthru.date":
                    First(ref date, content);
                    break;
                case "og:locale" or "content-language": First(ref locale, content); break;
                case "og:url": First(ref canonical, content); break;
                case "author" or "dc.creator": First(ref author, Line(content)); break;
            }
        }
    }

    private static string FirstOf(params ReadOnlySpan<string> values)
    {
        foreach (var value in values)
            if (value.Length > 0) return value;
        return "";
    }

    /// <summary>The day in an address such as <c>/2024/01/31/stones</c>.</summary>
    private static string DateIn(string url)
    {
        if (url.Length > MaxValue || Day().Match(url) is not { Success: true } day) return "";
        var date = $"{day.Groups[1].Value}-{day.Groups[2].Value}-{day.Groups[3].Value}";
        return DateTime.TryParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _) ? date : "";
    }

    private static void First(ref string place, string value)
    {
        if (place.Length == 0 && value.Length <= MaxValue) place = value;
    }

    private static string Line(string text) => WhiteSpace.Collapse(text);

    private static string Primary(string language)
    {
        var end = language.AsSpan().IndexOfAny('-', '_', ',');
        var primary = (end < 0 ? language : language[..end]).Trim().ToLowerInvariant();
        return primary.Length is 2 or 3 && primary.All(char.IsAsciiLetter) ? primary : "";
    }

    private static string Iso(string date)
    {
        if (
            !DateTimeOffset.TryParse(
                date,
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
                out var parsed
            )
        )
            return "";
        return parsed.ToString(date.Contains(':') ? "yyyy-MM-ddTHH:mm:ssZ" : "yyyy-MM-dd", CultureInfo.InvariantCulture);
    }

    private static string Absolute(string canonical, string url)
    {
        if (canonical.Length == 0) return "";
        var known = Uri.TryCreate(url, UriKind.Absolute, out var page);
        return
            (known ? Uri.TryCreate(page, canonical, out var full) : Uri.TryCreate(canonical, UriKind.Absolute, out full))
            && full!.Scheme is "http" or "https"
            ? full.AbsoluteUri
            : "";
    }

    [GeneratedRegex(@"/((?:19|20)[0-9]{2})[/-](0[1-9]|1[0-2])[/-](0[1-9]|[12][0-9]|3[01])(?:[/._-]|$)")]
    private static partial Regex Day();
}
