using System.Text;
using AngleSharp.Html;
using AngleSharp.Html.Parser;
using AngleSharp.Html.Parser.Tokens;
using AngleSharp.Text;
using Dolmen.Web.Encodings;

namespace Dolmen.Web.Crawling;

/// <summary>What a page says of itself to crawlers and where it leads. The page is cut into tags, not built into a tree.</summary>
internal sealed class PageLinks
{
    public const int MaxLinks = 10_000;

    private PageLinks() { }

    public List<WebAddress> Links { get; } = [];

    /// <summary>Whether the page asks not to be kept: <c>noindex</c>, <c>noarchive</c>, <c>none</c> or <c>noai</c>.</summary>
    public bool KeepsOut { get; private set; }

    public bool NoFollow { get; private set; }

    public static PageLinks Read(Exchange page, ReadOnlyMemory<byte> html, string productToken)
    {
        var links = new PageLinks();
        foreach (var line in page.Headers.NonValidated.TryGetValues("X-Robots-Tag", out var values) ? values : default)
            links.ObeyHeader(line, productToken);
        if (page.MediaType is "text/html" or "application/xhtml+xml" || (page.MediaType.Length == 0 && LooksLikeHtml(html.Span)))
            links.Scan(PageText.Decode(html.ToArray(), page.Content.ContentType?.CharSet?.Trim('"', '\'')), page.Address.Uri, productToken);
        return links;
    }

    private void Scan(string html, Uri page, string productToken)
    {
        var references = new List<string>();
        var hasBase = false;
        using var source = new TextSource(html);
        using var tokenizer = new HtmlTokenizer(source, HtmlEntityProvider.Resolver)
        {
            SkipDataText = true, SkipScriptText = true, SkipRawText = true, SkipRCDataText = true, SkipComments = true, SkipCDATA = true,
        };
        while (tokenizer.Get() is { Type: not HtmlTokenType.EndOfFile } token)
        {
            if (token is not HtmlTagToken { Type: HtmlTokenType.StartTag } tag) continue;
            switch (tag.Name)
            {
                // What the tree would tell the tokenizer: tags inside these are text.
                case "script": tokenizer.State = HtmlParseMode.Script; break;
                case "style" or "xmp" or "noembed": tokenizer.State = HtmlParseMode.Rawtext; break;
                case "title" or "textarea": tokenizer.State = HtmlParseMode.RCData; break;
                case "base" when !hasBase && tag.GetAttribute("href") is { Length: > 0 } href:
                    hasBase = true;                                      // only the first counts
                    if (WebAddress.Parse(href, page) is { } from) page = from.Uri;
                    break;
                case "meta" when Names(tag.GetAttribute("name"), productToken):
                    Obey(tag.GetAttribute("content"));
                    break;
                case "a" or "area": Add(tag, "href"); break;
                case "link" when HasWord(tag.GetAttribute("rel"), "next"): Add(tag, "href"); break;
                case "frame": Add(tag, "src"); break;
                case "iframe":
                    Add(tag, "src");
                    tokenizer.State = HtmlParseMode.Rawtext;
                    break;
            }
        }
        if (NoFollow) return;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var reference in references)
        {
            if (WebAddress.Parse(reference, page) is { } link && seen.Add(link.Text)) Links.Add(link);
        }

        void Add(HtmlTagToken tag, string attribute)
        {
            if (
                references.Count < MaxLinks
                && tag.GetAttribute(attribute) is { Length: > 0 } reference
                && !HasWord(tag.GetAttribute("rel"), "nofollow")
            )
                references.Add(reference);
        }
    }

    private static bool Names(string? name, string productToken) =>
        string.Equals(name, "robots", StringComparison.OrdinalIgnoreCase)
        || string.Equals(name, productToken, StringComparison.OrdinalIgnoreCase);

    /// <summary>"nofollow, noindex" for all, or "name: nofollow" for the crawler of that name.</summary>
    private void ObeyHeader(string line, string productToken)
    {
        var colon = line.IndexOf(':');
        var who = colon > 0 ? line[..colon].Trim() : "";
        var isName =
            who.Length > 0
            && who.All(c => char.IsAsciiLetter(c) || c is '-' or '_')
            && who is not ("unavailable_after" or "max-snippet" or "max-image-preview" or "max-video-preview");
        if (!isName)
            Obey(line);
        else if (who.Equals(productToken, StringComparison.OrdinalIgnoreCase))
            Obey(line[(colon + 1)..]);
    }

    private void Obey(string? directives)
    {
        foreach (
            var word in (directives ?? "")
                .ToLowerInvariant()
                .Split([',', ' ', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        )
        {
            if (word is "noindex" or "noarchive" or "none" or "noai") KeepsOut = true;
            if (word is "nofollow" or "none") NoFollow = true;
        }
    }

    private static bool HasWord(string? words, string word)
    {
        if (words is null) return false;
        foreach (var range in words.AsSpan().SplitAny(" \t\r\n\f,"))
        {
            if (words.AsSpan(range).Equals(word, StringComparison.OrdinalIgnoreCase)) return true;
        }
        return false;
    }

    private static bool LooksLikeHtml(ReadOnlySpan<byte> bytes)
    {
        var start = Encoding.ASCII.GetString(bytes[..Math.Min(bytes.Length, 512)]).TrimStart();
        return start.StartsWith("<!doctype html", StringComparison.OrdinalIgnoreCase)
            || start.StartsWith("<html", StringComparison.OrdinalIgnoreCase);
    }
}
