using System.Globalization;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Artifacts.Reports;
using static Dolmen.Artifacts.Reports.HtmlPage;

namespace Dolmen.Tokenization;

/// <summary>A text's tokens as a page: coloured, with id and bytes where a mouse rests.</summary>
public static class TokenPage
{
    private const int Grounds = 5;

    public static string Html(string tokenizer, IReadOnlyList<ViewedToken> tokens)
    {
        var page = new HtmlPage($"Tokens of {tokenizer}", EmbeddedText.Read(typeof(TokenPage), "tokens.css"));
        page.Lead(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{tokens.Count:N0} tokens, {tokens.Where(token => !token.IsSpecial).Sum(token => (long)token.Bytes.Length):N0} bytes of "
                    + $"text."
            )
        );
        page.Note("Rest on a token for its id and bytes. Underlined ones are parts of characters, shown as bytes; dark ones are special.");
        var text = new StringBuilder("<p class=\"tokens\" dir=\"auto\">");
        for (var i = 0; i < tokens.Count; i++)
        {
            var token = tokens[i];
            text.Append(
                CultureInfo.InvariantCulture,
                $"<span class=\"{(token.IsSpecial ? "special" : $"t{i % Grounds}{(token.IsWhole ? "" : " part")}")}\" title=\"{token.Id}: "
                    + $"{TokenText.Hex(token.Bytes)}\">{Escape(TokenText.Of(token.Bytes))}</span>"
            );
            if (token.Bytes.Contains((byte)'\n'))
                text.Append("<br>");
        }
        page.Raw(text.Append("</p>\n").ToString());
        return page.ToString();
    }
}
