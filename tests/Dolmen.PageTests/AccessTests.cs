using System.Text.Json;
using Dolmen.Tests.Fakes;
using Microsoft.Playwright;
using static Dolmen.PageTests.OpenPage;

namespace Dolmen.PageTests;

/// <summary>Whoever uses no mouse, no colours, a small screen, or hears the page, can use it.</summary>
[Collection(PageCollection.Name)]
public class AccessTests(Chromium browser)
{
    /// <summary>Names, roles and contrast of everything that is visible; WCAG 2.2 AA where it can be computed.</summary>
    private const string Audit = """
        () => {
          const wrong = [];
          const shown = e => e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !e.closest('.hidden');
          const nameOf = e => (e.getAttribute('aria-label') || [...(e.labels ?? [])].map(l => l.textContent).join(' ') || e.textContent || e.title || '').trim();
          for (const e of document.querySelectorAll('button, input, select, textarea, a, [role=option], [role=listbox], nav, aside'))
            if (shown(e) && !nameOf(e)) wrong.push('no name: ' + e.outerHTML.slice(0, 120));
          for (const e of document.querySelectorAll('input, select, textarea'))
            if (shown(e) && !e.labels?.length && !e.getAttribute('aria-label')) wrong.push('no label: ' + e.outerHTML.slice(0, 120));
          for (const e of document.querySelectorAll('[aria-controls], [aria-labelledby]'))
            for (const id of ['aria-controls', 'aria-labelledby'].flatMap(a => (e.getAttribute(a) ?? '').split(' ').filter(Boolean)))
              if (!document.getElementById(id)) wrong.push('points to nothing: ' + id);
          const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
          for (const id of new Set(ids)) if (ids.filter(o => o === id).length > 1) wrong.push('id twice: ' + id);
          if (document.querySelectorAll('h1').length !== 1) wrong.push('not one h1');
          if (!document.documentElement.lang) wrong.push('no language');

          const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
          const rgba = color => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data].map((v, i) => i < 3 ? v : v / 255); };
          const over = (a, b) => a.slice(0, 3).map((v, i) => v * a[3] + b[i] * (1 - a[3])).concat(1);
          const ground = e => { const stack = []; for (let at = e; at; at = at.parentElement) stack.push(rgba(getComputedStyle(at).backgroundColor));
            return stack.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]); };
          const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
          const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
          let checked = 0;
          const check = (e, color, what) => { checked++;
            const behind = ground(e), ratio = contrast(over(rgba(color), behind), behind);
            if (ratio < 4.5) wrong.push(`${what} has contrast ${ratio.toFixed(2)}: ${e.outerHTML.slice(0, 100)}`); };
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          for (let n; (n = walker.nextNode());) {
            const e = n.parentElement;
            if (n.data.trim() && shown(e) && !e.closest('script, option, :disabled')) check(e, getComputedStyle(e).color, 'text');
          }
          for (const e of document.querySelectorAll('input, textarea'))
            if (shown(e) && e.placeholder) check(e, getComputedStyle(e, '::placeholder').color, 'placeholder');
          if (checked < 5) wrong.push('almost no text was found');
          return wrong;
        }
        """;

    public static TheoryData<ColorScheme, int> Views => new()
    {
        { ColorScheme.Light, 1200 }, { ColorScheme.Dark, 1200 }, { ColorScheme.Light, 360 }, { ColorScheme.Dark, 360 },
    };

