using System.Text;
using Dolmen.Data.Sources;
using Dolmen.Web.Encodings;

namespace Dolmen.Tests.Web.Encodings;

public class Decoding
{
    private const string Korean = "고인돌은 선사 시대의 무덤이다. 큰 돌을 몇 개 둘러 세우고 그 위에 넓적한 돌을 덮었다.";
    private const string Chinese = "支石墓是史前时代的墓葬，用几块大石头围起来，上面盖着一块扁平的石头。";
    private const string Japanese = "支石墓は先史時代の墓である。大きな石をいくつか立てて、その上に平らな石を載せた。ドルメンともいう。";
    private const string Russian = "Дольмены — древние погребальные сооружения, сложенные из больших камней.";
    private const string French = "Le dolmen est une sépulture mégalithique préhistorique, à l’origine recouverte.";

    static Decoding() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    public static TheoryData<string, string, int> Labels =>
        new()
        {
            { Korean, "euc-kr", 949 },
            { Korean, "KS_C_5601-1987", 949 },
            { Korean, "ks_c_5601", 949 },
            { Korean, " windows-949 ", 949 },
            { Chinese, "gb2312", 54936 },
            { Chinese, "GBK", 54936 },
            { Chinese, "gb18030", 54936 },
            { Chinese, "x-gbk", 936 },
            { "支石墓", "Big5", 950 },
            { Japanese, "Shift_JIS", 932 },
            { Japanese, "x-sjis", 932 },
            { Japanese, "EUC-JP", 51932 },
            { Japanese, "iso-2022-jp", 50220 },
            { Russian.Replace('—', '-'), "koi8-r", 20866 },
            { Russian, "windows-1251", 1251 },
            { Russian, "cp1251", 1251 },
            { French, "iso-8859-1", 1252 },
            { French, "latin1", 1252 },
            { French, "us-ascii", 1252 },
            { "สวัสดี", "tis-620", 874 },
            { "Türkçe ğüşı", "iso-8859-9", 1254 },
            { "שלום", "windows-1255", 1255 },
            { "مرحبا", "windows-1256", 1256 },
        };

    [Theory]
    [MemberData(nameof(Labels))]
    public void The_header_is_read_as_browsers_read_it(string text, string label, int page) =>
        Assert.Equal(text, PageText.Decode(Encoding.GetEncoding(page).GetBytes(text), label));

    [Theory]
    [InlineData("<meta charset=euc-kr>")]
    [InlineData("<META HTTP-EQUIV='Content-Type' CONTENT='text/html; charset=EUC-KR'>")]
    [InlineData("<!-- <meta charset=big5> --><title>x</title><meta name=x><meta charset = \"ks_c_5601-1987\" />")]
    [InlineData("<?xml version=\"1.0\" encoding=\"euc-kr\"?>")]
    public void The_page_says_what_it_is_written_in(string meta)
    {
        var page = meta + Korean;
        Assert.Equal(page, PageText.Decode(Encoding.GetEncoding(949).GetBytes(page), null));
        Assert.Equal(page, PageText.Decode(Encoding.GetEncoding(949).GetBytes(page), "no-such-charset"));
        Assert.Equal(page, PageText.Decode(Encoding.GetEncoding(949).GetBytes(page), "utf-8"));
    }

    [Fact]
    public void The_header_goes_before_the_page()
    {
        var page = "<meta charset=big5>" + Korean;
        Assert.Equal(page, PageText.Decode(Encoding.GetEncoding(949).GetBytes(page), "euc-kr"));
    }

    [Theory]
    [InlineData("iso-8859-1")]
    [InlineData("gb2312")]
    [InlineData("euc-kr")]
    [InlineData("utf-16")]
    [InlineData(null)]
    public void Text_that_can_only_be_utf8_is_read_as_such(string? label) =>
        Assert.Equal(Russian, PageText.Decode(Encoding.UTF8.GetBytes(Russian), label));

    [Fact]
    public void Few_bytes_that_are_utf8_by_chance_are_what_the_header_says()
    {
        // The two signs whose GBK bytes are valid UTF-8 in part: 0xC2 0xA9 is © or 漏.
        Assert.Equal("漏", PageText.Decode([0xC2, 0xA9], "gbk"));
        Assert.Equal("©", PageText.Decode([0xC2, 0xA9], "iso-8859-1"));
        Assert.Equal("©", PageText.Decode([0xC2, 0xA9], null));
    }

    [Fact]
    public void What_says_nothing_is_detected()
    {
        foreach (
            var (text, page) in new[] { (Korean, 949), (Japanese, 932), (Japanese, 51932), (Russian, 1251), (Chinese + Chinese, 54936) }
        )
        {
            var longer = string.Join('\n', Enumerable.Repeat(text, 5));
            Assert.Equal(longer, PageText.Decode(Encoding.GetEncoding(page).GetBytes(longer), null));
        }
    }

    [Theory]
    [InlineData(65001)]
    [InlineData(1200)]
    [InlineData(1201)]
    [InlineData(12000)]
    public void A_mark_goes_before_everything(int page)
    {
        var encoding = Encoding.GetEncoding(page);
        Assert.Equal(Korean, PageText.Decode([.. encoding.GetPreamble(), .. encoding.GetBytes(Korean)], "shift_jis"));
    }

    [Theory]
    [InlineData(1200)]
    [InlineData(1201)]
    public void Wide_characters_are_known_without_a_mark(int page)
    {
        var text = $"<html><body><p>{Korean}</p></body></html>";
        Assert.Equal(text, PageText.Decode(Encoding.GetEncoding(page).GetBytes(text), null));
    }

    [Fact]
    public void What_means_nothing_becomes_the_replacement_character_and_nul_goes()
    {
        Assert.Equal($"{Russian}\uFFFD.", PageText.Decode([.. Encoding.UTF8.GetBytes(Russian), 0xFF, (byte)'.'], null));
        Assert.Equal("고\uFFFD", PageText.Decode([0xB0, 0xED, 0xFF], "euc-kr"));
        Assert.Equal("支\uFFFD", PageText.Decode([0xD6, 0xA7, 0xFF], "gb18030"));
        Assert.Equal("ab", PageText.Decode("a\0b"u8.ToArray(), null));
        Assert.Equal("", PageText.Decode([], "utf-8"));
    }

    [Fact]
    public void Utf7_is_not_read() => Assert.Equal("+ADw-script+AD4-", PageText.Decode("+ADw-script+AD4-"u8.ToArray(), "utf-7"));
}
