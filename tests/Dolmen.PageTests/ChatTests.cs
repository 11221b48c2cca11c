using Dolmen.Serving;
using Dolmen.Tests.Fakes;
using static Dolmen.PageTests.OpenPage;

namespace Dolmen.PageTests;

/// <summary>Conversations in a real browser.</summary>
[Collection(PageCollection.Name)]
public class ChatTests(Chromium browser)
{
    [Fact]
    public Task An_answer_is_streamed_and_is_the_API_s() => With(browser, async open =>
    {
        var shown = await open.Ask("hi");
        var answer = await open.Api("/v1/chat/completions", new { messages = new[] { new { role = "user", content = "hi" } } });
        Assert.Equal(answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString(), shown);
        Assert.Equal("ABCDEFGHIJKLMNOPQRSTUVWXYZ", shown);
        var figures = await open.Page.Locator(".turn.assistant .figures").InnerTextAsync();
        Assert.Contains("26 tokens", figures);
        Assert.Contains("context 32 of 64", figures);
        Assert.Matches(@"decode [\d,]+ tokens/s", figures);
        Assert.Matches(@"prefill [\d,]+ tokens/s", figures);
        Assert.Matches(@"first token after [\d.]+ m?s", figures);
        Assert.Contains("state 32 B", figures);              // the fake model remembers a byte a token
    });

    [Fact]
    public async Task Text_appears_while_it_is_written_and_Stop_ends_the_server_s_work()
    {
        using var steps = new SemaphoreSlim(0);
        var model = FakeModel.OfAlphabet();
        model.BeforeStep = steps.Wait;
        try
        {
            await With(browser, Body, model);
        }
        finally
        {
            steps.Release(1000);                             // whatever happened, the server may end
        }

        Task Step()
        {
            steps.Release();
            return Task.Delay(5, TestContext.Current.CancellationToken);
        }

        async Task Body(OpenPage open)
        {
            await open.Say("hi");
            // The model is held before each step: what is there appears before there is more.
            while (await open.Answer.CountAsync() == 0 || await open.Answer.InnerTextAsync() is { Length: < 3 }) await Step();
            await Expect(open.Page.Locator("#send")).ToBeHiddenAsync();
            await open.Page.Keyboard.PressAsync("Escape");
            await Expect(open.Page.Locator("#send")).ToBeVisibleAsync();
            await Expect(open.Page.Locator(".turn.assistant .figures")).ToContainTextAsync("stopped");
            // A step at a time until the server has let go of the text: long before its 26 letters are written.
            while (!(await Metrics(open)).Contains("num_requests_running{model_name=\"fake\"} 0\n", StringComparison.Ordinal))
            {
                await Step();
            }
            steps.Release(1000);
            var shown = await open.Answer.InnerTextAsync();
            Assert.StartsWith("ABC", shown, StringComparison.Ordinal);
            Assert.InRange(shown.Length, 3, 10);
            Assert.Equal("ABCDEFGHIJKLMNOPQRSTUVWXYZ", await open.Ask("go on"));
        }
    }

    [Fact]
    public Task Regenerate_writes_another_answer_and_keeps_the_first() => With(browser, async open =>
    {
        await open.Set(("max_tokens", "12"));
        var first = await open.Ask("hi");
        await open.Page.Locator("[data-action=regenerate]").ClickAsync();
        await Expect(open.Page.Locator(".versions")).ToContainTextAsync("2 of 2");
        var second = await open.Answer.InnerTextAsync();
        Assert.NotEqual(first, second);
        await open.Page.Locator("[data-action=earlier]").ClickAsync();
        Assert.Equal(first, await open.Answer.InnerTextAsync());
        await open.Page.Locator("[data-action=later]").ClickAsync();
        Assert.Equal(second, await open.Answer.InnerTextAsync());
    }, FakeModel.OfHistory(ByteTokenizer.PairBase, 256));

