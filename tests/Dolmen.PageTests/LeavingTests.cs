using Dolmen.Tests.Fakes;
using static Dolmen.PageTests.OpenPage;

namespace Dolmen.PageTests;

/// <summary>What becomes of a conversation that is left, deleted or edited while the model writes.</summary>
[Collection(PageCollection.Name)]
public sealed class LeavingTests(Chromium browser) : IDisposable
{
    private readonly ManualResetEventSlim _gate = new(true);

    public void Dispose() => _gate.Dispose();

    [Fact]
    public Task A_conversation_deleted_while_its_answer_is_written_stays_deleted() => Gated(async open =>
    {
        _gate.Reset();
        await open.Say("gone");
        await Expect(open.Page.Locator("#stop")).ToBeVisibleAsync();
        await open.Page.GetByLabel("Delete gone").ClickAsync();
        await Expect(open.Page.Locator("#send")).ToBeVisibleAsync();                 // the answer has ended
        await Expect(open.Page.Locator("#conversations li")).ToHaveCountAsync(0);
        await open.Page.ReloadAsync();
        await Expect(open.Page.Locator(".welcome")).ToBeVisibleAsync();
        await Expect(open.Page.Locator("#conversations li")).ToHaveCountAsync(0);
    });

    [Fact]
    public Task An_answer_that_was_left_keeps_what_had_come_and_the_next_conversation_is_whole() => Gated(async open =>
    {
        await open.Ask("first");
        await open.Page.Locator("#new").ClickAsync();
        Hold(open, after: 3);
        await open.Say("second");
        await Expect(open.Answer).ToHaveTextAsync("ABC");
        await Pick(open, "first");
        await Expect(open.Page.Locator(".turn.assistant [data-action=copy]")).ToBeVisibleAsync();
        await Expect(open.Page.Locator("#send")).ToBeVisibleAsync();
        await Pick(open, "second");
        await Expect(open.Answer).ToHaveTextAsync("ABC");
        await Expect(open.Page.Locator(".turn.assistant .figures")).ToContainTextAsync("stopped");
        // Deleted and brought back it is the same.
        await open.Page.GetByLabel("Delete second").ClickAsync();
        await open.Page.Locator("#toast button").ClickAsync();
        await open.Page.ReloadAsync();
        await Expect(open.Page.Locator("#conversations li")).ToHaveCountAsync(2);
        await Pick(open, "second");
        await Expect(open.Answer).ToHaveTextAsync("ABC");
    });

    [Fact]
    public Task A_text_that_was_left_keeps_what_was_written_and_the_next_one_can_be_written() => Gated(async open =>
    {
        var text = open.Page.Locator("#text");
        await open.Page.Locator("#mode-text").ClickAsync();
        await text.FillAsync("xa");
        Hold(open, after: 3);
        await open.Page.Locator("#continue").ClickAsync();
        await Expect(text).ToHaveValueAsync("xabc");
        await open.Page.Locator("#new").ClickAsync();
        await Expect(open.Page.Locator("#continue")).ToBeVisibleAsync();
        await Expect(text).ToBeEditableAsync();
        await Expect(text).ToHaveValueAsync("");
        await Pick(open, "xabc");
        await Expect(text).ToHaveValueAsync("xabc");
        await open.Page.Locator("#undo-text").ClickAsync();
        await Expect(text).ToHaveValueAsync("xa");
    });

    [Fact]
    public Task The_beginning_of_a_text_is_kept_before_the_model_goes_on_with_it() => Gated(async open =>
    {
        await open.Page.Locator("#mode-text").ClickAsync();
        await open.Page.Locator("#text").FillAsync("xa");
        _gate.Reset();
        await open.Page.Locator("#text").PressAsync("Control+Enter");
        await Expect(open.Page.Locator("#stop-text")).ToBeVisibleAsync();
        await open.Page.ReloadAsync();
        await Expect(open.Page.Locator("#text")).ToHaveValueAsync("xa");
        await open.Page.GetByLabel("Delete xa").ClickAsync();
        await Expect(open.Page.Locator("#conversations li")).ToHaveCountAsync(0);
    });

    [Fact]
    public Task An_edit_waits_for_the_answer_that_is_being_written() => Gated(async open =>
    {
        await open.Ask("one");
        await open.Page.Locator(".turn.user [data-action=edit]").ClickAsync();
        var editor = open.Page.Locator("[data-action=editor]");
        await editor.FillAsync("changed");
        _gate.Reset();
        await open.Say("two");
        await Expect(open.Page.Locator("#stop")).ToBeVisibleAsync();
        await editor.PressAsync("Enter");
        await Expect(open.Page.Locator("#toast")).ToHaveTextAsync("Stop the answer first.");
        await Expect(editor).ToHaveValueAsync("changed");
        await Expect(open.Page.Locator(".turn")).ToHaveCountAsync(4);
        await open.Page.Locator("#stop").ClickAsync();
        await Expect(open.Page.Locator("#send")).ToBeVisibleAsync();
        _gate.Set();
        await editor.PressAsync("Enter");
        await Expect(open.Page.Locator(".turn")).ToHaveCountAsync(2);
        await Expect(open.Page.Locator(".turn.user .said")).ToHaveTextAsync("changed");
        await Expect(open.Answer).ToHaveTextAsync("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    });

    /// <summary>A test whose model waits at each step while the gate is shut; at the end it is open, so that the server can end.</summary>
    private Task Gated(Func<OpenPage, Task> test)
    {
        var model = FakeModel.OfAlphabet(128);
        model.BeforeStep = _gate.Wait;
        return With(browser, async open =>
        {
            try
            {
                await test(open);
            }
            finally
            {
                _gate.Set();
            }
        }, model);
    }

    /// <summary>Shuts the gate when the next answer has a number of tokens.</summary>
    private void Hold(OpenPage open, int after)
    {
        var steps = 0;
        open.Server.Model.BeforeStep = () =>
        {
            if (++steps == after) _gate.Reset();
            _gate.Wait();
        };
    }

    private static Task Pick(OpenPage open, string title) =>
        open.Page.GetByRole(Microsoft.Playwright.AriaRole.Button, new() { Name = title, Exact = true }).ClickAsync();
}
