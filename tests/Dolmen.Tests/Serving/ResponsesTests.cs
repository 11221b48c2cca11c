using System.Net;
using System.Text.Json;
using Dolmen.Tests.Fakes;
using OpenAI.Responses;

namespace Dolmen.Tests.Serving;

/// <summary>/v1/responses: what it says is what a chat says, in items and typed events.</summary>
public class ResponsesTests
{
    private const string Path = "/v1/responses";

    private const string Add =
        """{"type":"function","name":"add","description":"Adds two numbers.","parameters":{"type":"object","properties":{"a":{"type":"integer","minimum":0,"maximum":9}},"required":["a"],"additionalProperties":false},"strict":true}""";

    [Fact]
    public async Task A_text_is_answered_by_a_message()
    {
        await using var server = await RunningServer.Start();
        var (status, body) = await server.Post(Path,
            """{"model":"fake","input":"hi","instructions":"Be brief.","temperature":0,"max_output_tokens":5,"metadata":{"k":"v"}}""");
        Assert.Equal(HttpStatusCode.OK, status);
        var answer = JsonElement.Parse(body);
        Assert.Equal(("response", "incomplete", "max_output_tokens"), (answer.GetProperty("object").GetString(),
            answer.GetProperty("status").GetString(), answer.GetProperty("incomplete_details").GetProperty("reason").GetString()));
        var message = Assert.Single(answer.GetProperty("output").EnumerateArray());
        Assert.Equal(("message", "assistant", "incomplete"), (message.GetProperty("type").GetString(),
            message.GetProperty("role").GetString(), message.GetProperty("status").GetString()));
        var part = Assert.Single(message.GetProperty("content").EnumerateArray());
        Assert.Equal(("output_text", "ABCDE"), (part.GetProperty("type").GetString(), part.GetProperty("text").GetString()));
        var usage = answer.GetProperty("usage");
        Assert.Equal((17, 5, 22), (usage.GetProperty("input_tokens").GetInt32(), usage.GetProperty("output_tokens").GetInt32(),
            usage.GetProperty("total_tokens").GetInt32()));
        Assert.Equal(("Be brief.", 5, 0.0, "v", false), (answer.GetProperty("instructions").GetString(),
            answer.GetProperty("max_output_tokens").GetInt32(), answer.GetProperty("temperature").GetDouble(),
            answer.GetProperty("metadata").GetProperty("k").GetString(), answer.GetProperty("store").GetBoolean()));
    }

    /// <summary>The same conversation as items and as messages gives the same prompt, so the same answer and usage.</summary>
    [Theory]
    [InlineData("""[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"output_text","text":"yes","annotations":[]}]},{"type":"message","role":"user","content":[{"type":"input_text","text":"s"},{"type":"input_text","text":"o?"}]}]""",
        """[{"role":"user","content":"hi"},{"role":"assistant","content":"yes"},{"role":"user","content":"so?"}]""")]
    [InlineData("""[{"role":"user","content":"1?"},{"type":"function_call","id":"fc_1","call_id":"c1","name":"add","arguments":"{\"a\":1}"},{"type":"function_call","call_id":"c2","name":"add","arguments":"{\"a\":2}"},{"type":"function_call_output","call_id":"c1","output":"one"},{"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"two"}]},{"type":"reasoning","summary":[]}]""",
        """[{"role":"user","content":"1?"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\":1}"}},{"id":"c2","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]},{"role":"tool","tool_call_id":"c1","content":"one"},{"role":"tool","tool_call_id":"c2","content":"two"}]""")]
    public async Task Items_are_read_as_the_messages_of_a_chat(string items, string messages)
    {
        List<int[]> prompts = [];
        await using var server = await RunningServer.Start(new FakeModel(ByteTokenizer.PairBase, 4000, (tokens, next) =>
        {
            if (next == 0 && tokens[^1] == new ByteTokenizer().Special.Assistant) prompts.Add([.. tokens]);
            return next == 'A' ? 5 : 0;
        }));
        Assert.Equal(HttpStatusCode.OK, (await server.Post(Path, $"{{\"input\":{items},\"max_output_tokens\":2}}")).Status);
        Assert.Equal(HttpStatusCode.OK,
            (await server.Post("/v1/chat/completions", $"{{\"messages\":{messages},\"max_tokens\":2}}")).Status);
        Assert.Equal(prompts[0], prompts[^1]);
        Assert.True(prompts[0].Length > 10);
    }

