using System.Text.Json;
using Dolmen.Inference;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Serving;

/// <summary>Several prompts and answers a request, and what the model thought of each token.</summary>
public class Scoring
{
    private static readonly ByteTokenizer Bytes = new();

    /// <summary>What lm-eval 0.4.13's local-completions sends and how it reads the answer: from the context's length on, without the last,
    /// generated token; greedy where each token is the likeliest of its place.</summary>
    [Fact]
    public async Task Lm_eval_reads_the_loglikelihoods_of_the_model()
    {
        var model = FakeModel.OfHistory(ByteTokenizer.PairBase, 64);
        await using var server = await RunningServer.Start(model);
        int[][] rows = [Bytes.Encode("the quick"), Bytes.Encode("brown fox jumps"), Bytes.Encode("ab")];
        int[] contexts = [4, 9, 1];
        var (_, body) = await server.Post("/v1/completions", JsonSerializer.Serialize(new
        {
            model = "fake", prompt = rows, temperature = 0, max_tokens = 1, logprobs = 1, seed = 1234, echo = true,
        }));
        var choices = JsonDocument.Parse(body).RootElement.GetProperty("choices").EnumerateArray()
            .OrderBy(choice => choice.GetProperty("index").GetInt32()).ToList();
        Assert.Equal(3, choices.Count);
        for (var i = 0; i < rows.Length; i++)
        {
            var logprobs = choices[i].GetProperty("logprobs");
            var tokens = logprobs.GetProperty("token_logprobs").EnumerateArray().ToList()[contexts[i]..^1];
            var top = logprobs.GetProperty("top_logprobs").EnumerateArray().ToList()[contexts[i]..^1];
            var places = Enumerable.Range(contexts[i], rows[i].Length - contexts[i]).ToList();
            Assert.Equal(places.Sum(place => model.LogProb(rows[i], place)), tokens.Sum(value => value.GetDouble()), 1e-4);
            var greedy = tokens
                .Zip(top)
                .All(pair => pair.First.GetDouble() == pair.Second.EnumerateObject().Max(one => one.Value.GetDouble()));
            Assert.Equal(
                places.TrueForAll(place =>
                    Enumerable
                        .Range(0, Bytes.VocabSize)
                        .All(token => model.LogProb([.. rows[i][..place], token], place) <= model.LogProb(rows[i], place))
                ),
                greedy
            );
            Assert.Equal(JsonValueKind.Null, logprobs.GetProperty("token_logprobs")[0].ValueKind);
            Assert.Equal(JsonValueKind.Null, logprobs.GetProperty("top_logprobs")[0].ValueKind);
        }
    }

