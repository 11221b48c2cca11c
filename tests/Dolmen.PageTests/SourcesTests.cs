using Dolmen.Retrieval;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;
using static Dolmen.PageTests.OpenPage;

namespace Dolmen.PageTests;

/// <summary>What an answer was read from, below it.</summary>
[Collection(PageCollection.Name)]
public sealed class SourcesTests(Chromium browser) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_sources_of_an_answer_are_closed_below_it_and_open_by_the_keyboard()
    {
        var model = FakeModel.OfAlphabet(1000);
        var file = SmallIndex.Write(Path.Combine(_folder.Path, DocumentIndex.FileName));
        var source = ModelSource.Of(new ServedModel("fake", model, new ByteTokenizer())) with { Documents = file };
        await With(browser, async open =>
        {
            await open.Ask("letters?");
            var summary = open.Page.Locator(".sources summary");
            await Expect(summary).ToHaveTextAsync("From Alphabet and 1 more");
            await Expect(open.Page.Locator(".sources li").First).ToBeHiddenAsync();
            await summary.FocusAsync();
            await open.Page.Keyboard.PressAsync("Enter");
            await Expect(open.Page.Locator(".sources li").First).ToHaveTextAsync("Alphabet alphabet.md");
            await Expect(open.Page.Locator(".sources li").Nth(1)).ToHaveTextAsync("Letters letters.md");
            await open.Page.ReloadAsync();
            await Expect(open.Page.Locator(".sources summary")).ToHaveTextAsync("From Alphabet and 1 more");
            await open.Ask("¿Qué?");
            await Expect(open.Page.Locator(".sources")).ToHaveCountAsync(1);
            await open.Ask("numbers?");                                  // the answer has nothing of what was read
            await Expect(open.Page.Locator(".sources summary").Last).ToHaveTextAsync("Read: Numbers");
        }, models: [source]);
        model.Dispose();
    }
}
