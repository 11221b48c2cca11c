using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Pipeline.Interchange;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;
using Dolmen.Tokenization;
using Microsoft.Extensions.AI;

namespace Dolmen.Tests.Serving;

/// <summary>Each field of <see cref="ChatOptions"/> is honoured or refused, and what else users of <see cref="IChatClient"/> rely
/// on.</summary>
public sealed class ChatClientOptions : IDisposable
{
    private static readonly string Alphabet = string.Concat(Enumerable.Range('A', 26).Select(letter => (char)letter));

    private readonly FakeModel _model = FakeModel.OfAlphabet(400);
    private readonly FakeModel _even = new(ByteTokenizer.PairBase, 4000, (_, token) => token is >= 'a' and <= 'z' ? 20 : 0);
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _model.Dispose();
        _even.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Sampling_follows_the_options()
    {
        using var chat = Client(_even);
        var text = await Answer(chat, new ChatOptions { Seed = 3, MaxOutputTokens = 40 });
        Assert.Equal(40, text.Length);
        Assert.Equal(text, await Answer(chat, new ChatOptions { Seed = 3, MaxOutputTokens = 40 }));
        Assert.NotEqual(text, await Answer(chat, new ChatOptions { Seed = 4, MaxOutputTokens = 40 }));
        var one = await Answer(chat, new ChatOptions { TopK = 1, Temperature = 1, MaxOutputTokens = 8 });
        Assert.Equal(await Answer(chat, new ChatOptions { Temperature = 0, MaxOutputTokens = 8 }), one);
        Assert.Equal(one, await Answer(chat, new ChatOptions { TopP = 1e-3f, MaxOutputTokens = 8 }));
        // A letter that was said is not said again: all others come first.
        var penalties = new ChatOptions { Temperature = 0, FrequencyPenalty = 2, PresencePenalty = 2, MaxOutputTokens = 26 };
        Assert.Equal(26, (await Answer(chat, penalties)).Distinct().Count());
    }

    [Fact]
    public async Task Lengths_stops_and_instructions_follow_the_options()
    {
        using var chat = Client(_model);
        Assert.Equal("ABC", await Answer(chat, new ChatOptions { Temperature = 0, MaxOutputTokens = 3 }));
        Assert.Equal("ABCDEF", await Answer(chat, new ChatOptions { Temperature = 0, StopSequences = ["XYZ", "GH"] }));
        Assert.Equal(Alphabet, await Answer(chat, new ChatOptions { Temperature = 0, ResponseFormat = ChatResponseFormat.Text }));
        var plain = await chat.GetResponseAsync("hi", new ChatOptions { MaxOutputTokens = 1 }, TestContext.Current.CancellationToken);
        var told = await chat.GetResponseAsync(
            "hi", new ChatOptions { MaxOutputTokens = 1, Instructions = "Be brief." }, TestContext.Current.CancellationToken);
        Assert.True(told.Usage!.InputTokenCount >= plain.Usage!.InputTokenCount + "Be brief.".Length);
    }

    [Fact]
    public async Task Further_fields_of_the_server_reach_it()
    {
        using var chat = Client(_model);
        var biased = new ChatOptions
        {
            Temperature = 0, MaxOutputTokens = 2,
            AdditionalProperties = new() { ["logit_bias"] = new Dictionary<string, int> { [$"{(int)'q'}"] = 100 } },
        };
        Assert.Equal("qq", await Answer(chat, biased));
        var raw = new ChatOptions
        {
            Temperature = 0, RawRepresentationFactory = client =>
            {
                Assert.Same(chat, client);
                return new JsonObject { ["max_completion_tokens"] = 2, ["temperature"] = 1.5 };
            },
        };
        Assert.Equal("AB", await Answer(chat, raw));
    }

    [Fact]
    public async Task A_tool_that_must_not_be_called_is_not()
    {
        using var chat = Client(_model);
        var tool = AIFunctionFactory.Create(() => 1, "one");
        var answer = await chat.GetResponseAsync(
            "hi", new ChatOptions { Temperature = 0, MaxOutputTokens = 3, Tools = [tool], ToolMode = ChatToolMode.None },
            TestContext.Current.CancellationToken);
        Assert.Equal(("ABC", ChatFinishReason.Length), (answer.Text, answer.FinishReason));
        answer = await chat.GetResponseAsync(
            "hi", new ChatOptions { Temperature = 0, Tools = [tool], ToolMode = ChatToolMode.RequireAny },
            TestContext.Current.CancellationToken);
        Assert.Equal(ChatFinishReason.ToolCalls, answer.FinishReason);
        Assert.Equal("one", Assert.Single(answer.Messages[0].Contents.OfType<FunctionCallContent>()).Name);
    }

    public static TheoryData<string, ChatOptions> Unsupported => new()
    {
        { "ConversationId", new ChatOptions { ConversationId = "c1" } },
        { "ContinuationToken", new ChatOptions { ContinuationToken = ResponseContinuationToken.FromBytes(new byte[] { 1 }) } },
        { "Reasoning", new ChatOptions { Reasoning = new ReasoningOptions { Effort = ReasoningEffort.High } } },
        { "RawRepresentationFactory", new ChatOptions { RawRepresentationFactory = _ => "text" } },
        { "'n'", new ChatOptions { AdditionalProperties = new() { ["n"] = 2 } } },
        { "'mirostat'", new ChatOptions { AdditionalProperties = new() { ["mirostat"] = 2 } } },
        { "web_search", new ChatOptions { Tools = [new HostedWebSearchTool()] } },
    };