    [Fact]
    public Task An_edited_message_is_answered_anew() => With(browser, async open =>
    {
        await open.Ask("one");
        await open.Ask("two");
        await open.Page.Locator(".turn.user [data-action=edit]").First.ClickAsync();
        await open.Page.Locator("[data-action=editor]").FillAsync("three");
        await open.Page.Keyboard.PressAsync("Enter");
        await Expect(open.Page.Locator(".turn")).ToHaveCountAsync(2);
        await Expect(open.Page.Locator(".turn.user .said")).ToHaveTextAsync("three");
        await Expect(open.Answer).ToHaveTextAsync("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        await open.Page.Locator("#toast button").ClickAsync();                       // Undo
        await Expect(open.Page.Locator(".turn.user .said")).ToHaveTextAsync(["one", "two"]);
        await Expect(open.Page.Locator("[data-action=regenerate]")).ToHaveCountAsync(1);
    }, FakeModel.OfAlphabet(128));

    [Fact]
    public Task The_settings_reach_the_model() => With(browser, async open =>
    {
        await open.Page.Locator("#toggle-settings").ClickAsync();
        await open.Page.Locator("#system").FillAsync("Be brief.");
        await open.Set(("temperature", "0"), ("stop", "DE"), ("max_tokens", "9"));
        Assert.Equal("ABC", await open.Ask("hi"));
        await Expect(open.Page.Locator(".turn .figures").Last).ToContainTextAsync("context 22 of 256");   // with the system prompt
        await open.Page.Locator("#set-form").SelectOptionAsync("regex");
        await open.Set(("form_text", "(yes|no) [0-9]{2}"), ("stop", ""));
        Assert.Matches("^(yes|no) [0-9]{2}$", await open.Ask("again"));
        await open.Page.Locator("#set-form").SelectOptionAsync("json_schema");
        await open.Set(("form_text", """{"type":"object","properties":{"a":{"type":"boolean"}},"required":["a"],"additionalProperties":false}"""),
            ("max_tokens", "20"));
        Assert.Matches("""^\{ ?"a": ?(true|false) ?\}$""", await open.Ask("json"));
    }, FakeModel.OfAlphabet(256));

    [Fact]
    public Task Conversations_are_kept_exported_and_imported() => With(browser, async open =>
    {
        await open.Ask("first");
        await open.Page.Locator("#new").ClickAsync();
        await open.Ask("second");
        await open.Page.ReloadAsync();
        await Expect(open.Page.Locator("#conversations li")).ToHaveCountAsync(2);
        await Expect(open.Page.Locator(".turn.user .said")).ToHaveTextAsync("second");
        await open.Page.GetByRole(Microsoft.Playwright.AriaRole.Button, new() { Name = "first", Exact = true }).ClickAsync();
        await Expect(open.Page.Locator(".turn.user .said")).ToHaveTextAsync("first");

        var download = await open.Page.RunAndWaitForDownloadAsync(() => open.Page.Locator("#export").ClickAsync());
        Assert.Equal("dolmen-conversations.json", download.SuggestedFilename);
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "export.json");
        await download.SaveAsAsync(file);

        foreach (var title in (string[])["first", "second"])
        {
            await open.Page.Locator("#conversations li").Filter(new() { HasText = title }).HoverAsync();
            await open.Page.GetByLabel($"Delete {title}").ClickAsync();
        }
        await Expect(open.Page.Locator("#conversations li")).ToHaveCountAsync(0);
        await open.Page.Locator("#import-file").SetInputFilesAsync(file);
        await Expect(open.Page.Locator("#conversations li")).ToHaveCountAsync(2);
        await open.Page.GetByRole(Microsoft.Playwright.AriaRole.Button, new() { Name = "second", Exact = true }).ClickAsync();
        await Expect(open.Answer).ToHaveTextAsync("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        await open.Page.Locator("[data-action=tokens]").ClickAsync();
        await Expect(open.Page.Locator(".tokens .token")).ToHaveCountAsync(26);

        await File.WriteAllTextAsync(file, """{"format":"dolmen-conversations","conversations":[{"id":"x","turns":[{"role":"user"}]}]}""",
            TestContext.Current.CancellationToken);
        await open.Page.Locator("#import-file").SetInputFilesAsync(file);
        await Expect(open.Page.Locator("#toast")).ToContainTextAsync("Conversation 1 of the file: \"text\" must be a string.");
        await Expect(open.Page.Locator("#conversations li")).ToHaveCountAsync(2);
    });

    [Fact]
    public async Task A_message_is_kept_whose_answer_was_left()
    {
        using var steps = new SemaphoreSlim(0);
        var model = FakeModel.OfAlphabet();
        model.BeforeStep = steps.Wait;
        try
        {
            await With(browser, async open =>
            {
                await open.Say("left alone");
                await Expect(open.Page.Locator("#stop")).ToBeVisibleAsync();
                await open.Page.ReloadAsync();
                await Expect(open.Page.Locator(".turn.user .said")).ToHaveTextAsync("left alone");
                steps.Release(1000);
            }, model);
        }
        finally
        {
            steps.Release(1000);
        }
    }

    [Fact]
    public Task A_deleted_conversation_comes_back_on_Undo() => With(browser, async open =>
    {
        await open.Ask("precious");
        await open.Page.GetByLabel("Delete precious").ClickAsync();
        await Expect(open.Page.Locator(".welcome")).ToBeVisibleAsync();
        await open.Page.GetByText("Undo", new() { Exact = true }).Last.ClickAsync();
        await Expect(open.Page.Locator(".turn.user .said")).ToHaveTextAsync("precious");
    });

    [Fact]
    public Task A_text_is_continued_taken_back_and_continued_again() => With(browser, async open =>
    {
        await open.Page.Locator("#mode-text").ClickAsync();
        var text = open.Page.Locator("#text");
        await text.FillAsync("wxa");
        await open.Set(("max_tokens", "4"));
        await open.Page.Locator("#continue").ClickAsync();
        await Expect(text).ToHaveValueAsync("wxabcde");
        await Expect(open.Page.Locator("#text-figures")).ToContainTextAsync("4 tokens");
        await open.Page.Locator("#undo-text").ClickAsync();
        await Expect(text).ToHaveValueAsync("wxa");
        await text.PressAsync("Control+Enter");
        await Expect(text).ToHaveValueAsync("wxabcde");
        await open.Page.Locator("#tokens-text").ClickAsync();
        await Expect(open.Page.Locator("#text-tokens .token.special")).ToHaveTextAsync("<|bos|>");
        await Expect(open.Page.Locator("#text-tokens .tokens .token")).ToHaveCountAsync(8);
    });

    private static Task<string> Metrics(OpenPage open) =>
        open.Server.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken);
}
