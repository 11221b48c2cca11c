using Dolmen.Inference;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;
using Dolmen.Tests.Serving;
using Dolmen.Tokenization;
using static Dolmen.PageTests.OpenPage;

namespace Dolmen.PageTests;

/// <summary>Which model is asked, what it can do and what its card says.</summary>
[Collection(PageCollection.Name)]
public sealed class ModelTests(Chromium browser) : IDisposable
{
    private const string Card = "---\nlicence: mit\n---\n# A *small* model\n\n"
        + "It has `code`, a [link](https://elsewhere.example/) and <b>no HTML</b>.\n\n"
        + "| task | score |\n|:---|---:|\n| a\\|b | 0.5 |\n\n- one\n- two\n  1. inner\n\n```sh\n./dolmen <chat>\n```\n";

    private readonly List<FakeModel> _models = [];

    public void Dispose() => _models.ForEach(model => model.Dispose());

    [Fact]
    public Task The_chosen_model_answers() => With(browser, async open =>
    {
        await Expect(open.Page.Locator("#model option")).ToHaveCountAsync(2);
        await open.Page.Locator("#model").SelectOptionAsync("second");
        Assert.Equal(Alphabet, await open.Ask("hi"));
        await Expect(open.Page.Locator(".turn.assistant h2").First).ToHaveTextAsync("second");
        await open.Page.ReloadAsync();
        await Expect(open.Page.Locator("#model")).ToHaveValueAsync("second");
        await open.Page.Locator("#model").SelectOptionAsync("first");
        await open.Ask("hi");
        await Expect(open.Page.Locator(".turn.assistant h2").Last).ToHaveTextAsync("first");
    }, models: [Source("first"), Source("second")]);

    [Fact]
    public Task A_model_without_a_chat_template_goes_on_with_texts() => With(browser, async open =>
    {
        await Expect(open.Page.Locator("#text")).ToBeFocusedAsync();
        await Expect(open.Page.Locator("#mode-chat")).ToBeDisabledAsync();
        await open.Page.Keyboard.TypeAsync("abc");
        await open.Set(("max_tokens", "3"));
        await open.Page.Locator("#continue").ClickAsync();
        await Expect(open.Page.Locator("#text")).ToHaveValueAsync("abcdef");
    }, models: [Source("base", tokenizer: new PlainTokenizer())]);

    [Fact]
    public async Task The_model_card_is_shown_as_text_and_nothing_else_of_the_folder_is()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "README.md"), Card, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "config.json"), "{}", TestContext.Current.CancellationToken);
        await With(browser, async open =>
        {
            await Expect(open.Page.Locator("#model")).ToHaveValueAsync("carded");
            await open.Page.Keyboard.PressAsync("Escape");
            await open.Page.Locator("#open-card").ClickAsync();
            var card = open.Page.Locator("#card-body");
            await Expect(card.Locator("h3")).ToHaveTextAsync("A small model");
            await Expect(card.Locator("h3 em")).ToHaveTextAsync("small");
            await Expect(card.Locator("p").First).ToHaveTextAsync("It has code, a link and <b>no HTML</b>.");
            Assert.Equal(["task", "score", "a|b", "0.5"], await card.Locator("th, td").AllInnerTextsAsync());
            await Expect(card.Locator("ul > li")).ToHaveCountAsync(2);
            await Expect(card.Locator("ul > li ol > li")).ToHaveTextAsync("inner");
            await Expect(card.Locator("pre code")).ToHaveTextAsync("./dolmen <chat>");
            await Expect(card.Locator("details pre")).ToHaveTextAsync("licence: mit");
            await Expect(open.Page.Locator("#facts")).ToContainTextAsync("256 tokens");
        }, models: [Source("carded") with { Folder = folder.Path }]);
    }

    [Theory]
    [InlineData("/model-card", 200)]
    [InlineData("/model-card?model=carded", 200)]
    [InlineData("/model-card?model=other", 404)]
    [InlineData("/model-card?model=../carded", 404)]
    public async Task The_card_comes_without_a_browser_too(string path, int status)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "README.md"), Card, TestContext.Current.CancellationToken);
        await using var server = await RunningServer.Start([Source("carded") with { Folder = folder.Path }]);
        using var response = await server.Http.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(status, (int)response.StatusCode);
        if (status != 200) return;
        Assert.Equal("text/markdown; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(Card, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_card_beyond_its_bound_is_refused()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(
            Path.Combine(folder.Path, "README.md"), new string('x', (1 << 20) + 1), TestContext.Current.CancellationToken);
        await using var server = await RunningServer.Start([Source("carded") with { Folder = folder.Path }]);
        using var response = await server.Http.GetAsync(new Uri("/model-card", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(404, (int)response.StatusCode);
        Assert.Contains("more than 1 MB", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private ModelSource Source(string name, Tokenizer? tokenizer = null)
    {
        var model = FakeModel.OfAlphabet(256);
        _models.Add(model);
        return ModelSource.Of(new ServedModel(name, model, tokenizer ?? new ByteTokenizer())
        {
            Defaults = new SamplingDefaults(Temperature: 0),
        });
    }

    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    /// <summary>Bytes and the token that ends a text: no turns, no template.</summary>
    private sealed class PlainTokenizer : Tokenizer
    {
        public override int VocabSize => ByteTokenizer.PairBase;

        public override SpecialTokens Special { get; } = new(-1, 257, -1, -1, -1, -1, -1);

        public override void Encode(ReadOnlySpan<char> text, List<int> output, bool parseSpecial = false) =>
            output.AddRange(System.Text.Encoding.UTF8.GetBytes(text.ToString()).Select(value => (int)value));

        public override ReadOnlySpan<byte> BytesOf(int token) => token < 256 ? new[] { (byte)token } : "<end>"u8;
    }
}