    [Theory]
    [InlineData("\"input\":\"hi\",\"temperature\":0", "message")]
    [InlineData("\"input\":\"hi\",\"temperature\":0,\"max_output_tokens\":3", "message")]
    [InlineData("\"input\":\"hi\",\"seed\":4,\"max_output_tokens\":200,\"tool_choice\":\"required\",\"tools\":[ADD]", "function_call")]
    public async Task Events_add_up_to_the_whole_answer(string fields, string kind)
    {
        var any = kind == "function_call";
        await using var server = await RunningServer.Start(any ? new FakeModel(ByteTokenizer.PairBase, 4000, (_, _) => 0) : null);
        var request = fields.Replace("ADD", Add);
        var whole = JsonElement.Parse((await server.Post(Path, $"{{{request}}}")).Body);
        var (_, stream) = await server.Post(Path, $"{{{request},\"stream\":true}}");
        var events = Events(stream);
        Assert.Equal(Enumerable.Range(0, events.Count), events.Select(one => one.GetProperty("sequence_number").GetInt32()));
        string[] types = [.. events.Select(one => one.GetProperty("type").GetString()!)];
        var ended = whole.GetProperty("status").GetString()!;
        string[] expected = any
            ? ["response.created", "response.in_progress", "response.output_item.added", "response.function_call_arguments.delta",
                "response.function_call_arguments.done", "response.output_item.done", "response." + ended]
            : ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
                "response.output_text.delta", "response.output_text.done", "response.content_part.done", "response.output_item.done",
                "response." + ended];
        Assert.Equal(expected, types.Where((type, i) => i == 0 || type != types[i - 1]));
        Assert.Equal(any || request.Contains("max", StringComparison.Ordinal) ? any ? "completed" : "incomplete" : "completed", ended);
        var said = string.Concat(events.Where(one => one.TryGetProperty("delta", out _))
            .Select(one => one.GetProperty("delta").GetString()));
        var last = events[^1].GetProperty("response");
        var item = Assert.Single(last.GetProperty("output").EnumerateArray());
        Assert.Equal(kind, item.GetProperty("type").GetString());
        Assert.Equal(said, any ? item.GetProperty("arguments").GetString()
            : item.GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Equal(Anonymous(whole), Anonymous(last));
        Assert.Equal("in_progress", events[0].GetProperty("response").GetProperty("status").GetString());
    }

    [Fact]
    public async Task An_answer_has_the_form_asked_for_and_its_probabilities()
    {
        await using var server = await RunningServer.Start(new FakeModel(ByteTokenizer.PairBase, 4000, (_, _) => 0));
        const string format = "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"x\",\"schema\":{\"enum\":[\"abc\",\"xyz\"]}}}";
        var request = $"{{\"input\":\"hi\",{format},\"include\":[\"message.output_text.logprobs\"],\"top_logprobs\":2}}";
        var part = JsonElement.Parse((await server.Post(Path, request)).Body).GetProperty("output")[0].GetProperty("content")[0];
        Assert.Contains(part.GetProperty("text").GetString(), (string[])["\"abc\"", "\"xyz\""]);
        Assert.Equal(5, part.GetProperty("logprobs").GetArrayLength());
        Assert.Equal(2, part.GetProperty("logprobs")[0].GetProperty("top_logprobs").GetArrayLength());
        var streamed = Events((await server.Post(Path, request[..^1] + ",\"stream\":true}")).Body)
            .Where(one => one.GetProperty("type").GetString() == "response.output_text.delta")
            .Sum(one => one.GetProperty("logprobs").GetArrayLength());
        Assert.Equal(5, streamed);
    }

