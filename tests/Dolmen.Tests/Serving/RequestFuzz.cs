using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Serving;

/// <summary>Requests with something wrong in them, to every endpoint: each is answered in time, with what it asks for or with an error in
/// OpenAI's shape, and the fault is never the server's. A few hundred by default; <c>DOLMEN_FUZZ_SECONDS=120</c> makes a search of it, with
/// cases that are new each time, and <c>DOLMEN_FUZZ_SEED=n</c> begins with the case that failed.</summary>
public class RequestFuzz
{
    private const int Cases = 400;

    private static readonly TimeSpan LongestCase = TimeSpan.FromSeconds(20);

    private static readonly (string Path, string Body)[] Valid =
    [
        ("/v1/completions", """
            {"model":"fake","prompt":["ab","c"],"max_tokens":3,"temperature":0.5,"top_p":0.9,"seed":-4,"stop":["x","y"],"n":2,"echo":true,
             "logprobs":2,"logit_bias":{"97":-1.5},"presence_penalty":0.5,"min_tokens":1,"stop_token_ids":[3]}
            """),
        ("/v1/completions", """{"prompt":[97,98,99],"max_tokens":4,"stream":true,"stream_options":{"include_usage":true},"best_of":1}"""),
        ("/v1/completions", """{"prompt":"a","max_tokens":6,"guided_regex":"[a-c]{1,4}(x|y)*","min_p":0.1,"top_k":5,"typical_p":0.9}"""),
        ("/v1/completions", """{"prompt":"a","max_tokens":6,"grammar":"root ::= \"a\" [b-d]+ | x\nx ::= \"q\"","dry_multiplier":1}"""),
        ("/v1/chat/completions", """
            {"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"h\u00e9"}]}],"max_tokens":2,
             "stream":true,"n":2,"logprobs":true,"top_logprobs":3}
            """),
        ("/v1/chat/completions", """
            {"messages":[{"role":"user","content":"x"}],"max_tokens":20,"response_format":{"type":"json_schema","json_schema":{"name":"a",
             "schema":{"type":"object","properties":{"a":{"type":"integer","minimum":3},"b":{"enum":["x","y"]},"c":{"type":"array",
             "items":{"$ref":"#/$defs/d"},"maxItems":2}},"required":["a"],"additionalProperties":false,"$defs":{"d":{"type":"null"}}}}}}
            """),
        ("/v1/chat/completions", """
            {"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function",
             "function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"1","content":"r"}],"max_tokens":3,
             "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"number"}}}}}],
             "tool_choice":"required"}
            """),
        ("/tokenize", """{"content":"ab","add_special":true,"parse_special":false,"with_pieces":true}"""),
        ("/detokenize", """{"tokens":[97,98]}"""),
        ("/apply-template", """{"messages":[{"role":"user","content":"x"}],"add_generation_prompt":true}"""),
        ("/v1/embeddings", """{"input":["ab",[97]],"dimensions":4,"encoding_format":"base64"}"""),
        ("/v1/responses", """
            {"input":[{"role":"user","content":[{"type":"input_text","text":"x"}]}],"max_output_tokens":3,"stream":true}
            """),
    ];

    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "-1", "1", "0.5", "1e999", "-1e-999", "99999999999999999999", "2147483648", "-9223372036854775808",
        "9223372036854775807", "\"\"", "\"x\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"", "\"a\\nb\"", "[]", "[[]]", "{}", "[null]", "[0,-1]",
        "{\"a\":{\"a\":{\"a\":[]}}}", "\"(a*)*b\"", "\"((((((((((a|b)*)*)*)*)*)*)*)*)*\"", "\"a{1000}{1000}\"", "{\"$ref\":\"#\"}",
        "{\"type\":\"string\",\"maxLength\":100000000}", "\"root ::= root\"", "\"root ::= ((\\\"a\\\"){1,9999}){1,9999}\"",
    ];

    private static readonly string[] Names = [.. RequestTable.All.Select(field => field.Name).Distinct(StringComparer.Ordinal),
        "role", "content", "type", "function", "parameters", "properties", "items", "anyOf", "pattern", "input", "text", "add_special"];

    [Fact]
    public async Task Every_request_is_answered_and_none_fails_the_server()
    {
        await using var server = await RunningServer.Start(FakeModel.OfHistory(ByteTokenizer.PairBase, 64));
        var seconds = double.Parse(Environment.GetEnvironmentVariable("DOLMEN_FUZZ_SECONDS") ?? "0", CultureInfo.InvariantCulture);
        var given = Environment.GetEnvironmentVariable("DOLMEN_FUZZ_SEED");
        var seed = given is not null ? ulong.Parse(given, CultureInfo.InvariantCulture)
            : seconds > 0 ? (ulong)DateTime.UtcNow.Ticks : 1;
        var clock = Stopwatch.StartNew();
        var answered = 0;
        for (var i = 0; seconds > 0 ? clock.Elapsed.TotalSeconds < seconds : i < Cases; i++, seed++)
        {
            var random = new StableRandom(seed);
            var (path, body) = Valid[random.Next(Valid.Length)];
            var request = random.Next(3) == 0 ? Bytes(body, random) : Structure(JsonNode.Parse(body)!, random).ToJsonString();
            if (random.Next(4) == 0) request = Bytes(request, random);
            if (await Send(server, path, request, seed) == HttpStatusCode.OK) answered++;
        }
        Assert.True(answered > 0);                                       // not everything is refused at the door
        Assert.Empty(server.Log);
        Assert.Contains("num_requests_running{model_name=\"fake\"} 0\n", await server.Get("/metrics"));
    }

    private static async Task<HttpStatusCode> Send(RunningServer server, string path, string request, ulong seed)
    {
        var what = $"DOLMEN_FUZZ_SEED={seed}: POST {path} {request}";
        using var late = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        late.CancelAfter(LongestCase);
        HttpResponseMessage response;
        string body;
        try
        {
            using var content = new StringContent(request, Encoding.UTF8, "application/json");
            response = await server.Http.PostAsync(new Uri(path, UriKind.Relative), content, late.Token);
            body = await response.Content.ReadAsStringAsync(late.Token);
        }
        catch (OperationCanceledException error)
        {
            throw new TimeoutException($"There is no answer after {LongestCase.TotalSeconds} s. {what}", error);
        }
        using (response)
        {
            Assert.True((int)response.StatusCode < 500, $"{response.StatusCode} {body}\n{what}");
            var isStream = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
            if (!isStream) Check(body, response.IsSuccessStatusCode, what);
            else Assert.True(body.Contains("[DONE]") || body.Contains("response.completed") || body.Contains("response.incomplete"), what);
            return response.StatusCode;
        }
    }

    private static void Check(string body, bool isAnswer, string what)
    {
        using var document = JsonDocument.Parse(body);
        if (isAnswer) return;
        Assert.True(document.RootElement.TryGetProperty("error", out var error), $"{body}\n{what}");
        Assert.True(error.GetProperty("message").GetString() is { Length: > 0 }, $"{body}\n{what}");
        Assert.True(error.GetProperty("type").GetString() is { Length: > 0 }, $"{body}\n{what}");
        Assert.True(error.TryGetProperty("param", out _) && error.TryGetProperty("code", out _), $"{body}\n{what}");
    }

    /// <summary>Up to four values replaced, removed, doubled or added.</summary>
    private static JsonNode Structure(JsonNode root, StableRandom random)
    {
        for (var changes = 1 + random.Next(4); changes > 0; changes--)
        {
            var places = new List<JsonNode>();
            Collect(root, places);
            switch (places[random.Next(places.Count)])
            {
                case JsonObject node:
                    var name = random.Next(2) == 0 || node.Count == 0 ? Names[random.Next(Names.Length)]
                        : node.ElementAt(random.Next(node.Count)).Key;
                    if (random.Next(4) == 0) node.Remove(name);
                    else node[name] = Value(random, places);
                    break;
                case JsonArray list when list.Count > 0 && random.Next(3) > 0:
                    list[random.Next(list.Count)] = Value(random, places);
                    break;
                case JsonArray list:
                    var value = Value(random, places);
                    list.Add(value);
                    if (value is JsonValue or null && random.Next(5) == 0)
                        for (var times = 0; times < 200; times++) list.Add(value?.DeepClone());
                    break;
            }
        }
        return root;
    }

    /// <summary>An odd value, or one from elsewhere in the request.</summary>
    private static JsonNode? Value(StableRandom random, List<JsonNode> places) => random.Next(4) == 0
        ? places[random.Next(places.Count)].DeepClone() : JsonNode.Parse(Values[random.Next(Values.Length)]);

    private static void Collect(JsonNode? node, List<JsonNode> places)
    {
        if (node is JsonObject or JsonArray) places.Add(node);
        if (node is JsonObject members)
        {
            foreach (var (_, member) in members) Collect(member, places);
        }
        else if (node is JsonArray items)
        {
            foreach (var item in items) Collect(item, places);
        }
    }

    private static string Bytes(string request, StableRandom random)
    {
        const string letters = "0-\"\\[]{},:.eutnx\ud800é\0";
        var text = new StringBuilder(request);
        for (var changes = 1 + random.Next(4); changes > 0 && text.Length > 0; changes--)
        {
            var at = random.Next(text.Length);
            switch (random.Next(4))
            {
                case 0: text[at] = letters[random.Next(letters.Length)]; break;
                case 1: text.Remove(at, Math.Min(text.Length - at, 1 + random.Next(8))); break;
                case 2: text.Length = at; break;
                default: text.Insert(at, text.ToString(at, Math.Min(text.Length - at, 1 + random.Next(64)))); break;
            }
        }
        return text.ToString();
    }
}
