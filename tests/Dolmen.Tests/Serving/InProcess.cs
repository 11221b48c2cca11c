using System.ComponentModel;
using System.Text.Json;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;
using Microsoft.Extensions.AI;

namespace Dolmen.Tests.Serving;

/// <summary>The model as Microsoft.Extensions.AI's chat client, with that library's own extensions on top.</summary>
public class InProcess
{
    [Fact]
    public async Task It_answers_with_usage_and_the_reason_it_ended()
    {
        using var chat = Client(FakeModel.OfAlphabet());
        var answer = await chat.GetResponseAsync(
            [new ChatMessage(ChatRole.System, "Be brief."), new ChatMessage(ChatRole.User, "hi")],
                new ChatOptions { Temperature = 0, MaxOutputTokens = 5 },
            TestContext.Current.CancellationToken);
        Assert.Equal("ABCDE", answer.Text);
        Assert.Equal(ChatFinishReason.Length, answer.FinishReason);
        Assert.Equal((17L, 5L, 22L), (answer.Usage!.InputTokenCount, answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount));
    }

    [Fact]
    public async Task What_it_streams_is_the_answer()
    {
        using var chat = Client(FakeModel.OfAlphabet());
        var options = new ChatOptions { Temperature = 0, StopSequences = ["XYZ"] };
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in chat.GetStreamingResponseAsync("hi", options,
            TestContext.Current.CancellationToken)) updates.Add(update);
        var whole = updates.ToChatResponse();
        Assert.Equal(("ABCDEFGHIJKLMNOPQRSTUVW", ChatFinishReason.Stop), (whole.Text, whole.FinishReason));
        Assert.Equal(26, whole.Usage!.OutputTokenCount);
        Assert.True(updates.Count > 10);
    }

    /// <summary>The library calls the function, gives the model its result and asks again.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Functions_are_called_and_their_results_come_back(bool stream)
    {
        var prompts = new List<string>();
        var model = new FakeModel(ByteTokenizer.PairBase, 8000, (tokens, next) =>
        {
            if (next == 0 && tokens[^1] == new ByteTokenizer().Special.Assistant)
                prompts.Add(System.Text.Encoding.UTF8.GetString([.. tokens.Where(token => token < 256).Select(token => (byte)token)]));
            return tokens[^1] is 'Z' ? next == new ByteTokenizer().Special.End ? 5 : 0 : 0;
        });
        var called = new List<long>();
        using var chat = Client(model).AsBuilder().UseFunctionInvocation().Build();
        var options = new ChatOptions
        {
            Tools = [AIFunctionFactory.Create(([Description("A digit.")] long digit) =>
                { called.Add(digit); return digit + 1000; }, "add_1000")],
            ToolMode = ChatToolMode.RequireSpecific("add_1000"), Seed = 4, MaxOutputTokens = 120, StopSequences = ["~"],
        };
        var answer = stream
            ? await chat.GetStreamingResponseAsync("Call it.", options, TestContext.Current.CancellationToken)
                .ToChatResponseAsync(TestContext.Current.CancellationToken)
            : await chat.GetResponseAsync("Call it.", options, TestContext.Current.CancellationToken);
        var digit = Assert.Single(called);
        Assert.Contains(answer.Messages, message => message.Contents.OfType<FunctionResultContent>().Any());
        Assert.Contains("A digit.", prompts[0], StringComparison.Ordinal);
        Assert.Contains($"<tool_response>\n{digit + 1000}\n</tool_response>", prompts[^1], StringComparison.Ordinal);
    }

    private sealed record Book(string Title, long Year, Genre Genre, IReadOnlyList<string> Authors);

    private enum Genre { Fiction, History }

    [Fact]
    public async Task Structured_output_is_of_the_type_asked_for()
    {
        using var chat = Client(new FakeModel(ByteTokenizer.PairBase, 8000, (_, _) => 0));
        for (var seed = 0; seed < 10; seed++)
        {
            var answer = await chat.GetResponseAsync<Book>(
                "A book?", new ChatOptions { Seed = seed, MaxOutputTokens = 600 },
                    cancellationToken: TestContext.Current.CancellationToken);
            Assert.True(answer.TryGetResult(out var book), answer.Text);
            Assert.NotNull(book.Title);
        }
        var plain = await chat.GetResponseAsync("{}?", new ChatOptions { ResponseFormat = ChatResponseFormat.Json, MaxOutputTokens = 200 },
            TestContext.Current.CancellationToken);
        Assert.Equal(JsonValueKind.Object, JsonElement.Parse(plain.Text).ValueKind);
    }

    [Fact]
    public async Task What_it_cannot_do_is_said()
    {
        using var chat = Client(FakeModel.OfAlphabet());
        var picture = new ChatMessage(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")]);
        var error = await Assert.ThrowsAsync<NotSupportedException>(() =>
            chat.GetResponseAsync([picture], null, TestContext.Current.CancellationToken));
        Assert.Contains("the model reads text only", error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<NotSupportedException>(() => chat.GetResponseAsync(
            "hi", new ChatOptions { AdditionalProperties = new() { ["no_such_field"] = 1 } }, TestContext.Current.CancellationToken));
        Assert.Contains("no_such_field", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reader_that_leaves_lets_the_others_go_on()
    {
        using var chat = Client(FakeModel.OfAlphabet(2000));
        await foreach (var _ in chat.GetStreamingResponseAsync("hi", new ChatOptions { MaxOutputTokens = 1500 },
            TestContext.Current.CancellationToken)) break;
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => chat.GetResponseAsync(
            "hi", new ChatOptions { Temperature = 0, MaxOutputTokens = 3 }, TestContext.Current.CancellationToken)));
        Assert.All(answers, answer => Assert.Equal("ABC", answer.Text));
    }

    private static DolmenChatClient Client(FakeModel model) => new(new ServedModel("fake", model, new ByteTokenizer()));
}