    [Fact]
    public async Task Probabilities_of_tokens_that_give_no_text_are_streamed_too()
    {
        // The tokens of what ends the text are drawn, and what they say is left out.
        await using var server = await RunningServer.Start(
            defaults: new Dolmen.Inference.SamplingDefaults(Temperature: 0) { Stops = ["BC"] });
        const string request = """{"input":"hi","include":["message.output_text.logprobs"],"stream":STREAM}""";
        var part = JsonElement.Parse((await server.Post(Path, request.Replace("STREAM", "false"))).Body)
            .GetProperty("output")[0].GetProperty("content")[0];
        Assert.Equal(("A", 3), (part.GetProperty("text").GetString(), part.GetProperty("logprobs").GetArrayLength()));
        var events = Events((await server.Post(Path, request.Replace("STREAM", "true"))).Body);
        JsonElement[] streamed = [.. Of("response.output_text.delta").SelectMany(one => one.GetProperty("logprobs").EnumerateArray())];
        var whole = part.GetProperty("logprobs").EnumerateArray().Select(one => one.GetRawText());
        Assert.Equal(whole, streamed.Select(one => one.GetRawText()));
        Assert.Equal(3, Assert.Single(Of("response.output_text.done")).GetProperty("logprobs").GetArrayLength());

        IEnumerable<JsonElement> Of(string type) => events.Where(one => one.GetProperty("type").GetString() == type);
    }