    [Fact]
    public async Task The_likeliest_continuation_counts_as_greedy_and_its_end_is_a_token_of_its_own()
    {
        await using var server = await RunningServer.Start();
        var (_, body) = await server.Post(
            "/v1/completions",
            """{"prompt":[[120,121,122]],"max_tokens":1,"logprobs":1,"echo":true,"temperature":0}"""
        );
        Assert.Contains(""""tokens":["x","y","z","<|endoftext|>"]"""", body); // the model ends after z: a token was generated all the same
        Assert.Contains(""""text":"xyz"""", body);
        Assert.Contains(""""finish_reason":"stop"""", body);
        Assert.Contains(""""text_offset":[0,1,2,3]"""", body);
    }

    [Theory]
    [InlineData("""{"prompt":"ab","max_tokens":0,"echo":true}""", """[{"index":0,"text":"ab","logprobs":null,"finish_reason":"length"}]""")]
    [InlineData(
        """{"prompt":"ab","max_tokens":2,"echo":true,"temperature":0}""",
        """[{"index":0,"text":"abcd","logprobs":null,"finish_reason":"length"}]"""
    )]
    [InlineData(
        """{"prompt":["a","m"],"max_tokens":2,"n":2,"temperature":0}""",
        """[{"index":0,"text":"bc","logprobs":null,"finish_reason":"length"},{"index":1,"text":"bc","logprobs":null,"finish_reason":"length"},{"index":2,"text":"no","logprobs":null,"finish_reason":"length"},{"index":3,"text":"no","logprobs":null,"finish_reason":"length"}]"""
    )]
    [InlineData(
        """{"prompt":["a",[109]],"max_tokens":1,"temperature":0}""",
        """[{"index":0,"text":"b","logprobs":null,"finish_reason":"length"},{"index":1,"text":"n","logprobs":null,"finish_reason":"length"}]"""
    )]
    [InlineData(
        """{"prompt":"x","max_tokens":9,"temperature":0,"stop_token_ids":[122]}""",
        """[{"index":0,"text":"y","logprobs":null,"finish_reason":"stop"}]"""
    )]
    [InlineData(
        """{"prompt":"a","max_tokens":9,"temperature":0,"stop":"d","include_stop_str_in_output":true}""",
        """[{"index":0,"text":"bcd","logprobs":null,"finish_reason":"stop"}]"""
    )]
    [InlineData(
        """{"prompt":"x","max_tokens":4,"min_tokens":4,"temperature":0,"logit_bias":{"97":5}}""",
        """[{"index":0,"text":"yzab","logprobs":null,"finish_reason":"length"}]"""
    )]
    public async Task Choices_come_in_order(string request, string choices)
    {
        await using var server = await RunningServer.Start();
        Assert.Contains($"\"choices\":{choices}", (await server.Post("/v1/completions", request)).Body);
    }

    [Fact]
    public async Task Answers_of_one_request_differ_by_their_seeds_and_repeat()
    {
        await using var server = await RunningServer.Start(FakeModel.OfHistory(ByteTokenizer.PairBase, 64));
        async Task<List<string?>> Texts(string request) =>
            [
                .. JsonDocument
                    .Parse((await server.Post("/v1/completions", request)).Body)
                    .RootElement.GetProperty("choices")
                    .EnumerateArray()
                    .Select(choice => choice.GetProperty("text").GetString()),
            ];
        var three = await Texts("""{"prompt":"a","seed":5,"n":3}""");
        Assert.Equal(3, three.Distinct().Count());
        Assert.Equal(three[1..], await Texts("""{"prompt":"a","seed":6,"n":2}"""));
        Assert.Equal([three[0], three[0]], await Texts("""{"prompt":["a","a"],"seed":5}"""));
    }

    [Fact]
    public async Task A_chat_reports_the_tokens_that_were_said()
    {
        await using var server = await RunningServer.Start();
        var (_, body) = await server.Post("/v1/chat/completions",
            """{"messages":[{"role":"user","content":"hi"}],"temperature":0,"stop":["XX"],"logprobs":true,"top_logprobs":2}""");
        var content = JsonDocument.Parse(body).RootElement.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content");
        Assert.Equal(26, content.GetArrayLength());                       // A to Z, without the end of the turn
        Assert.Equal("A", content[0].GetProperty("token").GetString());
        Assert.Equal([65], content[0].GetProperty("bytes").EnumerateArray().Select(value => value.GetInt32()));
        Assert.Equal(2, content[0].GetProperty("top_logprobs").GetArrayLength());
        Assert.InRange(content[0].GetProperty("logprob").GetDouble(), -0.01, 0);
    }

    [Theory]
    [InlineData(
        "/v1/completions",
        """{"prompt":["ab","m"],"n":2,"echo":true,"logprobs":1,"max_tokens":3,"temperature":0,"stream":STREAM}"""
    )]
    [InlineData("/v1/completions", """{"prompt":"x","max_tokens":9,"logprobs":0,"temperature":0,"stream":STREAM}""")]
    [InlineData(
        "/v1/chat/completions",
        """{"messages":[{"role":"user","content":"hi"}],"n":2,"logprobs":true,"temperature":0,"stop":["XY"],"stream":STREAM}"""
    )]
    public async Task A_stream_has_the_same_text_and_tokens_as_the_whole(string path, string request)
    {
        await using var server = await RunningServer.Start();
        var whole = JsonDocument
            .Parse((await server.Post(path, request.Replace("STREAM", "false"))).Body)
            .RootElement.GetProperty("choices")
            .EnumerateArray();
        var chunks = (await server.Post(path, request.Replace("STREAM", "true")))
            .Body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line["data: ".Length..])
            .Where(data => data != "[DONE]")
            .SelectMany(data => JsonDocument.Parse(data).RootElement.GetProperty("choices").EnumerateArray())
            .ToList();
        foreach (var choice in whole)
        {
            var own = chunks.Where(chunk => chunk.GetProperty("index").GetInt32() == choice.GetProperty("index").GetInt32()).ToList();
            Assert.Equal(TextOf(choice), string.Concat(own.Select(TextOf)));
            Assert.Equal(TokensOf(choice), own.SelectMany(TokensOf));
            Assert.Equal(choice.GetProperty("finish_reason").GetString(), own[^1].GetProperty("finish_reason").GetString());
        }

        static string TextOf(JsonElement choice) =>
            choice.TryGetProperty("text", out var text) ? text.GetString()!
            : (choice.TryGetProperty("message", out var message) ? message : choice.GetProperty("delta")).TryGetProperty(
                "content",
                out var content
            )
                ? content.GetString()!
            : "";

        static IEnumerable<string> TokensOf(JsonElement choice) =>
            choice.GetProperty("logprobs") is not { ValueKind: JsonValueKind.Object } logprobs ? []
            : logprobs.TryGetProperty("content", out var content)
                ? [.. content.EnumerateArray().Select(token => token.GetProperty("token").GetString()!)]
            :
            [
                .. logprobs
                    .GetProperty("tokens")
                    .EnumerateArray()
                    .Zip(logprobs.GetProperty("text_offset").EnumerateArray(), (token, at) => $"{token}@{at}"),
            ];
    }

    [Fact]
    public async Task A_refusal_in_the_history_is_what_the_assistant_said()
    {
        await using var server = await RunningServer.Start();
        async Task<string> Usage(string message) =>
            (
                await server.Post(
                    "/v1/chat/completions",
                    $$"""{"messages":[{"role":"user","content":"a"},{{message}},{"role":"user","content":"b"}],"max_tokens":2}"""
                )
            ).Body.Split("\"usage\"")[1];
        Assert.Equal(
            await Usage("""{"role":"assistant","content":"no"}"""),
            await Usage("""{"role":"assistant","content":null,"refusal":"no"}""")
        );
        Assert.Equal(
            await Usage("""{"role":"assistant","content":"no"}"""),
            await Usage("""{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]}""")
        );
        Assert.Equal(
            await Usage("""{"role":"assistant","content":"no"}"""),
            await Usage("""{"role":"assistant","content":[{"type":"text","text":"n"},{"type":"text","text":"o"}]}""")
        );
    }

    [Theory]
    [InlineData(
        """{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]}""",
        """{"role":"tool","tool_call_id":"c1","content":"4"}"""
    )]
    [InlineData(
        """{"role":"assistant","tool_calls":[{"type":"function","function":{"name":"f","arguments":{}}}]}""",
        """{"role":"tool","content":[{"type":"text","text":"4"}]}"""
    )]
    [InlineData(
        """{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}}""",
        """{"role":"function","name":"f","content":"4"}"""
    )]
    public async Task Calls_of_tools_and_their_results_are_read_as_text(string call, string result)
    {
        // What the model says depends on every token before it.
        await using var server = await RunningServer.Start(FakeModel.OfHistory(ByteTokenizer.PairBase, 256));
        async Task<string> Answer(string call, string result) =>
            (
                await server.Post(
                    "/v1/chat/completions",
                    $$"""{"messages":[{"role":"user","content":"a"},{{call}},{{result}}],"max_tokens":9,"seed":1}"""
                )
            ).Body.Split("\"choices\"")[1];
        Assert.Equal(
            await Answer(
                """{"role":"assistant","content":"<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>"}""",
                """{"role":"user","content":"<tool_response>\n4\n</tool_response>"}"""
            ),
            await Answer(call, result)
        );
    }

    [Fact]
    public async Task The_model_s_own_sampling_holds_where_a_request_says_nothing()
    {
        var defaults = new SamplingDefaults(Temperature: 0, MaxTokens: 3) { Suppressed = ['c'] };
        await using var server = await RunningServer.Start(defaults: defaults);
        Assert.Contains("\"text\":\"b", (await server.Post("/v1/completions", """{"prompt":"a"}""")).Body);
        Assert.DoesNotContain("\"text\":\"bc", (await server.Post("/v1/completions", """{"prompt":"a"}""")).Body);
        Assert.Contains("\"completion_tokens\":3", (await server.Post("/v1/completions", """{"prompt":"a"}""")).Body);
        Assert.Contains("\"completion_tokens\":5", (await server.Post("/v1/completions", """{"prompt":"a","max_tokens":5}""")).Body);
    }

    [Fact]
    public async Task The_model_s_own_stop_strings_end_an_answer_unless_they_are_ignored()
    {
        await using var server = await RunningServer.Start(defaults: new SamplingDefaults(Temperature: 0) { Stops = ["e"] });
        async Task<string> Answer(string more) =>
            (await server.Post("/v1/completions", $$"""{"prompt":"a","max_tokens":6{{more}}}""")).Body;
        Assert.Contains("\"text\":\"bcd\"", await Answer(""), StringComparison.Ordinal);
        Assert.Contains("\"text\":\"b\"", await Answer(""","stop":"c" """), StringComparison.Ordinal);
        Assert.Contains("\"text\":\"bcdefg\"", await Answer(""","ignore_eos":true"""), StringComparison.Ordinal);
    }
}
