using Dolmen.Web.Extraction;

namespace Dolmen.Tests.Web.Extraction;

public class MainTexts
{
    private const string Prose =
        "The tomb stands on a low hill, west of the village, and was first described in 1847. Its capstone weighs some forty tons, they "
            + "say.";

    private static string Text(string html) => MainText.Extract(html)?.Text ?? "";

    [Theory]
    [InlineData("<h2>Stones</h2><p>Old <b>stones</b>\n stand.</p>", "## Stones\n\nOld stones stand.")]
    [InlineData("<p>One<p>Two<br>Three", "One\n\nTwo\nThree")]
    [InlineData("<ul><li>a<li>b<ul><li>c</ul></ul>", "- a\n- b\n  - c")]
    [InlineData("<ol start=3><li>a</li><li><p>b</p></li></ol>", "3. a\n4. b")]
    [InlineData("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n> \n> b")]
    [InlineData("<table><tr><th>a<th>b<tr><td>1<td><b>2</b></table>", "a | b\n1 | 2")]
    [InlineData(
        "<p>Do:</p><pre><code>if (a &lt; b)\n    <i>c</i>();\n</code></pre><p>Done.</p>",
        "Do:\n\n```\nif (a < b)\n    c();\n```\n\nDone."
    )]
    [InlineData("<pre>```</pre>", "````\n```\n````")]
    [InlineData("<dl><dt>a<dd>b</dl>", "a\nb")]
    [InlineData("<p>a<img alt='x'> <a href=/>b</a>&nbsp;&amp; c&#x41;&eacute;&copy", "a b & cA\u00E9\u00A9")]
    [InlineData(
        "<p>see<p hidden>no<p aria-hidden=true>no<p style='color:red; display : none'>no<script>no</script><style>no</style><!-- no -->",
        "see"
    )]
    [InlineData("<svg><text>no</text></svg><p>a<math><![CDATA[<b>]]></math>", "a<b>")]
    [InlineData("<p>1 < 2 <3 & 4 &bogus; <> </3>x", "1 < 2 <3 & 4 &bogus; <> x")]
    [InlineData("<p>\u6771\u4EAC\u306F\u65E5\u672C\u306E\u9996\u90FD\u3002", "\u6771\u4EAC\u306F\u65E5\u672C\u306E\u9996\u90FD\u3002")]
    [InlineData("<p>a\0b", "ab")]
    public void Forms_are_kept(string html, string expected) => Assert.Equal(expected, Text(html));

    [Fact]
    public void What_surrounds_an_article_is_left_out()
    {
        var html = $"""
            <html><body class="has-sidebar"><nav><a href=/>Home</a></nav><header><div class="site-menu"><a href=/a>News of the week</a></div></header>
            <div><div class="post"><h1>The tomb</h1><p>{Prose}</p><p>{Prose}</p><div class="share-tools">Share this with all of your friends, please.</div></div>
            <div id="sidebar"><p>Buy our calendar of stones, now half the price, at our shop.</p></div></div>
            <div id="comments"><p>What a lovely stone, I have been there myself, twice.</p></div><footer>All rights reserved, by us.</footer></body></html>
            """;
        Assert.Equal($"# The tomb\n\n{Prose}\n\n{Prose}", Text(html));
    }

    [Fact]
    public void A_forum_keeps_every_post()
    {
        var html =
            "<body><div id=posts>"
            + string.Concat(Enumerable.Range(0, 5).Select(i => $"<div class=comment><p>{i}: {Prose}</p></div>"))
            + "</div></body>";
        Assert.All(Enumerable.Range(0, 5), i => Assert.Contains($"{i}: {Prose}", Text(html)));
    }

    [Fact]
    public void A_page_of_links_alone_is_not_empty() => Assert.Equal("Home", Text("<nav><a href=/>Home</a></nav>"));

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("<html><head><title>t</title><script>alert(1)</script></head><body><img></body></html>")]
    public void A_page_without_text_gives_none(string html) => Assert.Null(MainText.Extract(html));

    [Fact]
    public void What_a_page_says_about_itself_is_read()
    {
        var page = MainText.Extract("""
            <html lang="de-AT"><head><title>Steine - Blog</title><meta property="og:title" content="Steine &amp; Gr&auml;ber"><link rel=canonical href="/steine">
            <meta property="article:published_time" content="2019-11-05T10:00:00+01:00"><meta name=author content="A. B."></head><body><p>Text.</body></html>
            """,
            "https://example.org/x?y=1"
        );
        Assert.Equal(
            new ExtractedPage("Text.", "Steine & Gr\u00E4ber", "2019-11-05T09:00:00Z", "de", "https://example.org/steine", "A. B."),
            page
        );
    }

    [Theory]
    [InlineData(
        "{\"@context\":\"https://schema.org\",\"@graph\":[{\"@type\":\"WebSite\",\"name\":\"Blog\"},{\"@type\":\"NewsArticle\","
            + "\"headline\":\"Steine &amp; Gräber\",\"datePublished\":\"2019-11-05T10:00:00+01:00\",\"author\":[{\"name\":\"A. B.\"}]}]}",
        "Steine & Gräber|2019-11-05T09:00:00Z|A. B."
    )]
    [InlineData("[{\"datePublished\":\"2019-11-05\",\"author\":\"A. B.\"}]", "Heading|2019-11-05|A. B.")]
    [InlineData("{\"headline\":\"\\ud800\",\"datePublished\":\"2019-11-05\"}", "Heading|2024-01-31|")]
    [InlineData("{\"headline\":", "Heading|2024-01-31|")]
    [InlineData("{\"headline\":7,\"datePublished\":\"soon\"}", "Heading|2024-01-31|")]
    public void What_a_page_says_in_JSON_LD_or_its_address_is_read(string json, string expected)
    {
        var page = MainText.Extract(
            $"<title>t</title><script type=\"application/ld+json\">{json}</script><h1>Heading</h1><p>Text.</p>",
            "https://example.org/2024/01/31/stones"
        )!;
        Assert.Equal(expected, $"{page.Title}|{page.Date}|{page.Author}");
    }

    [Fact]
    public void JSON_LD_with_half_a_surrogate_pair_is_read_around_it()
    {
        var page = MainText.Extract("<script type=\"application/ld+json\">{\"headline\":\"Stones \uD800\"}</script><p>Text.</p>", "")!;
        Assert.Equal("Stones \uFFFD", page.Title);
    }

    [Fact]
    public void The_score_counts_shingles_as_the_benchmark_does()
    {
        var score = new ExtractionScore();
        Assert.Equal(0.8, score.Add("a b c d e", "a b c d e f"), 9);     // 2 of 2 found, 2 of 3 right
        score.Add("x", "x");
        Assert.Equal(1, score.Recall, 9);
        Assert.Equal(5 / 6.0, score.Precision, 9);
    }

    [Theory]
    [InlineData("x-unknown-9", 1)]
    [InlineData("windows-1252", 0)]
    public void An_encoding_that_is_not_known_is_said(string charset, int notes)
    {
        using var folder = new Fakes.TemporaryFolder();
        var path = Path.Combine(folder.Path, "a.html");
        File.WriteAllText(
            path,
            $"<html><head><meta charset={charset}></head><body><p>Words of a page that is long enough.</p></body></html>"
        );
        var said = new List<string>();
        Assert.Contains("Words of a page", PageFile.Extract(path, note: said.Add).Text, StringComparison.Ordinal);
        Assert.Equal(notes, said.Count);
        Assert.All(said, note => Assert.Contains("charset-unknown", note, StringComparison.Ordinal));
    }
}
