using Microsoft.Playwright;

namespace Dolmen.PageTests;

/// <summary>The machine's own Chromium, started once for all tests. None is ever downloaded: without one the tests are skipped.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private const string Variable = "DOLMEN_CHROMIUM";

    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        if (Find() is not { } program) return;
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = program });
    }

    /// <summary>A browser without memory of other tests; the test is skipped where the machine has no browser.</summary>
    public async Task<IBrowserContext> NewContext(BrowserNewContextOptions options)
    {
        Assert.SkipUnless(_browser is not null, $"There is no Chromium on this machine: install one, or name it in {Variable}.");
        var context = await _browser!.NewContextAsync(options);
        context.SetDefaultTimeout(60_000);
        return context;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named) return named;
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        var files = folders.Append("/usr/bin").SelectMany(folder => Names.SelectMany(name => (string[])
            [Path.Combine(folder, name), Path.Combine(folder, name + ".exe")]));
        return files.Append("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome").FirstOrDefault(File.Exists);
    }
}

/// <summary>All tests of the page share one browser, one after the other: it has work for two cores by itself.</summary>
[CollectionDefinition(Name)]
public sealed class PageCollection : ICollectionFixture<Chromium>
{
    public const string Name = "page";
}
