using Dolmen.Tests.Fakes;
using Microsoft.Playwright;

namespace Dolmen.PageTests;

/// <summary>A run's report as a browser shows it: from disk, without scripts.</summary>
[Collection(PageCollection.Name)]
public sealed class ReportTests(Chromium browser) : IDisposable
{
    /// <summary>Texts whose contrast to what lies behind them is below 4.5, the least that WCAG 2.2 allows for text of this size.</summary>
    private const string PaleTexts = """
        () => {
          const parse = text => (text.match(/[\d.]+/g) ?? []).map(Number);
          const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const behind = node => {
            for (let at = node; at; at = at.parentElement) {
              const colour = parse(getComputedStyle(at).backgroundColor);
              if (colour.length === 3 || colour[3] > 0.99) return colour;
            }
            return [255, 255, 255];
          };
          const pale = [];
          for (const node of document.querySelectorAll('main *')) {
            if (![...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())) continue;
            if (node instanceof SVGTitleElement) continue;
            const style = getComputedStyle(node);
            const [a, b] = [light(parse(node instanceof SVGElement ? style.fill : style.color)), light(behind(node))];
            const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (contrast < 4.5) pale.push(`${contrast.toFixed(2)} ${node.textContent.trim().slice(0, 60)}`);
          }
          return pale;
        }
        """;

    private const string WiderThanThePage = """
        () => {
          const room = document.documentElement.clientWidth;
          const wide = [...document.querySelectorAll('main *')]
            .filter(node => !node.closest('.scroll') && node.getBoundingClientRect().right > room + 1);
          return [document.documentElement.scrollWidth > room ? `the page: ${document.documentElement.scrollWidth}` : '',
            ...wide.map(node => `${node.tagName} ${node.textContent.trim().slice(0, 60)}`)].filter(text => text);
        }
        """;

    private readonly TemporaryFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(800, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task Nothing_is_wider_than_the_page_and_every_text_can_be_read(int width, ColorScheme scheme)
    {
        await With(width, scheme, async page =>
        {
            Assert.Empty(await page.EvaluateAsync<string[]>(WiderThanThePage));
            Assert.Empty(await page.EvaluateAsync<string[]>(PaleTexts));
        });
    }

    [Fact]
    public async Task The_first_screen_ends_with_what_to_type_next()
    {
        await With(1280, ColorScheme.Light, async page =>
        {
            var command = await page.Locator(".commands code").First.BoundingBoxAsync();
            Assert.True(command is { Y: > 0 and < 860 }, $"{command?.Y}");
            Assert.Equal("How good it is", await page.GetByRole(AriaRole.Heading, new() { Level = 2 }).First.InnerTextAsync());
        });
    }

    [Fact]
    public async Task It_prints_in_dark_ink_on_white_whatever_the_screen_shows_and_nothing_is_cut()
    {
        await With(800, ColorScheme.Dark, async page =>
        {
            await page.EmulateMediaAsync(new() { Media = Media.Print });
            Assert.Equal("rgb(255, 255, 255)", await page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor"));
            Assert.Empty(await page.EvaluateAsync<string[]>(PaleTexts));
            Assert.Empty(await page.EvaluateAsync<string[]>(
                "() => [...document.querySelectorAll('pre')].filter(node => node.scrollHeight > node.clientHeight + 1)"
                    + ".map(node => node.textContent)"));
            var pdf = await page.PdfAsync();
            Assert.True(pdf.Length > 10_000 && pdf.AsSpan(0, 5).SequenceEqual("%PDF-"u8));
        });
    }

    /// <summary>Opens the report from disk with scripts off, and holds it to have asked for nothing else.</summary>
    private async Task With(int width, ColorScheme scheme, Func<IPage, Task> test)
    {
        var report = new SmallReport(_temp.Path);
        report.Write("evaluation/samples.jsonl", SmallReport.OpenBookSamples);
        report.Write("report.html", report.Html());
        await using var context = await browser.NewContext(new()
        {
            ViewportSize = new() { Width = width, Height = 860 }, ColorScheme = scheme, JavaScriptEnabled = false,
        });
        var page = await context.NewPageAsync();
        var asked = new List<string>();
        page.Request += (_, request) => asked.Add(request.Url);
        page.Console += (_, message) => asked.Add(message.Text);
        var address = new Uri(Path.Combine(_temp.Path, "report.html")).AbsoluteUri;
        await page.GotoAsync(address);
        await test(page);
        Assert.Equal([address], asked);
    }
}