    [Theory]
    [MemberData(nameof(Views))]
    public Task Everything_has_a_name_and_contrast_in_both_themes_and_fits(ColorScheme scheme, int width) => With(browser, async open =>
    {
        await Hold(open, "empty");
        await open.Ask("hi");
        await open.Page.Locator("[data-action=tokens]").ClickAsync();
        await open.Page.Locator("[data-action=prompt]").ClickAsync();
        await open.Page.Locator("[aria-label='Tokens of the prompt'] .token").Nth(3).FocusAsync();
        await Expect(open.Page.Locator("#token-card table")).ToBeVisibleAsync();
        await Hold(open, "tokens");
        await open.Page.Locator("#toggle-settings").ClickAsync();
        await open.Page.Locator("#set-form").SelectOptionAsync("json_schema");
        await Hold(open, "settings");
        await open.Set(("temperature", "9"), ("form_text", "{}"));
        await open.Page.Locator("#toggle-settings").ClickAsync();
        await open.Say("more");
        await Expect(open.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await Hold(open, "error");
        if (width < 700) await open.Page.Locator("#toggle-side").ClickAsync();
        await Hold(open, "conversations");
        if (width < 700) await open.Page.Locator("#toggle-side").ClickAsync();
        await open.Page.Locator("#open-keys").ClickAsync();
        await Hold(open, "keys");
        await open.Page.Keyboard.PressAsync("Escape");
        await open.Page.Locator("#open-card").ClickAsync();
        await Expect(open.Page.Locator("#card-body")).ToContainTextAsync("has no card");
        await Hold(open, "card");
        await open.Page.Keyboard.PressAsync("Escape");
        await open.Page.Locator("#mode-text").ClickAsync();
        await Hold(open, "text");
    }, FakeModel.OfAlphabet(128), width: width, scheme: scheme, refused: true);

    [Fact]
    public Task The_chosen_colours_go_before_the_system_s_and_are_kept() => With(browser, async open =>
    {
        Task<string> Ground() => open.Page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor");
        var light = await Ground();
        await open.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        var dark = await Ground();
        Assert.NotEqual(light, dark);
        await open.Page.Locator("#toggle-settings").ClickAsync();
        await open.Page.Locator("#theme").SelectOptionAsync("light");
        Assert.Equal(light, await Ground());
        await open.Page.ReloadAsync();
        Assert.Equal(light, await Ground());
        await open.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Light });
        await open.Page.Locator("#toggle-settings").ClickAsync();
        await open.Page.Locator("#theme").SelectOptionAsync("dark");
        Assert.Equal(dark, await Ground());
    });

    [Fact]
    public Task The_keyboard_is_enough() => With(browser, async open =>
    {
        var keys = open.Page.Keyboard;
        await Expect(open.Message).ToBeFocusedAsync();
        await keys.TypeAsync("first");
        await keys.PressAsync("Shift+Enter");
        await keys.TypeAsync("line");
        await keys.PressAsync("Enter");
        await Expect(open.Answer).ToHaveTextAsync("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        await Expect(open.Page.Locator(".turn.user .said")).ToHaveTextAsync("first\nline");
        await Expect(open.Page.Locator("[data-action=tokens]")).ToBeVisibleAsync();

        // Every button of the answer is reached by Tab, backwards from the message box.
        var reached = new HashSet<string>();
        for (var i = 0; i < 12; i++)
        {
            await keys.PressAsync("Shift+Tab");
            var (action, visible) = await Focused(open);
            if (action is not null) reached.Add(action);
            Assert.True(visible, "the focus cannot be seen");
        }
        Assert.Superset(new HashSet<string> { "copy", "regenerate", "edit", "tokens" }, reached);

        await keys.PressAsync("?");
        await Expect(open.Page.Locator("#keys")).ToBeVisibleAsync();
        await keys.PressAsync("Escape");
        await Expect(open.Page.Locator("#keys")).ToBeHiddenAsync();
        await keys.PressAsync("t");
        await Expect(open.Page.Locator(".tokens .token")).ToHaveCountAsync(26);
        await keys.PressAsync("t");
        await Expect(open.Page.Locator(".tokens")).ToHaveCountAsync(0);
        await keys.PressAsync("r");
        await Expect(open.Page.Locator(".versions")).ToContainTextAsync("2 of 2");
        await keys.PressAsync("e");
        await Expect(open.Page.Locator("[data-action=editor]")).ToBeFocusedAsync();
        await keys.PressAsync("Escape");
        await Expect(open.Page.Locator("[data-action=editor]")).ToHaveCountAsync(0);
        await keys.PressAsync("s");
        await Expect(open.Page.Locator("#system")).ToBeFocusedAsync();
        await open.Page.Locator("#toggle-settings").FocusAsync();
        await keys.PressAsync("n");
        await Expect(open.Page.Locator(".welcome")).ToBeVisibleAsync();
        await Expect(open.Message).ToBeFocusedAsync();
    }, FakeModel.OfAlphabet(128));

    [Fact]
    public Task Keys_do_nothing_while_text_is_written_or_when_they_are_switched_off() => With(browser, async open =>
    {
        await open.Message.FillAsync("");
        await open.Page.Keyboard.TypeAsync("nrste?/");
        await Expect(open.Message).ToHaveValueAsync("nrste?/");
        await Expect(open.Page.Locator("#keys")).ToBeHiddenAsync();
        await open.Page.Locator("#toggle-settings").ClickAsync();
        await open.Page.Locator("#set-single_keys").UncheckAsync();
        await open.Page.Keyboard.PressAsync("?");
        await Expect(open.Page.Locator("#keys")).ToBeHiddenAsync();
    });

    [Fact]
    public Task A_screen_reader_is_told_of_the_answer() => With(browser, async open =>
    {
        await open.Ask("hi");
        await Expect(open.Page.Locator("#status")).ToHaveTextAsync("Answer: ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        Assert.Equal("status", await open.Page.Locator("#status").GetAttributeAsync("role"));
        await Expect(open.Page.Locator("main")).ToHaveAttributeAsync("aria-busy", "false");
    });

    [Fact]
    public Task Nothing_moves_where_motion_is_not_wanted() => With(browser, async open =>
    {
        await open.Page.EmulateMediaAsync(new() { ReducedMotion = ReducedMotion.Reduce });
        const string writing = "() => { document.querySelector('.welcome').className = 'writing-now';"
            + " document.querySelector('.writing-now h2').className = 'said plain'; return document.getAnimations().length; }";
        Assert.Equal(0, await open.Page.EvaluateAsync<int>(writing));
        await open.Page.EmulateMediaAsync(new() { ReducedMotion = ReducedMotion.NoPreference });
        Assert.Equal(1, await open.Page.EvaluateAsync<int>("() => document.getAnimations().length"));
    });

    private static async Task Hold(OpenPage open, string what)
    {
        var wrong = await open.Page.EvaluateAsync<string[]>(Audit);
        Assert.True(wrong.Length == 0, $"{what}: {string.Join("\n", wrong)}");
        var content = await open.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth");
        var window = open.Page.ViewportSize!.Width;
        Assert.True(content <= window, $"{what}: the page is {content} wide in a window of {window}");
    }

    /// <summary>The action of the focused button, and whether its outline can be seen.</summary>
    private static async Task<(string? Action, bool Visible)> Focused(OpenPage open)
    {
        var state = await open.Page.EvaluateAsync<JsonElement>("""
            () => { const e = document.activeElement, s = getComputedStyle(e);
              return { action: e.dataset.action ?? null, visible: e === document.body || s.outlineStyle !== 'none' || s.boxShadow !== 'none' || e.matches('#message') }; }
            """);
        return (state.GetProperty("action").GetString(), state.GetProperty("visible").GetBoolean());
    }
}
