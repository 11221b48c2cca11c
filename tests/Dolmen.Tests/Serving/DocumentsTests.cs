using System.Net;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Retrieval;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;
using Microsoft.Extensions.AI;

namespace Dolmen.Tests.Serving;

/// <summary>Chats that are answered from documents.</summary>
public sealed class DocumentsTests : IDisposable
{
    private const string Chat = "/v1/chat/completions";
    private const string Question = "letters?";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string Body(string more = "", string content = Question) =>
        $$"""{"temperature":0,"messages":[{"role":"user","content":{{JsonSerializer.Serialize(content)}}}]{{more}}}""";

    private Task<RunningServer> Start(FakeModel? model = null, bool documents = true)
    {
        model ??= FakeModel.OfAlphabet(1000);
        var source = ModelSource.Of(new ServedModel("fake", model, new ByteTokenizer()));
        var file = documents ? SmallIndex.Write(Path.Combine(_folder.Path, DocumentIndex.FileName)) : null;
        return RunningServer.Start([source with { Documents = file }], null, model);
    }

    private static async Task<JsonElement> Answer(RunningServer server, string body, string path = Chat)
    {
        var (status, text) = await server.Post(path, body);
        Assert.True(status == HttpStatusCode.OK, text);
        return JsonDocument.Parse(text).RootElement;
    }

    private static IEnumerable<string?> Ids(JsonElement sources) =>
        sources.EnumerateArray().Select(one => one.GetProperty("id").GetString());

    [Fact]
    public async Task An_answer_names_its_sources_that_it_comes_from_first()
    {
        await using var server = await Start();
        var choice = (await Answer(server, Body())).GetProperty("choices")[0];
        var sources = choice.GetProperty("sources");
        Assert.Equal(["b", "a"], Ids(sources));
        Assert.Equal("Alphabet", sources[0].GetProperty("title").GetString());
        Assert.Equal("alphabet.md", sources[0].GetProperty("source").GetString());
        Assert.Equal([true, false], sources.EnumerateArray().Select(one => one.GetProperty("cited").GetBoolean()));
        Assert.True(sources[1].GetProperty("score").GetDouble() > sources[0].GetProperty("score").GetDouble());
    }

    [Fact]
    public async Task The_prompt_holds_the_passages_and_usage_counts_them()
    {
        await using var server = await Start();
        var applied = await Answer(server, Body(), "/apply-template");
        var prompt = applied.GetProperty("prompt").GetString()!;
        Assert.Contains("[1] Name: Letters\n[1] About letters and letters.\n\n[2] Name: Alphabet\n", prompt, StringComparison.Ordinal);
        Assert.Contains($"\n\n{OpenBookPrompt.Instruction}\n{Question}", prompt, StringComparison.Ordinal);
        var with = (await Answer(server, Body())).GetProperty("usage").GetProperty("prompt_tokens").GetInt32();
        Assert.Equal(applied.GetProperty("tokens").GetArrayLength(), with);
        var without = (await Answer(server, Body(""","documents":false"""))).GetProperty("usage").GetProperty("prompt_tokens").GetInt32();
        Assert.True(without < with - 40, $"{without} and {with}");
    }

