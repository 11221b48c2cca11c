using System.Text;
using AngleSharp.Html.Parser;
using CsCheck;
using Dolmen.Web.Extraction;

namespace Dolmen.Tests.Web.Extraction;

public class HostilePages
{
    internal static readonly string[] Pieces =
    [
        "<",
        ">",
        "</",
        "<!--",
        "-->",
        "--",
        "<![CDATA[",
        "]]>",
        "<p>",
        "</p>",
        "<div class=\"share ad\">",
        "</div>",
        "<table>",
        "<tr>",
        "<td>",
        "</td>",
        "</table>",
        "<a href=x>",
        "</a>",
        "<b>",
        "</b>",
        "<li>",
        "<ul>",
        "</ul>",
        "<ol start=99999999999>",
        "<pre>",
        "</pre>",
        "<script>",
        "</script>",
        "<title>",
        "</title>",
        "<textarea>",
        "<select>",
        "<option>",
        "<svg>",
        "</svg>",
        "<math>",
        "<template>",
        "<blockquote>",
        "<h1>",
        "</h2>",
        "<br/>",
        "<plaintext>",
        "<span style='display:none'>",
        "</span>",
        "<x-y z",
        "=",
        "'",
        "\"",
        "&",
        "&#",
        "&#x110000;",
        "&#xD800;",
        "&notit;",
        "\0",
        "\uD800",
        " ",
        "\n",
        "word, word. ",
        "\u0E01\u0E02",
        "\u4E00\u3002",
        "<body>",
        "</body>",
        "</head>",
        "<meta property=og:title content=\"",
        "<time datetime=9999-99-99>",
        "<html lang=x>",
        "<dl><dt>",
        "<dd>",
        "<form>",
        "<noscript>",
        "<xmp>",
        "</",
        "/>",
    ];

    [Theory]
    [InlineData("<div>", 100_000)]
    [InlineData("<b class=x>", 100_000)]
    [InlineData("<a href=x><p>", 100_000)]
    [InlineData("<table><tr><td>", 100_000)]
    [InlineData("<ul><li>", 100_000)]
    [InlineData("<blockquote>", 100_000)]
    [InlineData("<!---->", 500_000)]
    [InlineData("<!--", 500_000)]
    [InlineData("--", 500_000)]
    [InlineData("<title>", 300_000)]
    [InlineData("<script>", 300_000)]
    [InlineData("</a>", 300_000)]
    [InlineData("<p></b>", 300_000)]
    [InlineData("&#", 500_000)]
    [InlineData("&abcdefghijklmnopqrstuvwxyz", 100_000)]
    [InlineData("<h1>a", 100_000)]
    [InlineData("<table>a", 100_000)]
    [InlineData("<h1></h1>", 300_000)]
    [InlineData("<", 1_000_000)]
    [InlineData("\0", 1_000_000)]
    [InlineData("<pre>a", 200_000)]
    public async Task A_repeated_piece_costs_linear_work(string piece, int times)
    {
        var page = string.Concat(Enumerable.Repeat(piece, times)) + "<p>Words after, and a mark.</p>";
        // A quadratic step would take hours: the test's own time limit tells.
        await Task.Run(() => MainText.Extract(page), TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void A_tag_of_a_million_attributes_and_an_unended_quote_end() =>
        Assert.Equal("a", MainText.Extract("<p>a<p " + string.Concat(Enumerable.Repeat("class=x id ", 500_000)) + "z=\"<p>b")!.Text);

    [Fact]
    public void Any_soup_of_pieces_is_read_and_writes_valid_text() =>
        Gen.Int[0, Pieces.Length - 1].Select(i => Pieces[i]).Array[0, 80].Sample(pieces =>
        {
            var text = MainText.Extract(string.Concat(pieces))?.Text ?? "none";
            return text.Length > 0 && !text.Contains('\0');
        }, iter: 5_000);

    [Theory]
    [InlineData("<p>a<p>b<div>c</p>d</div>e")]
    [InlineData("<ul><li>a<li>b<p>c<li>d</ul>e")]
    [InlineData("<table><tr><td>a<td>b<tr><td>c</table>d")]
    [InlineData("<table><tbody><tr><td><table><tr><td>a</table>b<td>c</table>")]
    [InlineData("<dl><dt>a<dd>b<dt>c</dl>d")]
    [InlineData("<div><b>a</div>b</b>c")]
    [InlineData("<select><option>a<option>b</select>c")]
    [InlineData("<title>a<b></title>b<script>a</b></script>c<textarea><p></textarea>d")]
    [InlineData("<!-->a<!--->b<!-- --!>c<!x>d<?y>e</ z>f")]
    [InlineData("<p a='>' b=\">\" c=>d</p>e")]
    [InlineData("a&amp;b&ampc&notit;&#65;&#x80;&hellip;&nosuch;")]
    [InlineData("<h1>a<h2>b</h3>c")]
    [InlineData("<svg><title><![CDATA[a<b]]></title></svg>b<![CDATA[c]]>")]
    public void Structure_is_what_a_browser_makes_of_it(string html)
    {
        var document = new HtmlParser().ParseDocument(html);
        var expected = new List<string>();
        for (var pending = new Stack<AngleSharp.Dom.INode>([document.DocumentElement]); pending.TryPop(out var node);)
        {
            if (node is AngleSharp.Dom.IText text && !string.IsNullOrWhiteSpace(text.Data)) expected.Add($"{Container(text)}:{text.Data}");
            for (var child = node.LastChild; child is not null; child = child.PreviousSibling) pending.Push(child);
        }
        Assert.Equal(Joined(expected), Joined(Texts(HtmlTreeBuilder.Build(html))));

        static string Container(AngleSharp.Dom.INode text)
        {
            for (var element = text.ParentElement; element is not null; element = element.ParentElement)
                if (IsContainer(HtmlTags.Find(HtmlTags.Name(element.LocalName)))) return element.LocalName;
            return "";
        }
    }

    private static bool IsContainer(HtmlTag tag) => HtmlTags.Is(tag, TagTraits.Block) && tag != HtmlTag.Body;

    private static IEnumerable<string> Texts(HtmlTree tree)
    {
        for (var i = 0; i < tree.Count; i++)
        {
            var raw = tree[i].Tag is HtmlTag.Title or HtmlTag.Script or HtmlTag.TextArea && tree[i].Length > 0;
            if ((!tree[i].IsText && !raw) || tree.Source(i).IsWhiteSpace()) continue;
            var at = tree[i].Parent;
            while (at > 0 && !IsContainer(tree[at].Tag)) at = tree[at].Parent;
            var text = tree[i].Verbatim || tree[i].Tag == HtmlTag.Script ? tree.Source(i).ToString() : HtmlEntities.Decode(tree.Source(i));
            yield return $"{(at > 0 ? tree[at].Tag.ToString().ToLowerInvariant() : "")}:{text}";
        }
    }

    // Neighbouring texts of one element are one text to a browser.
    private static string Joined(IEnumerable<string> texts)
    {
        var (result, last) = (new StringBuilder(), "");
        foreach (var text in texts)
        {
            var colon = text.IndexOf(':');
            if (result.Length == 0 || text[..colon] != last) result.Append('|').Append(text);
            else result.Append(text[(colon + 1)..]);
            last = text[..colon];
        }
        return result.ToString();
    }
}
