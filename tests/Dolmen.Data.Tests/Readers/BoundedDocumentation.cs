using System.Text;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Documentation;
using Dolmen.Data.Inputs;
using Dolmen.Data.Readers;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Data.Readers;

/// <summary>Documentation goes through the reader of crawls: linear time, bounded depth, and what is beyond the bound is noted.</summary>
public sealed class BoundedDocumentation : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("<ul><li>", 60_000, "", 0)]
    [InlineData("<b>", 50_000, "</i>", 200_000)]
    [InlineData("<div>", 100_000, "", 0)]
    [InlineData("<table><tr><td>", 60_000, "", 0)]
    [InlineData("<a href=x><b><p>", 60_000, "</a></b>", 60_000, 0)]
    [InlineData("<select><option>", 60_000, "", 0)]
    [InlineData("<q><blockquote>", 60_000, "", 0)]
    [InlineData("<font><nobr><p>", 60_000, "</font>", 60_000, 0)]
    [InlineData("<font><nobr><div>", 60_000, "</font>", 60_000)]
    public async Task Html_that_nests_without_end_is_read_in_linear_time_and_noted(
        string open,
        int times,
        string close,
        int closes,
        long tooDeep = 1
    )
    {
        var html = "<p>Words that come first, and a mark.</p>" + Repeat(open, times) + "words at the bottom" + Repeat(close, closes);
        var (entries, funnel) = await Read("page.html", html);
        Assert.Contains("Words that come first, and a mark.", entries, StringComparison.Ordinal);
        if (open.StartsWith("<select", StringComparison.Ordinal)) Assert.DoesNotContain("bottom", entries, StringComparison.Ordinal);
        else Assert.Contains("words at the bottom", entries, StringComparison.Ordinal);
        Assert.Equal(tooDeep, funnel.Noted.GetValueOrDefault("html-too-deep"));
    }

    [Fact]
    public async Task A_tag_of_many_attributes_keeps_its_words()
    {
        var (entries, funnel) = await Read(
            "page.html",
            $"<p {Repeat("class=x data-y='<b>' ", 100_000)}>Words of the paragraph, and a mark."
        );
        Assert.Contains("Words of the paragraph, and a mark.", entries, StringComparison.Ordinal);
        Assert.Empty(funnel.Noted);
    }

    [Fact]
    public async Task Xml_that_nests_without_end_keeps_its_words_and_is_noted()
    {
        var (entries, funnel) = await Read("words.xml", $"{Repeat("<a>", 100_000)}words at the very bottom of it{Repeat("</a>", 100_000)}");
        Assert.Contains("words at the very bottom of it", entries, StringComparison.Ordinal);
        Assert.Equal(1, funnel.Noted["xml-too-deep"]);
    }

    [Fact]
    public async Task Unclosed_xml_is_dropped_and_counted()
    {
        var (entries, funnel) = await Read("words.xml", Repeat("<a>", 300_000));
        Assert.Equal(("", 1L), (entries, funnel.Dropped["unparsable-xml"]));
    }

    [Theory]
    [InlineData("<b>")]
    [InlineData("<see>")]
    [InlineData("<list><item><description>")]
    [InlineData("<para><c>")]
    public async Task A_summary_that_nests_without_end_keeps_its_words(string open)
    {
        var close = string.Concat(open.Split('<', StringSplitOptions.RemoveEmptyEntries).Reverse().Select(tag => "</" + tag));
        var (entries, funnel) = await Read(
            "doc.xml",
            Member("T:N.C", $"A class of things. {Repeat(open, 50_000)}deep{Repeat(close, 50_000)}")
        );
        Assert.Contains("A class of things.", entries, StringComparison.Ordinal);
        Assert.Contains("deep", entries, StringComparison.Ordinal);
        Assert.Equal(1, funnel.Noted["xml-too-deep"]);
    }

    [Fact]
    public async Task An_element_of_many_attributes_a_name_of_many_stars_and_entities_end()
    {
        var (entries, _) = await Read(
            "doc.xml",
            Member("T:N.C", $"A class <b {string.Concat(Enumerable.Range(0, 50_000).Select(i => $"a{i}='1' "))}>of</b> things.")
        );
        Assert.Contains("A class of things.", entries, StringComparison.Ordinal);
        var (none, funnel) = await Read("doc.xml", Member($"M:N.C.F(X{Repeat("*", 300_000)})", "A method."));
        Assert.Equal(("", 1L), (none, funnel.Dropped["not-a-member"]));
        (none, funnel) = await Read("doc.xml", "<!DOCTYPE d [<!ENTITY a 'aaaa'>]><d>&a;</d>");
        Assert.Equal(("", 1L), (none, funnel.Dropped["unparsable-xml"]));
    }

    [Fact]
    public async Task Many_sections_of_the_same_heading_stay_apart()
    {
        var html = string.Concat(Enumerable.Range(0, 30_000).Select(i => $"<h2>Same</h2><p>Words of section number {i}.</p>"));
        var path = Write("page.html", Encoding.UTF8.GetBytes(html));
        var kept = await Task.Run(
                () => EntrySet.Clean(HtmlReader.Read(path, new Funnel(), default), new Funnel()),
                TestContext.Current.CancellationToken
            )
            .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Equal((30_000, 30_000), (kept.Count, kept.Select(entry => entry.Signature).Distinct().Count()));
    }

    [Fact]
    public async Task A_paragraph_without_end_is_cut_in_linear_time()
    {
        var pieces = await Task.Run(
                () => Passages.Cut(Repeat("word ", 5_000_000), "t", "s", new Funnel()).Count(),
                TestContext.Current.CancellationToken
            )
            .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.InRange(pieces, 12_000, 13_000);
    }

    [Theory]
    [InlineData("__a ")]
    [InlineData("**a ")]
    [InlineData("![](")]
    [InlineData("![")]
    [InlineData("[a](")]
    [InlineData("*a_ ")]
    [InlineData("<a ")]
    public async Task Marks_that_never_close_are_read_in_linear_time(string mark)
    {
        var marks = Repeat(mark, 1_000_000);
        var (entries, _) = await Read("page.md", $"# Title\n\n# {marks}\n\nWords of the text, and a mark.\n\n{marks}");
        Assert.Contains("Words of the text, and a mark.", entries, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copies_of_one_name_are_numbered_in_linear_time()
    {
        var names = new UniqueNames((name, copy) => $"{name} ({copy})");
        var last = await Task.Run(
                () => Enumerable.Range(0, 500_000).Select(_ => names.Of("Same")).Append(names.Of("Same (7)")).ToList(),
                TestContext.Current.CancellationToken
            )
            .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Equal(["Same", "Same (2)", "Same (3)"], last.Take(3));
        Assert.Equal(last.Count, last.Distinct().Count());
    }

    [Fact]
    public void A_heading_is_cut_between_characters()
    {
        var title = SectionTitle.Clean(new string('x', 119) + string.Concat(Enumerable.Repeat("😀", 2000)));
        Assert.Equal(new string('x', 119), title);
    }

    [Fact]
    public void A_long_parse_can_be_stopped()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => HtmlReader.Parse(Repeat("<p>", 10_000), "s", new Funnel(), stop.Token).Count());
        Assert.Throws<OperationCanceledException>(() => XmlTree.Read($"<a>{Repeat("<b/>", 10_000)}</a>", new Funnel(), stop.Token));
    }

    [Theory]
    [InlineData("page.html", "<meta charset=windows-1251><p>", "</p>")]
    [InlineData("words.xml", "<?xml version='1.0' encoding='windows-1251'?><d>", "</d>")]
    public async Task The_encoding_a_file_declares_is_read(string name, string before, string after)
    {
        byte[] bytes =
        [
            .. Encoding.ASCII.GetBytes(before),
            .. Enumerable.Repeat((byte[])[0xCD, 0xE0, 0xF7, 0xE0, 0xEB, 0xFC, 0xED, 0xE8, 0xEA, 0x20], 4).SelectMany(b => b),
            .. Encoding.ASCII.GetBytes(after),
        ];
        Assert.Contains(
            "\u041D\u0430\u0447\u0430\u043B\u044C\u043D\u0438\u043A",
            (await Read(name, bytes)).Entries,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("a.txt", "Words of a plain text.", "")]
    [InlineData("a.md", "# Words of a heading", "Words of a heading")]
    [InlineData("a.html", "<h1>Words of a heading</h1><p>And of the text.</p>", "")]
    [InlineData("a.xml", "<?xml version='1.0'?><d>Words of an XML file.</d>", "")]
    public async Task A_byte_order_mark_is_no_part_of_the_text(string name, string text, string title)
    {
        foreach (var encoding in new Encoding[] { Encoding.UTF8, Encoding.Unicode, Encoding.BigEndianUnicode })
        {
            var (entries, funnel) = await Read(name, [.. encoding.GetPreamble(), .. encoding.GetBytes(text)]);
            Assert.DoesNotContain('\uFEFF', entries);
            Assert.Contains("Words of", entries, StringComparison.Ordinal);
            Assert.StartsWith(title, entries, StringComparison.Ordinal);
            Assert.Empty(funnel.Dropped);
        }
    }

    private static string Member(string name, string summary) =>
        $"<doc><members><member name=\"{name}\"><summary>{summary}</summary></member></members></doc>";

    private static string Repeat(string piece, int times) => new StringBuilder(piece.Length * times).Insert(0, piece, times).ToString();

    private Task<(string Entries, Funnel Funnel)> Read(string name, string text) => Read(name, Encoding.UTF8.GetBytes(text));

    private async Task<(string Entries, Funnel Funnel)> Read(string name, byte[] bytes)
    {
        var (file, funnel) = (Write(name, bytes), new Funnel());
        // A quadratic step would take minutes.
        var entries = await Task.Run(() => DocumentationReader.Read(file, funnel).ToList(), TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        return (
            string.Join(
                '\n',
                entries.Select(entry =>
                    entry.Kind == EntryKind.Passage ? entry.Remarks : $"{entry.Signature}\n{entry.Summary}\n{entry.Remarks}"
                )
            ),
            funnel
        );
    }

    private InputFile Write(string name, byte[] bytes)
    {
        var path = Path.Combine(_folder.Path, name);
        File.WriteAllBytes(path, bytes);
        return new InputFile(path, name, "");
    }
}
