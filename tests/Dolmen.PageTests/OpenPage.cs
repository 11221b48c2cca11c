using System.Collections.Concurrent;
using System.Text.Json;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;
using Dolmen.Tests.Serving;
using Microsoft.Playwright;

namespace Dolmen.PageTests;

/// <summary>The page of a server in a browser, and whatever the browser found wrong with it.</summary>
internal sealed class OpenPage(RunningServer server, IPage page, ConcurrentQueue<string> troubles)
{
    public RunningServer Server => server;

    public IPage Page => page;

    /// <summary>Errors of scripts, refused loads, violations of the policy, requests to elsewhere.</summary>
    public ConcurrentQueue<string> Troubles => troubles;

    public ILocator Message => page.Locator("#message");

    public ILocator Answer => page.Locator(".turn.assistant .said").Last;

    /// <summary>Opens the page of a new server, lets a test use it, and holds it to have met no trouble.</summary>
    public static async Task With(Chromium browser, Func<OpenPage, Task> test, FakeModel? model = null, ServerOptions? options = null,
        int width = 1200, ColorScheme scheme = ColorScheme.Light, bool refused = false,
        IReadOnlyList<ModelSource>? models = null)
    {
        await using var context = await browser.NewContext(new()
        {
            ViewportSize = new() { Width = width, Height = 800 }, ColorScheme = scheme, AcceptDownloads = true,
        });
        Assertions.SetDefaultExpectTimeout(60_000);
        await using var server = models is null ? await RunningServer.Start(model, options) : await RunningServer.Start(models, options);
        var opened = await Open(server, context, refused);
        await test(opened);
        Assert.Empty(opened.Troubles);
    }

    private const string Refusal = "Failed to load resource: the server responded with a status of 4";

    private const string TellViolations = "document.addEventListener('securitypolicyviolation', "
        + "e => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI));";

    private static async Task<OpenPage> Open(RunningServer server, IBrowserContext context, bool refused)
    {
        var troubles = new ConcurrentQueue<string>();
        var page = await context.NewPageAsync();
        // A browser notes each answer of status 400 and above as an error: a test that asks for them expects that.
        page.Console += (_, message) =>
        {
            var isRefusal = message.Text.StartsWith(Refusal, StringComparison.Ordinal);
            if (message.Type is "error" or "warning" && !(refused && isRefusal)) troubles.Enqueue(message.Text);
        };
        page.PageError += (_, error) => troubles.Enqueue(error);
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(server.Address.AbsoluteUri, StringComparison.Ordinal)
                && !request.Url.StartsWith("blob:" + server.Address.AbsoluteUri, StringComparison.Ordinal))
                troubles.Enqueue($"a request to {request.Url}");
        };
        await page.AddInitScriptAsync(TellViolations);
        await page.GotoAsync(server.Address.AbsoluteUri);
        return new OpenPage(server, page, troubles);
    }

    public async Task Say(string text)
    {
        await Message.FillAsync(text);
        await Message.PressAsync("Enter");
    }

    /// <summary>Says something and waits for the whole answer.</summary>
    public async Task<string> Ask(string text)
    {
        var answers = await page.Locator(".turn.assistant").CountAsync();
        await Say(text);
        await Expect(page.Locator(".turn.assistant [data-action=copy]")).ToHaveCountAsync(answers + 1);
        return await Answer.InnerTextAsync();
    }

    /// <summary>Opens the settings and fills in fields of a request.</summary>
    public async Task Set(params (string Name, string Value)[] fields)
    {
        if (!await page.Locator("#settings").IsVisibleAsync()) await page.Locator("#toggle-settings").ClickAsync();
        foreach (var (name, value) in fields) await page.Locator($"#set-{name}").FillAsync(value);
    }

    /// <summary>What the API answers, without the page.</summary>
    public async Task<JsonElement> Api(string path, object body) =>
        JsonDocument.Parse((await server.Post(path, JsonSerializer.Serialize(body))).Body).RootElement;

    public static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);
}
