using System.Text;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Sources;
using Dolmen.Web.Encodings;

namespace Dolmen.Tests.Web.Encodings;

/// <summary>What the first bytes of a page say of its encoding, as the HTML Standard has it found.</summary>
public class Prescans
{
    [Theory]
    [InlineData("<meta charset=windows-1251>", "windows-1251")]
    [InlineData("<meta name=description content='how to set charset=gbk in a page'><meta charset=windows-1251>", "windows-1251")]
    [InlineData("<meta name=description content='charset=gbk'>", null)]
    [InlineData(
        "<meta property=og:title content='charset=gbk'><meta http-equiv=content-type content='text/html; charset=koi8-r'>",
        "koi8-r"
    )]
    [InlineData("<meta content='text/html; charset=koi8-r' http-equiv=Content-Type>", "koi8-r")]
    [InlineData("<meta http-equiv=refresh content='0; url=x?charset=gbk'><meta charset=big5>", "big5")]
    [InlineData("<meta http-equiv=content-type content='text/html; charset = \"euc-jp\" '>", "euc-jp")]
    [InlineData("<meta http-equiv=content-type content='charsets charset=euc-kr;x'>", "euc-kr")]
    [InlineData("<meta http-equiv=content-type content=\"text/html; charset='gbk\"><meta charset=big5>", "big5")]
    [InlineData("<meta charset=gbk http-equiv=content-type content='text/html; charset=koi8-r'>", "gbk")]
    [InlineData("<meta charset=gbk charset=koi8-r>", "gbk")]
    [InlineData("<META/CHARSET='BIG5'/>", "big5")]
    [InlineData("<meta\fcharset\n=\t\"big5\">", "big5")]
    [InlineData("<metax charset=gbk><meta charset=big5>", "big5")]
    [InlineData("<!-- <meta charset=gbk> --><meta charset=big5>", "big5")]
    [InlineData("<!--><meta charset=big5>", "big5")]
    [InlineData("<!-- <meta charset=gbk>", null)]
    [InlineData("<p title='<meta charset=gbk>'><meta charset=big5>", "big5")]
    [InlineData("<p title=<meta charset=gbk><meta charset=big5>", "big5")]
    [InlineData("</p title='<meta charset=gbk>'><meta charset=big5>", "big5")]
    [InlineData("<!doctype '<meta charset=gbk>'><meta charset=big5>", "big5")]
    [InlineData("<?php <meta charset=gbk> ?><meta charset=big5>", "big5")]
    [InlineData("<script>'<meta charset=gbk>'</script>", "gbk")]
    [InlineData("<meta charset=utf-16>", "utf-8")]
    [InlineData("<meta charset=utf-16be>", "utf-8")]
    [InlineData("<meta charset=x-user-defined>", "windows-1252")]
    [InlineData("<meta charset=nonsense><meta charset=big5>", "big5")]
    [InlineData("<meta charset=''><meta charset=big5>", "big5")]
    [InlineData("<meta charset=big5", null)]
    [InlineData("<meta charset='big5", null)]
    [InlineData("<?xml version='1.0' encoding='koi8-r'?><p>", "koi8-r")]
    [InlineData("<?xml version='1.0' encoding = \"koi8-r\"?><meta charset=big5>", "big5")]
    [InlineData("<?xml version='1.0' encoding='utf-16'?>", "utf-8")]
    [InlineData("<?xml version='1.0'?><p encoding='koi8-r'>", null)]
    [InlineData(" <?xml version='1.0' encoding='koi8-r'?>", null)]
    [InlineData("<?xml version='1.0' encoding='koi8 r'?>", null)]
    [InlineData("<\0?\0x\0m\0l\0", "utf-16le")]
    [InlineData("\0<\0?\0x\0m\0l", "utf-16be")]
    public void The_encoding_is_where_the_standard_looks(string page, string? name) =>
        Assert.Equal(name, EncodingPrescan.Find(Encoding.Latin1.GetBytes(page), EncodingPrescan.StandardBytes, out _)?.Name);

