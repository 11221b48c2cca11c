using static Dolmen.PageTests.OpenPage;

namespace Dolmen.PageTests;

/// <summary>Markdown as the page's elements, and texts that are made to make it slow.</summary>
[Collection(PageCollection.Name)]
public class MarkdownTests(Chromium browser)
{
    private const int Long = 100_000;

    private const string ToHtml = """
        async text => {
          const { markdown } = await import('/page/markdown.js');
          const box = document.createElement('div');
          box.append(markdown(text));
          return box.innerHTML;
        }
        """;

    private const string ToText = """
        async text => {
          const { markdown } = await import('/page/markdown.js');
          return markdown(text).textContent;
        }
        """;

    private static readonly (string Text, string Html)[] Examples =
    [
        ("**a** *b* _c_ `d` ``e`f`` \\*g\\*",
            "<p><strong>a</strong> <em>b</em> <em>c</em> <code>d</code> <code>e`f</code> *g*</p>"),
        ("***a*** **b *c*** ***d* e** **f****g**", "<p><strong><em>a</em></strong> <strong>b <em>c</em></strong> "
            + "<strong><em>d</em> e</strong> <strong>f****g</strong></p>"),
        ("2*3*4 a_b_c __init__ * a * ** b **", "<p>2*3*4 a_b_c __init__ * a * ** b **</p>"),
        ("`` ` `` and `a", "<p><code>`</code> and `a</p>"),
        ("# C#", "<h3>C#</h3>"),
        ("## a `b` ##", "<h4>a <code>b</code></h4>"),
        ("#a", "<p>#a</p>"),
        ("[a] [b][c] [d](e", "<p>[a] [b][c] [d](e</p>"),
        ("[j](javascript:x)", "<p><span>j</span></p>"),
        ("a:\n| b | c |\n|:--|--:|\n| 1 |\n| 2 | 3 | 4 |\nd", "<p>a:</p>"
            + "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table>"
            + "<thead><tr><th class=\"start\">b</th><th class=\"end\">c</th></tr></thead>"
            + "<tbody><tr><td class=\"start\">1</td></tr><tr><td class=\"start\">2</td><td class=\"end\">3</td></tr></tbody></table></div>"
            + "<p>d</p>"),
        ("a | b\n---", "<p>a | b</p><hr>"),
        ("```sh\na\n\n b\n```\n~~~ c`d\ne", "<pre tabindex=\"0\"><code>a\n\n b</code></pre><pre tabindex=\"0\"><code>e</code></pre>"),
        ("- a\n- b\n  1. c\n\n> d\n> e",
            "<ul><li>a</li><li>b<ol start=\"1\"><li>c</li></ol></li></ul><blockquote><p>d\ne</p></blockquote>"),
    ];

    [Fact]
    public Task Markdown_becomes_elements() => With(browser, async open =>
    {
        foreach (var (text, html) in Examples) Assert.Equal(html, await open.Page.EvaluateAsync<string>(ToHtml, text));
    });

    [Fact]
    public Task A_link_keeps_the_brackets_of_its_address() => With(browser, async open =>
    {
        var html = await open.Page.EvaluateAsync<string>(ToHtml, "[a](https://elsewhere.example/b_(c)) (https://elsewhere.example/d_e).");
        const string Rest = "target=\"_blank\" rel=\"noopener noreferrer\"";
        Assert.Equal($"<p><a href=\"https://elsewhere.example/b_(c)\" {Rest}>a</a> "
            + $"(<a href=\"https://elsewhere.example/d_e\" {Rest}>https://elsewhere.example/d_e</a>).</p>", html);
    });

    /// <summary>Marks that nothing closes are text. Where the work grew with the square or the cube of the length, these would take
    /// minutes to days.</summary>
    [Theory]
    [InlineData("x ", "`", "")]
    [InlineData("", "`", "x`")]
    [InlineData("x", "[", "")]
    [InlineData("x", "[", "](y")]
    [InlineData("x", "[a](", "")]
    [InlineData("x", "[a](b \"", "")]
    [InlineData("x", "![", "]")]
    [InlineData("x ", "**a ", "")]
    [InlineData("x ", "***a ", "")]
    [InlineData("x ", "*", "")]
    [InlineData("x ", "*a ", "")]
    [InlineData("x ", "_a ", "")]
    [InlineData("x ", "a** ", "")]
    [InlineData("https://", ".", "")]
    [InlineData("|a|b|\n|-", " ", "x")]
    [InlineData("|a|b|\n", "|-", "x")]
    [InlineData("x|", "-", "|\nx")]
    [InlineData("", " ", "x")]
    [InlineData("~~", " ", "`")]
    public Task Marks_that_nothing_closes_stay_text(string before, string repeated, string after) => With(browser, async open =>
    {
        var text = before + string.Concat(Enumerable.Repeat(repeated, Long / repeated.Length)) + after;
        Assert.Equal(text, await Evaluate(open, text));
    });

    [Fact]
    public Task Long_lines_and_many_lines_are_taken_apart_in_a_moment() => With(browser, async open =>
    {
        var spaces = new string(' ', Long);
        Assert.Equal($"a{spaces}b", await Evaluate(open, $"# a{spaces}b #"));
        Assert.Equal("x\u2028y", await Evaluate(open, $"#{spaces}x\u2028y"));
        Assert.Equal("x\u2028y", await Evaluate(open, $"- {spaces}x\u2028y"));
        Assert.Equal("", await Evaluate(open, $"~~~{spaces}`"));
        Assert.Equal("", await Evaluate(open, string.Concat(Enumerable.Repeat("```\n```\n", Long / 8))));
        var runs = string.Concat(Enumerable.Range(3, 450).Select(length => "a" + new string('`', length)));
        Assert.Equal(runs, await Evaluate(open, runs));
        var cells = await Evaluate(open, "|" + string.Concat(Enumerable.Repeat("a|", Long / 4)) + "\n|"
            + string.Concat(Enumerable.Repeat("-|", Long / 4)) + "\n" + string.Concat(Enumerable.Repeat("|b\n", Long / 4)));
        Assert.Equal(new string('a', Long / 4) + new string('b', Long / 4), cells);
    });

    /// <summary>The page is of use again within a minute, or the test fails instead of standing still.</summary>
    private static Task<string> Evaluate(OpenPage open, string text) =>
        open.Page.EvaluateAsync<string>(ToText, text).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
}
