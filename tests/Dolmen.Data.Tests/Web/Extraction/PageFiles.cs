using System.Text;
using Dolmen.Artifacts;
using Dolmen.Web.Extraction;

namespace Dolmen.Tests.Web.Extraction;

public class PageFiles
{
    private const int MoreThanRead = (1 << 21) + 1000;

    [Fact]
    public void A_page_whose_text_stands_behind_more_elements_than_are_read_says_so()
    {
        var error = Assert.Throws<UserErrorException>(() => Extract(Elements() + "text at last", null));
        Assert.Contains("no text in its first 2,097,152 elements", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_that_is_read_in_part_is_noted()
    {
        var notes = new List<string>();
        Assert.Equal("text at first", Extract("<p>text at first</p>" + Elements(), notes.Add).Text.Trim());
        Assert.Contains("was not read", Assert.Single(notes), StringComparison.Ordinal);
        Assert.Equal("short", Extract("<p>short</p>", note => Assert.Fail(note)).Text.Trim());
    }

    [Fact]
    public void A_page_without_text_is_refused_for_another_reason()
    {
        var error = Assert.Throws<UserErrorException>(() => Extract("<script>x</script>", null));
        Assert.Contains("besides scripts", error.Message, StringComparison.Ordinal);
    }

    private static string Elements() => string.Concat(Enumerable.Repeat("<br>", MoreThanRead));

    private static ExtractedPage Extract(string html, Action<string>? note) =>
        PageFile.Extract("page.html", open: new MemoryStream(Encoding.UTF8.GetBytes(html)), note: note);
}
