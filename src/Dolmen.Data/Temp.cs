namespace Dolmen.Data.Extraction
{
    internal sealed record ExtractedPage(string Text, string Title, string Date, string Language, string CanonicalUrl);
    internal static class MainText
    {
        public static ExtractedPage? Extract(string html, string url = "")
        {
            var document = new AngleSharp.Html.Parser.HtmlParser().ParseDocument(html);
            return new ExtractedPage(document.Body?.TextContent ?? "", document.Title ?? "", "", "", "");
        }
    }
}