    [Fact]
    public void Browsers_look_at_1024_bytes()
    {
        const string Meta = "<meta charset=big5>";
        var within = new string(' ', 1024 - Meta.Length) + Meta;
        Assert.Equal("big5", EncodingPrescan.Find(Encoding.ASCII.GetBytes(within), EncodingPrescan.StandardBytes, out _)?.Name);
        Assert.Null(EncodingPrescan.Find(Encoding.ASCII.GetBytes(" " + within), EncodingPrescan.StandardBytes, out _));
    }

    [Theory]
    [InlineData("<meta charset=nonsense>", null, true)]
    [InlineData("<meta http-equiv=content-type content='text/html; charset=nonsense'>", null, true)]
    [InlineData("<meta name=description content='charset=nonsense'>", null, false)]
    [InlineData("<meta charset=nonsense><meta charset=big5>", null, false)]
    [InlineData("<meta charset=big5>", "nonsense", true)]
    [InlineData("<meta charset=nonsense>", "big5", false)]
    [InlineData("plain", null, false)]
    public void A_name_that_nobody_knows_is_told(string page, string? header, bool told) =>
        Assert.Equal(told, PageText.NamesUnknown(Encoding.ASCII.GetBytes(page), header));

    [Fact]
    public void A_description_does_not_say_the_encoding()
    {
        var page = Encoding
            .ASCII.GetBytes(
                "<head><meta name=\"description\" content=\"how to set charset=gbk in a page\"><meta charset=\"windows-1251\"></head><p>"
            )
            .Concat((byte[])[0xCD, 0xE0, 0xF7, 0xE0, 0xEB, 0xFC, 0xED, 0xE8, 0xEA])
            .ToArray();
        Assert.EndsWith("<p>\u041D\u0430\u0447\u0430\u043B\u044C\u043D\u0438\u043A", PageText.Decode(page, null), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("shift_jis", new byte[] { 0xFB, 0xFC, 0xEE, 0xE0 }, "\u9AD9\u9AD9")]
    [InlineData("euc-jp", new byte[] { 0x8F, 0xB0, 0xB6 }, "\u4E63")]
    [InlineData("iso-2022-jp", new byte[] { 0x1B, 0x28, 0x49, 0x31, 0x1B, 0x28, 0x42, 0x61 }, "\uFF71a")]
    [InlineData("big5", new byte[] { 0x87, 0x40, 0x88, 0x62 }, "\u43F0\u00CA\u0304")]
    [InlineData("iso-8859-10", new byte[] { 0xBD }, "\u2015")]
    [InlineData("iso-8859-14", new byte[] { 0xA1 }, "\u1E02")]
    [InlineData("iso-8859-16", new byte[] { 0xA4 }, "\u20AC")]
    [InlineData("gb18030", new byte[] { 0x81, 0x30, 0x81, 0x30 }, "\u0080")]
    [InlineData("iso-8859-8-i", new byte[] { 0xE0 }, "\u05D0")]
    public void Characters_that_were_replaced_before_are_read(string header, byte[] bytes, string text) =>
        Assert.Equal(text, PageText.Decode(bytes, header));

    [Fact]
    public void Escape_sequences_without_a_label_are_read_when_all_of_them_mean_something()
    {
        byte[] japanese = [.. "a "u8, 0x1B, 0x24, 0x42, 0x39, 0x41, 0x1B, 0x28, 0x42, (byte)'.'];
        Assert.Equal("a \u6E2F.", PageText.Decode(japanese, null));
        Assert.Equal("a \e$B9A\e(B.", PageText.Decode(japanese, "utf-8"));
        Assert.Equal("\e$B\e[0m.", PageText.Decode("\e$B\e[0m."u8.ToArray(), null));
    }

    [Fact]
    public void Texts_with_replaced_bytes_are_noted_and_those_that_hold_the_character_are_not()
    {
        var funnel = new Funnel();
        PageText.DecodeCounted([(byte)'a', 0x81, 0x30], "gb18030", funnel);
        PageText.DecodeCounted("a\uFFFDb"u8.ToArray(), "utf-8", funnel);
        Assert.Equal(1, funnel.Noted["bytes-replaced"]);
    }
}
