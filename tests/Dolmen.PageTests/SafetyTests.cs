using Dolmen.Serving;
using Dolmen.Tests.Fakes;
using static Dolmen.PageTests.OpenPage;

namespace Dolmen.PageTests;

/// <summary>Text is text, nothing is loaded from elsewhere, and the server's errors are told.</summary>
[Collection(PageCollection.Name)]
public class SafetyTests(Chromium browser)
{
    private const string Evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> "
        + "[a](javascript:document.title='owned') ![b](https://elsewhere.example/pixel.png) "
        + "[c](https://elsewhere.example/page) **bold** <b>b</b>\n\n"
        + "| <i>x</i> | y |\n|---|---|\n| `<svg onload=alert(1)>` | [d](data:text/html,x) |\n";

    [Fact]
    public Task HTML_in_an_answer_is_shown_and_not_interpreted() => With(browser, async open =>
    {
        await open.Ask("hi");
        var said = await open.Answer.InnerTextAsync();
        Assert.Contains("<img src=x onerror=\"document.title='owned'\">", said);
        Assert.Contains("<script>document.title='owned'</script>", said);
        Assert.Contains("<svg onload=alert(1)>", said);
        await Expect(open.Answer.Locator("strong")).ToHaveTextAsync("bold");          // Markdown is read
        Assert.Equal(0, await open.Answer.Locator("img, script, svg, b, i, iframe").CountAsync());
        Assert.Equal(["https://elsewhere.example/pixel.png", "https://elsewhere.example/page"],
            await open.Answer.Locator("a").EvaluateAllAsync<string[]>("all => all.map(a => a.href)"));
        Assert.Equal(["noopener noreferrer"],
            await open.Answer.Locator("a").EvaluateAllAsync<string[]>("all => [...new Set(all.map(a => a.rel))]"));
        await open.Page.Locator("[data-action=tokens]").ClickAsync();
        await Expect(open.Page.Locator(".tokens .token").First).ToBeVisibleAsync();
        await open.Page.ReloadAsync();
        await Expect(open.Answer).ToContainTextAsync("<img src=x");
        Assert.Equal("Dolmen", await open.Page.TitleAsync());
    }, Speaker(Evil));

    [Fact]
    public Task Plain_text_is_shown_letter_by_letter_where_Markdown_is_switched_off() => With(browser, async open =>
    {
        await open.Page.Locator("#toggle-settings").ClickAsync();
        await open.Page.Locator("#set-markdown").UncheckAsync();
        await open.Ask("hi");
        Assert.Equal(Evil, await open.Answer.TextContentAsync());
    }, Speaker(Evil));

    [Fact]
    public Task An_error_is_told_in_the_server_s_words_and_can_be_tried_again() => With(browser, async open =>
    {
        await open.Set(("temperature", "7"));
        await open.Say("hi");
        var alarm = open.Page.GetByRole(Microsoft.Playwright.AriaRole.Alert);
        var (_, body) = await open.Server.Post("/v1/chat/completions", """{"messages":[{"role":"user","content":"hi"}],"temperature":7}""");
        var told = System.Text.Json.JsonDocument.Parse(body).RootElement.GetProperty("error").GetProperty("message").GetString()!;
        Assert.Contains("temperature", told);
        await Expect(alarm).ToContainTextAsync(told);
        await open.Set(("temperature", "0"));
        await open.Page.Locator("[data-action=again]").ClickAsync();
        await Expect(open.Answer).ToHaveTextAsync("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        await Expect(alarm).ToHaveCountAsync(0);
    }, refused: true);

    [Fact]
    public Task A_conversation_that_is_too_long_is_told_so() => With(browser, async open =>
    {
        await open.Say(new string('x', 100));
        await Expect(open.Page.GetByRole(Microsoft.Playwright.AriaRole.Alert)).ToContainTextAsync("This model's context is 64 tokens");
    }, refused: true);

    [Fact]
    public Task A_schema_that_is_not_JSON_is_told_before_anything_is_sent() => With(browser, async open =>
    {
        await open.Set();
        await open.Page.Locator("#set-form").SelectOptionAsync("json_schema");
        await open.Set(("form_text", "{"));
        await open.Say("hi");
        await Expect(open.Page.GetByRole(Microsoft.Playwright.AriaRole.Alert)).ToContainTextAsync("is not JSON");
        Assert.Equal(0, open.Server.Model.TokensFed);
    });

    [Fact]
    public Task A_key_is_asked_for_kept_in_the_tab_and_sent() => With(browser, async open =>
    {
        var dialog = open.Page.Locator("#ask-key");
        await Expect(dialog).ToContainTextAsync("This server asks for a key: send the header");
        await open.Page.Locator("#key").FillAsync("wrong");
        await open.Page.Keyboard.PressAsync("Enter");
        await Expect(dialog).ToContainTextAsync("The key is not one of this server's.");
        await open.Page.Locator("#key").FillAsync("right");
        await open.Page.Keyboard.PressAsync("Enter");
        await Expect(dialog).ToBeHiddenAsync();
        await open.Ask("hi");
        await open.Page.ReloadAsync();
        await Expect(open.Page.Locator("#model")).ToHaveValueAsync("fake");
        await Expect(dialog).ToBeHiddenAsync();
        Assert.Equal(["dolmen.key"], await open.Page.EvaluateAsync<string[]>("() => Object.keys(sessionStorage)"));
        Assert.False(await open.Page.EvaluateAsync<bool>("() => JSON.stringify({ ...localStorage }).includes('right')"));
    }, options: new ServerOptions(Keys: ["right"]), refused: true);

    /// <summary>The browser itself refuses what the page never does: the policy is in force.</summary>
    [Fact]
    public async Task The_policy_is_in_force()
    {
        await With(browser, async open =>
        {
            var refused = await open.Page.EvaluateAsync<bool>(
                "() => { try { document.createElement('p').innerHTML = '<b>x</b>'; return false; } catch { return true; } }");
            Assert.True(refused);
            Assert.False(await open.Page.EvaluateAsync<bool>("() => fetch('https://elsewhere.example/').then(() => true, () => false)"));
            Assert.Contains(open.Troubles, trouble => trouble.Contains("connect-src", StringComparison.Ordinal));
            open.Troubles.Clear();
        });
    }

    [Fact]
    public Task Long_answers_and_many_tokens_are_shown_whole() => With(browser, async open =>
    {
        await open.Ask("hi");
        await open.Page.Locator("[data-action=tokens]").ClickAsync();
        await Expect(open.Page.Locator(".tokens .token")).ToHaveCountAsync(3000);
    }, Speaker(string.Concat(Enumerable.Repeat("word and\n\n", 300))));

    /// <summary>A model that says one text, whatever it is asked first.</summary>
    private static FakeModel Speaker(string text)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(text);
        var special = new ByteTokenizer().Special;
        return new FakeModel(ByteTokenizer.PairBase, 4096, (tokens, token) =>
        {
            var opening = 0;
            while (opening < tokens.Count - 1 && tokens[opening] != special.Assistant) opening++;
            var said = tokens.Count - 1 - opening;
            return token == (said < bytes.Length ? bytes[said] : special.End) ? 30 : 0;
        });
    }
}
