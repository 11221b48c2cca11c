using System.Text;
using Dolmen.Tests.Web.Warc;

namespace Dolmen.Tests.Data.Sources;

/// <summary>The right values of closed quotations are those of Python's csv module (csv.reader with strict=False on a file opened with
/// newline=''). A quotation that never closes differs on purpose: Python takes the rest of the file as one field, this reader drops and
/// counts the line.</summary>
public class QuotedRows
{
    private static string[] Texts(string file, string name = "rows.csv") =>
        [.. WarcFile.Read(Encoding.UTF8.GetBytes(file), name).Records.Select(r => r.Text!)];

    [Fact]
    public void A_quotation_mark_inside_a_field_is_a_character()
    {
        var rows = string.Concat(Enumerable.Range(0, 200).Select(i => $"{i},a pipe of {i % 9}\" and more\n"));
        var texts = Texts("id,text\n" + rows);
        Assert.Equal(200, texts.Length);
        Assert.Equal("a pipe of 8\" and more", texts[8]);
    }

    [Theory]
    [InlineData("\"lead\n", "\"lead")]
    [InlineData("\"quoted\"\n", "\"quoted\"")]
    [InlineData("12\" deep\n", "12\" deep")]
    public void Tab_separated_values_have_no_quoting(string field, string text) =>
        Assert.Equal([text, "next"], Texts($"id\ttext\n1\t{field}2\tnext\n", "rows.tsv"));

    [Theory]
    [InlineData("1,\"a\"\"b\"\n", "a\"b")]
    [InlineData("1,\"a\"b\n", "ab")]
    [InlineData("1,\"a\" b\"\n", "a b\"")]
    [InlineData("1, \"a\"\n", " \"a\"")]
    [InlineData("1,a\"\"b\n", "a\"\"b")]
    [InlineData("1,\"a\nb\"\n", "a\nb")]
    [InlineData("1,\"a\r\nb\"\r\n", "a\r\nb")]
    [InlineData("1,a\r", "a")]
    [InlineData("1,a\r\n", "a")]
    [InlineData("1,a", "a")]
    [InlineData("1,\"a,b\"\n", "a,b")]
    [InlineData("1,\"\"\"\"\n", "\"")]
    [InlineData("\"1\",\"a\"", "a")]
    public void Quotation_marks_and_line_ends_are_read_as_Python_reads_them(string row, string text)
    {
        Assert.Equal([text], Texts("id,text\n" + row));
        Assert.Equal([text], Texts("\uFEFFid,text\r\n" + row));
        Assert.Equal([text], Texts("id,text\r\r" + row));
    }

    [Fact]
    public void A_quotation_that_never_closes_costs_its_line_and_is_counted()
    {
        var (records, funnel) = WarcFile.Read(Encoding.UTF8.GetBytes("id,text\n1,first\n2,\"open\n3,third\n4,fourth\n"), "rows.csv");
        Assert.Equal(["first", "third", "fourth"], records.Select(r => r.Text));
        Assert.Equal(1, funnel.Dropped["quote-never-closed"]);
        Assert.Equal(3, Assert.Single(funnel.Broken).Offset);
    }

    [Fact]
    public void Rows_of_other_length_and_text_behind_a_quote_are_noted_with_the_first_place()
    {
        var (records, funnel) = WarcFile.Read(Encoding.UTF8.GetBytes("id,text\n1,a,b\n2,\"c\"d\n3,e,f\n"), "rows.csv");
        Assert.Equal(["a", "cd", "e"], records.Select(r => r.Text));
        Assert.Equal(2, funnel.Noted["row-of-other-length"]);
        Assert.Equal(1, funnel.Noted["text-after-quote"]);
        Assert.Equal([2, 3], funnel.Broken.Select(b => b.Offset));
    }

    [Theory]
    [InlineData(";")]
    [InlineData("\t")]
    [InlineData("|")]
    public void The_delimiter_is_the_one_that_gives_the_column(string delimiter) =>
        Assert.Equal(["a, b"], Texts($"id{delimiter}text\n1{delimiter}a, b\n"));

    [Fact]
    public void Utf16_of_spreadsheets_is_read() =>
        Assert.Equal(
            ["über"],
            WarcFile.Read([0xFF, 0xFE, .. Encoding.Unicode.GetBytes("id,text\r\n1,über\r\n")], "rows.csv").Records.Select(r => r.Text)
        );

    [Fact]
    public void Bytes_that_are_not_utf8_are_counted_with_their_line()
    {
        var (_, funnel) = WarcFile.Read([.. "id,text\n1,fine\n2,caf"u8, 0xE9, 0xE8, (byte)'\n'], "rows.csv");
        Assert.Equal(1, funnel.Noted["not-utf8"]);
        Assert.Equal(2, funnel.Noted["bytes-replaced"]);
        Assert.Equal(3, Assert.Single(funnel.Broken).Offset);
    }
}
