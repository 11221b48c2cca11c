using System.Text;
using CsCheck;
using Dolmen.Data.Filters;
using Dolmen.Data.Languages;
using Dolmen.Data.Privacy;
using Dolmen.Data.Sources;
using Dolmen.Tests.Data.Filters;
using Dolmen.Tests.Web.Extraction;
using Dolmen.Web.Encodings;
using Dolmen.Web.Extraction;

namespace Dolmen.Tests.Data.Fuzz;

/// <summary>What works on text works on any UTF-16, gives the same twice, and takes no longer than the text is long.</summary>
public class FuzzedTexts
{
    private static readonly byte[][] Pages =
    [
        .. (
            (string[])
                [
                    "<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>Old stones</title><meta name=date "
                        + "content=2024-01-02><link rel=canonical href=/stones><script "
                        + "type=application/ld+json>{\"@type\":\"Article\",\"headline\":\"Old\"}</script></head><body><nav><ul><li><a "
                        + "href=/>Home</a></ul></nav><article><h1>Old stones</h1><p>A stone stands on a hill, and people of the village "
                        + "<b>set it upright</b> long ago.</p><pre><code>if (a &lt; b)\n  "
                        + "c();</code></pre><table><tr><th>Stone<td>Weight</tr><tr><td>One<td>20 t</table><ol "
                        + "start=3><li>First<li>Second</ol></article><footer class=share>© 2024</footer></body></html>",
                    "<div id=content><h2>한국어 제목</h2><p>돌이 언덕 위에 서 있다. 마을 사람들이 오래전에 세웠다.</p><p>둘째 문단이 여기에 있습니다.</p></div><div "
                        + "class=\"comments\"><p>Nice!</p></div>",
                    "<table><tr><td><font size=2>Old page <br><br>in a table <i>for layout</i>, of many words and of commas, and "
                        + "more.</font></td></tr></table>",
                ]
        ).Select(Encoding.UTF8.GetBytes),
    ];

    private static readonly string[] Languages = ["en", "zh", "ja", "th", "my", "ko", "fr", "und"];

    private static readonly FilterSettings All = new(new(), new(), new(), new(AllLanguages: true), new(), new(), new());

    [Fact]
    public void Html()
    {
        var pages = Fuzzing.StartFrom(Pages, ".html");
        Fuzzing.Run(
            "html",
            400,
            random =>
            {
                var bytes = Damage.Of(pages, random);
                var page = random.Next(4) == 0 ? Soup(random) : PageText.Decode(bytes, random.Next(4) == 0 ? "euc-kr" : null);
                for (var times = random.Next(4); times > 0; times--)
                    page = page.Insert(
                        (int)random.Next((uint)page.Length + 1),
                        HostilePages.Pieces[random.Next((uint)HostilePages.Pieces.Length)]
                    );
                var text = MainText.Extract(page)?.Text;
                Assert.Equal(text, MainText.Extract(page)?.Text);
                Assert.False(text is { Length: 0 });
                if (text is null)
                    return;
                Assert.DoesNotContain('\0', text);
                Assert.True(text.Length <= (page.Length * 8L) + 100, $"{page.Length} characters became {text.Length}.");
            }
        );
    }

    [Fact]
    public void Encodings()
    {
        string?[] charsets =
        [
            null,
            "utf-8",
            "gb18030",
            "euc-kr",
            "shift_jis",
            "big5",
            "iso-2022-jp",
            "hz-gb-2312",
            "windows-1252",
            "utf-16",
            "koi8-r",
            "no-such",
            "\uD800",
        ];
        Fuzzing.Run(
            "encodings",
            400,
            random =>
            {
                var bytes =
                    random.Next(2) == 0
                        ? Damage.Of(Pages, random)
                        : [.. Enumerable.Range(0, (int)random.Next(600)).Select(_ => (byte)random.Next(256))];
                Assert.DoesNotContain('\0', PageText.Decode(bytes, charsets[random.Next((uint)charsets.Length)]));
            }
        );
    }

    [Fact]
    public void Filters()
    {
        var filters = FilterSet.Create(All);
        Fuzzing.Run("filters", 150, random =>
        {
            var text = Any(random);
            var language = Languages[random.Next((uint)Languages.Length)];
            foreach (var filter in filters)
            {
                var values = Judged.Measures(filter, text, language);
                Assert.Equal(values, Judged.Measures(filter, text, language));
                Assert.All(values, value => Assert.False(double.IsInfinity(value), filter.Name));
                var edited = Judged.Edited(filter, text, language);
                Assert.True(edited.Length <= text.Length, filter.Name);
                Assert.Equal(edited, Judged.Edited(filter, edited, language));
            }
        });
    }

    [Fact]
    public void Personal_data() =>
        Fuzzing.Run(
            "personal data",
            300,
            random =>
            {
                const string Near = "0123456789 -./()+@:aXYZ\uD800";
                var text =
                    random.Next(2) == 0
                        ? Any(random)
                        : string.Concat(Enumerable.Range(0, (int)random.Next(90)).Select(_ => Near[(int)random.Next((uint)Near.Length)]));
                var once = PersonalData.Mask(text).Text;
                Assert.Equal(once, PersonalData.Mask(once).Text);
            }
        );

    [Fact]
    public void Language_identification()
    {
        var identifier = LanguageIdentifiers.Load();
        Fuzzing.Run("languages", 100, random =>
        {
            var text = Any(random);
            var guess = identifier.Identify(text);
            Assert.Equal(guess, identifier.Identify(text));
            Assert.InRange(guess.Score, 0, 1);
            LanguageMix.Of(text, identifier);
            ScriptShares.Of(text);
        });
    }

    [Fact]
    public void Addresses()
    {
        var filter = new UrlFilter(new());
        string[] pieces =
        [
            "http://",
            "https://",
            "//",
            "/",
            "www.",
            "stones.example",
            "xn--",
            "[::1]",
            ":80",
            "@",
            "?",
            "#",
            "%",
            "%2e",
            "..",
            "\uD800",
            "ß",
            "．",
            "中",
            "xxx",
            "porn",
            " ",
            "\t",
            "\0",
            "a",
            "-",
            "casino",
            "İ",
        ];
        Fuzzing.Run(
            "addresses",
            400,
            random =>
            {
                var url = string.Concat(Enumerable.Range(0, (int)random.Next(24)).Select(_ => pieces[random.Next((uint)pieces.Length)]));
                if (random.Next(20) == 0)
                    url = string.Concat(Enumerable.Repeat(url, 400));
                Assert.Equal(filter.Judge(url), filter.Judge(url));
                if (Dolmen.Web.Crawling.WebAddress.Parse(url) is not { } address)
                    return;
                Assert.Equal(address.Text, Dolmen.Web.Crawling.WebAddress.Parse(address.Text)?.Text);
                Dolmen.Web.Warc.CdxjIndex.Surt(address.Text);
            }
        );
    }

    private static string Soup(PCG random) =>
        string.Concat(
            Enumerable.Range(0, (int)random.Next(300)).Select(_ => HostilePages.Pieces[random.Next((uint)HostilePages.Pieces.Length)])
        );

    /// <summary>Now and then one piece or line many times, which is where time grows with the square.</summary>
    private static string Any(PCG random)
    {
        var text = Texts.Any.Generate(random, null, out _);
        return random.Next(12) == 0 && text.Length > 0
            ? string.Concat(Enumerable.Repeat(text[..(1 + (int)random.Next((uint)Math.Min(text.Length, 12)))], 2000))
            : text;
    }
}
