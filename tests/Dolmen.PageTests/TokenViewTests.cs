using System.Globalization;
using System.Text.Json;
using Dolmen.Tests.Fakes;
using Microsoft.Playwright;
using static Dolmen.PageTests.OpenPage;

namespace Dolmen.PageTests;

/// <summary>Each token with its probability and alternatives, held to what the API says.</summary>
[Collection(PageCollection.Name)]
public class TokenViewTests(Chromium browser)
{
    private static readonly object[] Messages = [new { role = "user", content = "hé" }];

    [Fact]
    public Task Tokens_of_an_answer_have_the_probabilities_of_the_API() => With(browser, async open =>
    {
        await open.Set(("temperature", "0"), ("max_tokens", "12"));
        await open.Ask("hé");
        await open.Page.Locator("[data-action=tokens]").ClickAsync();
        var answer = await open.Api("/v1/chat/completions",
            new { messages = Messages, temperature = 0, max_tokens = 12, logprobs = true, top_logprobs = 5 });
        var entries = answer.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content").EnumerateArray().ToList();
        var tokens = open.Page.GetByRole(AriaRole.Listbox, new() { Name = "Tokens of the answer" }).Locator(".token");
        await Expect(tokens).ToHaveCountAsync(entries.Count);
        Assert.Equal(12, entries.Count);
        for (var i = 0; i < entries.Count; i++)
        {
            await tokens.Nth(i).HoverAsync();
            await HoldCard(open, entries[i].GetProperty("logprob").GetDouble(),
                [.. entries[i].GetProperty("top_logprobs").EnumerateArray().Select(top => top.GetProperty("logprob").GetDouble())]);
            Assert.Contains($"level{Level(entries[i].GetProperty("logprob").GetDouble())}", await tokens.Nth(i).GetAttributeAsync("class"));
        }
    }, FakeModel.OfHistory(ByteTokenizer.PairBase, 256));

    [Fact]
    public Task Tokens_of_the_prompt_have_the_probabilities_of_the_API() => With(browser, async open =>
    {
        await open.Set(("temperature", "0"), ("max_tokens", "3"));
        await open.Ask("hé");
        await open.Page.Locator("[data-action=tokens]").ClickAsync();
        await open.Page.Locator("[data-action=prompt]").ClickAsync();
        var applied = await open.Api("/apply-template", new { messages = Messages });
        var scored = await open.Api("/v1/completions",
            new { prompt = applied.GetProperty("tokens"), echo = true, max_tokens = 0, logprobs = 5 });
        var logprobs = scored.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("token_logprobs").EnumerateArray().ToList();
        var top = scored.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("top_logprobs").EnumerateArray().ToList();
        var tokens = open.Page.GetByRole(AriaRole.Listbox, new() { Name = "Tokens of the prompt" }).Locator(".token");
        await Expect(tokens).ToHaveCountAsync(logprobs.Count);
        Assert.True(logprobs.Count > 4);
        await tokens.First.HoverAsync();
        await Expect(open.Page.Locator("#token-card")).ToContainTextAsync("nothing came before it");
        for (var i = 1; i < logprobs.Count; i++)
        {
            await tokens.Nth(i).HoverAsync();
            await HoldCard(open, logprobs[i].GetDouble(),
                [.. top[i].EnumerateObject().Select(one => one.Value.GetDouble()).OrderDescending()]);
        }
        // The turn's control tokens and the bytes of é are told apart from text.
        Assert.Contains("<|user|>", await open.Page.Locator(".tokens .special").AllInnerTextsAsync());
        await open.Ask("more");                              // stands below, not within what is open
        Assert.Equal(4, await open.Page.Locator("#turns > .turn").CountAsync());
        Assert.Equal(["C3", "A9"], await open.Page.Locator("[aria-label='Tokens of the prompt'] .part").AllInnerTextsAsync());
    }, FakeModel.OfHistory(ByteTokenizer.PairBase, 256));

    [Fact]
    public Task The_arrow_keys_move_from_token_to_token() => With(browser, async open =>
    {
        await open.Ask("hi");
        await open.Page.Locator("[data-action=tokens]").FocusAsync();
        await open.Page.Keyboard.PressAsync("Enter");
        await open.Page.Locator(".tokens .token").First.FocusAsync();
        async Task<string> At() => await open.Page.Locator("#token-card .card-head code").InnerTextAsync();
        Assert.Equal("A", await At());
        await open.Page.Keyboard.PressAsync("ArrowRight");
        await open.Page.Keyboard.PressAsync("ArrowRight");
        Assert.Equal("C", await At());
        await open.Page.Keyboard.PressAsync("ArrowLeft");
        Assert.Equal("B", await At());
        await open.Page.Keyboard.PressAsync("End");
        Assert.Equal("Z", await At());
        await open.Page.Keyboard.PressAsync("ArrowRight");
        Assert.Equal("Z", await At());
        await open.Page.Keyboard.PressAsync("Home");
        Assert.Equal("A", await At());
        Assert.StartsWith("A, ", await open.Page.Locator(".tokens .token:focus").GetAttributeAsync("aria-label"), StringComparison.Ordinal);
        await open.Page.Keyboard.PressAsync("Escape");
        await Expect(open.Page.Locator("#token-card")).ToBeHiddenAsync();
    });

    /// <summary>The card says the token's own log-probability to four digits, and the alternatives' shares in percent.</summary>
    private static async Task HoldCard(OpenPage open, double logprob, double[] alternatives)
    {
        var card = open.Page.Locator("#token-card");
        await Expect(card.Locator(".note")).ToContainTextAsync("ln p = ");
        var note = await card.Locator(".note").InnerTextAsync();
        Assert.Equal(logprob, Number(note.Split("ln p = ")[1].Split(',')[0]), 6e-5);
        Assert.Contains($"rank {alternatives.Count(other => other > logprob + 1e-9) + 1}", note);
        var texts = await card.Locator("td.end").AllInnerTextsAsync();
        var shares = texts.Select(text => Number(text.Replace("%", "").Replace("<", ""))).ToList();
        Assert.Equal(alternatives.Length, shares.Count);
        foreach (var (share, alternative) in shares.Zip(alternatives)) Assert.Equal(Math.Exp(alternative) * 100, share, 0.051);
    }

    private static int Level(double logprob) => Math.Exp(logprob) switch { >= 0.8 => 0, >= 0.4 => 1, >= 0.1 => 2, >= 0.01 => 3, _ => 4 };

    private static double Number(string text) => double.Parse(text.Trim(), CultureInfo.InvariantCulture);
}