    [Fact]
    public async Task A_request_says_whether_and_how_many()
    {
        await using var server = await Start();
        Assert.False((await Answer(server, Body(""","documents":false"""))).GetProperty("choices")[0].TryGetProperty("sources", out _));
        var one = await Answer(server, Body(""","documents":{"count":1}"""));
        Assert.Equal(["a"], Ids(one.GetProperty("choices")[0].GetProperty("sources")));
        foreach (var wrong in (string[])["0", "\"yes\"", """["text"]""", """{"count":0}""", """{"count":1000}""", """{"counts":1}"""])
        {
            var (status, text) = await server.Post(Chat, Body($",\"documents\":{wrong}"));
            Assert.Equal(HttpStatusCode.BadRequest, status);
            Assert.Contains("documents", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_model_without_documents_answers_as_ever_and_refuses_to_pretend()
    {
        await using var server = await Start(documents: false);
        Assert.False((await Answer(server, Body())).GetProperty("choices")[0].TryGetProperty("sources", out _));
        await Answer(server, Body(""","documents":false"""));
        await Answer(server, Body(""","documents":[]"""));
        var (status, text) = await server.Post(Chat, Body(""","documents":true"""));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("--documents", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_ends_with_the_sources()
    {
        await using var server = await Start();
        var (_, text) = await server.Post(Chat, Body(""","stream":true"""));
        var events = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("data: [DONE]", events[^1]);
        var last = JsonDocument.Parse(events[^2]["data: ".Length..]).RootElement.GetProperty("choices")[0];
        Assert.Equal("stop", last.GetProperty("finish_reason").GetString());
        Assert.Equal(["b", "a"], Ids(last.GetProperty("sources")));
        Assert.DoesNotContain(events[..^2], one => one.Contains("sources", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Responses_name_their_sources_too()
    {
        await using var server = await Start();
        var response = await Answer(server, $$"""{"temperature":0,"input":"{{Question}}"}""", "/v1/responses");
        Assert.Equal(["b", "a"], Ids(response.GetProperty("sources")));
        var without = await Answer(server, $$"""{"temperature":0,"input":"{{Question}}","documents":false}""", "/v1/responses");
        Assert.False(without.TryGetProperty("sources", out _));
    }

    [Fact]
    public async Task Only_the_last_question_is_looked_up()
    {
        await using var server = await Start();
        string[] messages =
        [
            """{"role":"user","content":"numbers"}""",
            """{"role":"assistant","content":"1"}""",
            """{"role":"user","content":"alphabet"}""",
        ];
        var body = $$"""{"messages":[{{string.Join(',', messages)}}]}""";
        var prompt = (await Answer(server, body, "/apply-template")).GetProperty("prompt").GetString()!;
        Assert.DoesNotContain("Name: Numbers", prompt, StringComparison.Ordinal);
        Assert.Contains("Name: Alphabet", prompt, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("The documents do not say.")]
    [InlineData("The documents do not say what the letters are.")]
    [InlineData("I don't know.")]
    public async Task A_refusal_has_no_sources(string refusal)
    {
        await using var server = await Start(Saying(refusal));
        var choice = (await Answer(server, Body())).GetProperty("choices")[0];
        Assert.Equal(refusal, choice.GetProperty("message").GetProperty("content").GetString());
        Assert.Empty(Ids(choice.GetProperty("sources")));
    }

    [Fact]
    public async Task What_was_read_and_not_taken_is_not_called_cited()
    {
        await using var server = await Start(Saying("They are green."));
        var sources = (await Answer(server, Body())).GetProperty("choices")[0].GetProperty("sources");
        Assert.Equal(["a", "b"], Ids(sources));
        Assert.DoesNotContain(sources.EnumerateArray(), one => one.GetProperty("cited").GetBoolean());
    }

    [Theory]
    [InlineData("")]
    [InlineData("¿Qué es esto?")]
    [InlineData("?!")]
    public async Task A_question_that_nothing_is_found_for_is_answered_without_passages(string question)
    {
        await using var server = await Start();
        var choice = (await Answer(server, Body(content: question))).GetProperty("choices")[0];
        Assert.Empty(Ids(choice.GetProperty("sources")));
    }

    [Fact]
    public async Task Passages_that_do_not_fit_are_left_out_and_then_it_is_an_error_that_says_so()
    {
        await using (var server = await Start(FakeModel.OfAlphabet(230)))
            Assert.Equal(["a"], Ids((await Answer(server, Body())).GetProperty("choices")[0].GetProperty("sources")));
        await using var small = await Start(FakeModel.OfAlphabet(40));
        Assert.Empty(Ids((await Answer(small, Body())).GetProperty("choices")[0].GetProperty("sources")));
        var (status, text) = await small.Post(Chat, Body(""","documents":true"""));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("'documents': false", text, StringComparison.Ordinal);
        Assert.Contains("context_length_exceeded", text, StringComparison.Ordinal);
        await Answer(small, Body(""","documents":false"""));
    }

    [Fact]
    public async Task A_question_that_is_too_long_is_tokenized_once()
    {
        using var model = FakeModel.OfAlphabet(200);
        var tokenizer = new CountingTokenizer();
        var file = SmallIndex.Write(Path.Combine(_folder.Path, DocumentIndex.FileName));
        await using var server = await RunningServer.Start(
            [ModelSource.Of(new ServedModel("fake", model, tokenizer)) with { Documents = file }]);
        tokenizer.Encoded = 0;
        var question = $"letters {new string('x', 10_000)}";
        var (status, text) = await server.Post(Chat, Body(""","documents":{"count":20}""", question));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("context_length_exceeded", text, StringComparison.Ordinal);
        Assert.InRange(tokenizer.Encoded, 10_000, 15_000);
    }

    [Fact]
    public async Task In_the_process_a_response_carries_its_sources()
    {
        using var model = FakeModel.OfAlphabet(1000);
        using var index = SmallIndex.In(_folder);
        using var chat = new DolmenChatClient(new ServedModel("fake", model, new ByteTokenizer()) { Documents = index });
        var stop = TestContext.Current.CancellationToken;
        var options = new ChatOptions { Temperature = 0 };
        Assert.Equal(["b", "a"], Sources((await chat.GetResponseAsync(Question, options, stop)).AdditionalProperties));
        ChatResponseUpdate? last = null;
        await foreach (var update in chat.GetStreamingResponseAsync(Question, options, stop)) last = update;
        Assert.Equal(["b", "a"], Sources(last!.AdditionalProperties));
        options.AdditionalProperties = new() { ["documents"] = false };
        Assert.Null((await chat.GetResponseAsync(Question, options, stop)).AdditionalProperties);

        static IEnumerable<string> Sources(AdditionalPropertiesDictionary? more) =>
            ((IReadOnlyList<SourceEntry>)more![DolmenChatClient.SourcesKey]!).Select(source => source.Id);
    }

    [Fact]
    public void A_conversation_keeps_questions_alone_and_takes_the_form_that_fits()
    {
        using var model = FakeModel.OfAlphabet(100);
        using var session = new ChatSession(model, new ByteTokenizer());
        var options = new GenerationOptions(new SamplingOptions(0), 4);
        var (form, result) = session.Ask("q", [new string('x', 200), new string('y', 40), "z"], options);
        Assert.Equal((1, "ABCD"), (form, result.Text));
        Assert.Equal(["q", "ABCD"], session.Messages.Select(message => message.Content));
        Assert.Throws<UserErrorException>(() => session.Ask("r", [new string('x', 300), new string('y', 200)], options));
        Assert.Equal(2, session.Messages.Count);
    }

    /// <summary>A model that answers everything with one text.</summary>
    private static FakeModel Saying(string text)
    {
        var special = new ByteTokenizer().Special;
        return new FakeModel(ByteTokenizer.PairBase, 1000, (tokens, token) =>
        {
            var said = 0;
            while (said < tokens.Count && tokens[tokens.Count - 1 - said] != special.Assistant) said++;
            var next = said < text.Length ? text[said] : special.End;
            return token == next ? 20 : 0;
        });
    }
}