    [Theory, MemberData(nameof(Unsupported), DisableDiscoveryEnumeration = true)]
    public async Task What_is_not_supported_is_refused_by_name(string named, ChatOptions options)
    {
        using var chat = Client(_model);
        var error = await Assert.ThrowsAsync<NotSupportedException>(() => Answer(chat, options));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<NotSupportedException>(async () =>
        {
            await foreach (var _ in chat.GetStreamingResponseAsync("hi", options, TestContext.Current.CancellationToken)) { }
        });
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_values_and_names_are_the_user_s_to_mend()
    {
        using var chat = Client(_model);
        var error = await Assert.ThrowsAsync<UserErrorException>(() => Answer(chat, new ChatOptions { Temperature = -1 }));
        Assert.Contains("temperature", error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<UserErrorException>(() => Answer(chat, new ChatOptions { ModelId = "other" }));
        Assert.Contains("'other'", error.Message, StringComparison.Ordinal);
        Assert.Equal("A", await Answer(chat, new ChatOptions { ModelId = "fake", Temperature = 0, MaxOutputTokens = 1 }));
        IEnumerable<Microsoft.Extensions.AI.ChatMessage> nothing = null!;
        await Assert.ThrowsAsync<ArgumentNullException>(() => chat.GetResponseAsync(nothing));
    }

    [Fact]
    public async Task Every_update_names_its_answer_and_the_last_says_why_it_ended()
    {
        using var chat = Client(_model);
        // As long as what is kept for the next request that begins alike.
        var question = new string('x', 200);
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in chat.GetStreamingResponseAsync(
            question, new ChatOptions { Temperature = 0, MaxOutputTokens = 6 }, TestContext.Current.CancellationToken)) updates.Add(update);
        Assert.All(updates, update =>
        {
            Assert.Equal((ChatRole.Assistant, "fake"), (update.Role, update.ModelId));
            Assert.Equal((updates[0].ResponseId, updates[0].MessageId), (update.ResponseId, update.MessageId));
            Assert.NotNull(update.CreatedAt);
        });
        Assert.NotNull(updates[0].ResponseId);
        Assert.All(updates.SkipLast(1), update => Assert.Null(update.FinishReason));
        Assert.Equal(ChatFinishReason.Length, updates[^1].FinishReason);
        Assert.Equal("ABCDEF", Assert.IsType<GenerationResult>(updates[^1].RawRepresentation).Text);
        var again = await chat.GetResponseAsync(question, new ChatOptions { MaxOutputTokens = 1 }, TestContext.Current.CancellationToken);
        Assert.NotEqual(updates[0].ResponseId, again.ResponseId);
        Assert.True(again.Usage!.CachedInputTokenCount > 0);
    }

    [Fact]
    public async Task A_cancelled_answer_ends_and_the_next_one_is_computed()
    {
        using var chat = Client(_model);
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in chat.GetStreamingResponseAsync("hi", cancellationToken: stop.Token)) await stop.CancelAsync();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => chat.GetResponseAsync("hi", cancellationToken: stop.Token));
        Assert.Equal("AB", await Answer(chat, new ChatOptions { Temperature = 0, MaxOutputTokens = 2 }));
    }

    [Fact]
    public async Task Its_parts_are_services_and_a_closed_client_says_so()
    {
        var chat = Client(_model);
        Assert.Same(chat, chat.GetService<IChatClient>());
        Assert.Same(_model, chat.GetService<LanguageModel>());
        Assert.NotNull(chat.GetService<Tokenizer>());
        Assert.Equal(0, chat.GetService<Scheduler>()!.Statistics.Running);
        Assert.Equal(("dolmen", "fake"),
            (chat.GetService<ChatClientMetadata>()!.ProviderName, chat.GetService<ChatClientMetadata>()!.DefaultModelId));
        Assert.Null(chat.GetService(typeof(LanguageModel), "key"));
        chat.Dispose();
        chat.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Answer(chat, new ChatOptions()));
    }

    [Fact]
    public async Task One_line_opens_a_run_a_model_folder_or_a_gguf_file()
    {
        var story = Path.Combine(AppContext.BaseDirectory, "Pipeline", "Goldens", "stories260K");
        var (run, file) = (Path.Combine(_folder.Path, "quickstart"), Path.Combine(_folder.Path, "stories.gguf"));
        var model = Path.Combine(run, "model");
        ModelImport.FromLlama2C(Path.Combine(story, "stories260K.bin"), Path.Combine(story, "tok512.bin"), model);
        TokenizerFolder.SaveChatTemplate("{{ messages[-1]['content'] }}", model);
        ModelExport.ToGguf(model, file, stop: TestContext.Current.CancellationToken);
        var told = new List<string>();
        foreach (var path in (string[])[run, model, file])
        {
            using var chat = DolmenChatClient.Load(path);
            told.Add(await Answer(chat, new ChatOptions { Temperature = 0, MaxOutputTokens = 24 }, "Once upon a time"));
        }
        Assert.Contains("little", told[0], StringComparison.Ordinal);
        Assert.All(told, text => Assert.Equal(told[0], text));
    }

    private static async Task<string> Answer(IChatClient chat, ChatOptions options, string question = "hi") =>
        (await chat.GetResponseAsync(question, options, TestContext.Current.CancellationToken)).Text;

    private static DolmenChatClient Client(FakeModel model) => new(new ServedModel("fake", model, new ByteTokenizer()));
}