    [Fact]
    public async Task A_stream_whose_time_is_over_ends_with_an_error_of_its_own_shape()
    {
        var model = new FakeModel(ByteTokenizer.PairBase, 1 << 20, (_, next) => next == 'a' ? 20 : 0);
        model.BeforeStep = () => Thread.Sleep(1);
        await using var server = await RunningServer.Start(model, new Dolmen.Serving.ServerOptions(MaxSeconds: 0.3));
        var events = Events((await server.Post(Path, """{"input":"hi","temperature":0,"stream":true}""")).Body);
        Assert.Equal("response.created", events[0].GetProperty("type").GetString());
        Assert.Equal(("error", "time_limit_exceeded"),
            (events[^1].GetProperty("type").GetString(), events[^1].GetProperty("code").GetString()));
        Assert.Contains("longer than the 0.3 seconds", events[^1].GetProperty("message").GetString()!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}", "'input' is missing")]
    [InlineData("""{"input":[]}""", "'input' is empty")]
    [InlineData("""{"input":[{"role":"wizard","content":"a"}]}""", "'input[0].role' must be")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_image","image_url":"x"}]}]}""", "'input[0].content[0]' is not text")]
    [InlineData("""{"input":[{"type":"item_reference","id":"x"}]}""", "'input[0].type' is 'item_reference'")]
    [InlineData("""{"input":[{"type":"function_call_output","output":"x"}]}""", "'input[0].call_id' is missing")]
    [InlineData("""{"input":"a","previous_response_id":"resp_1"}""", "nothing is stored")]
    [InlineData("""{"input":"a","background":true}""", "'background' is not supported")]
    [InlineData("""{"input":"a","max_tokens":5}""", "'max_tokens' is not a field that this server knows")]
    [InlineData("""{"input":"a","max_output_tokens":0}""", "'max_output_tokens' must be an integer of at least 1")]
    [InlineData("""{"input":"a","tools":[{"type":"web_search"}]}""", "the server runs no tools of its own")]
    [InlineData("""{"input":"a","tool_choice":"required"}""", "'tool_choice' needs 'tools'")]
    [InlineData("""{"input":"a","text":{"format":{"type":"json_schema"}}}""", "'text.format.schema' is missing")]
    [InlineData("""{"input":"a","text":{"format":{"type":"json_schema","schema":{"type":"wizard"}}}}""", "The JSON schema at # cannot be used")]
    [InlineData("""{"input":"a","include":["reasoning.encrypted_content"]}""", "'include' asks for")]
    [InlineData("""{"input":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}""", "context is 64 tokens")]
    public async Task What_is_wrong_is_said(string request, string message)
    {
        await using var server = await RunningServer.Start();
        var (status, body) = await server.Post(Path, request);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(message, JsonElement.Parse(body).GetProperty("error").GetProperty("message").GetString()!,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAIs_client_gets_texts_streams_and_calls()
    {
        await using var server = await RunningServer.Start();
        var client = Client(server);
        ResponseResult answer = await client.CreateResponseAsync(
            new CreateResponseOptions("fake", [ResponseItem.CreateUserMessageItem("hi")])
            {
                Temperature = 0, MaxOutputTokenCount = 5, Instructions = "Be brief.",
            }, TestContext.Current.CancellationToken);
        Assert.Equal(("ABCDE", ResponseStatus.Incomplete, 17), (answer.GetOutputText(), answer.Status, answer.Usage.InputTokenCount));
        var (text, ended) = ("", (ResponseResult?)null);
        var streamed = new CreateResponseOptions("fake", [ResponseItem.CreateUserMessageItem("hi")])
        {
            Temperature = 0, StreamingEnabled = true,
        };
        await foreach (var update in await client.CreateResponseStreamingAsync(streamed, TestContext.Current.CancellationToken))
        {
            if (update is StreamingResponseOutputTextDeltaUpdate delta) text += delta.Delta;
            if (update is StreamingResponseCompletedUpdate completed) ended = completed.Response;
        }
        Assert.Equal("ABCDEFGHIJKLMNOPQRSTUVWXYZ", text);
        Assert.Equal(text, ended!.GetOutputText());
    }

    [Fact]
    public async Task OpenAIs_client_calls_a_function_and_says_what_came_of_it()
    {
        var model = new FakeModel(ByteTokenizer.PairBase, 4000, (_, _) => 0);
        await using var server = await RunningServer.Start(model);
        var parameters = JsonElement.Parse(Add).GetProperty("parameters").GetRawText();
        var tool = ResponseTool.CreateFunctionTool("add", BinaryData.FromString(parameters), strictModeEnabled: true, "Adds.");
        List<ResponseItem> items = [ResponseItem.CreateUserMessageItem("1?")];
        ResponseResult first = await Client(server).CreateResponseAsync(new CreateResponseOptions("fake", items)
        {
            Tools = { tool }, ToolChoice = ResponseToolChoice.CreateFunctionChoice("add"), MaxOutputTokenCount = 200,
        }, TestContext.Current.CancellationToken);
        var call = Assert.IsType<FunctionCallResponseItem>(Assert.Single(first.OutputItems));
        Assert.Equal("add", call.FunctionName);
        Assert.InRange(JsonElement.Parse(call.FunctionArguments.ToString()).GetProperty("a").GetInt32(), 0, 9);
        items.AddRange([call, ResponseItem.CreateFunctionCallOutputItem(call.CallId, "10")]);
        ResponseResult second = await Client(server).CreateResponseAsync(
            new CreateResponseOptions("fake", items) { Tools = { tool }, MaxOutputTokenCount = 3 }, TestContext.Current.CancellationToken);
        Assert.True(second.Usage.InputTokenCount > first.Usage.InputTokenCount);
        Assert.Equal(3, second.Usage.OutputTokenCount);
    }

    private static ResponsesClient Client(RunningServer server) => new(
        new System.ClientModel.ApiKeyCredential("none"), new ResponsesClientOptions { Endpoint = new Uri(server.Address, "v1") });

    /// <summary>The data of server-sent events, whose names are their types.</summary>
    private static List<JsonElement> Events(string stream)
    {
        var events = new List<JsonElement>();
        foreach (var block in stream.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var lines = block.Split('\n');
            Assert.Equal(2, lines.Length);
            events.Add(JsonElement.Parse(lines[1]["data: ".Length..]));
            Assert.Equal("event: " + events[^1].GetProperty("type").GetString(), lines[0]);
        }
        return events;
    }

    /// <summary>Without what differs from one request to the next: the names, and what was known of the prompt.</summary>
    private static string Anonymous(JsonElement response) => System.Text.RegularExpressions.Regex.Replace(
        response.GetRawText(), "\"(resp|msg|fc|call)_[0-9a-f]+\"|\"cached_tokens\":\\d+", "");
}
