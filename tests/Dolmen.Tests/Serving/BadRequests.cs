using System.Net;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Serving;

public class BadRequests
{
    private const string Completions = "/v1/completions";
    private const string Chat = "/v1/chat/completions";

    [Theory]
    [InlineData(
        Completions,
        """{"model":"gpt-5","prompt":"a"}""",
        404,
        """{"error":{"message":"The model 'gpt-5' does not exist here: this server has 'fake'.","type":"invalid_request_error","param":"model","code":"model_not_found"}}"""
    )]
    [InlineData(
        Completions,
        "[1]",
        400,
        """{"error":{"message":"The request body must be a JSON object.","type":"invalid_request_error","param":null,"code":null}}"""
    )]
    [InlineData(
        Completions,
        "{}",
        400,
        """{"error":{"message":"'prompt' is missing: it must be a string or an array of token ids.","type":"invalid_request_error","param":"prompt","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":5}""",
        400,
        """{"error":{"message":"'prompt' must be a string or an array of token ids, not 5.","type":"invalid_request_error","param":"prompt","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":["a",5]}""",
        400,
        """{"error":{"message":"'prompt' must be prompts of one kind each, strings or arrays of token ids, not 5.","type":"invalid_request_error","param":"prompt","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":[1,99999]}""",
        400,
        """{"error":{"message":"'prompt' must be made of token ids from 0 to 262, not 99999.","type":"invalid_request_error","param":"prompt","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":[]}""",
        400,
        """{"error":{"message":"'prompt' is an empty array: it needs at least one token id.","type":"invalid_request_error","param":"prompt","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","temperature":"hot"}""",
        400,
        """{"error":{"message":"'temperature' must be a number from 0 to 2, not 'hot'.","type":"invalid_request_error","param":"temperature","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","temperature":3}""",
        400,
        """{"error":{"message":"'temperature' must be a number from 0 to 2, not 3.","type":"invalid_request_error","param":"temperature","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","max_tokens":-1}""",
        400,
        """{"error":{"message":"'max_tokens' must be an integer of at least 1, not -1.","type":"invalid_request_error","param":"max_tokens","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","max_tokens":1.5}""",
        400,
        """{"error":{"message":"'max_tokens' must be an integer of at least 1, not 1.5.","type":"invalid_request_error","param":"max_tokens","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","seed":"x"}""",
        400,
        """{"error":{"message":"'seed' must be an integer, not 'x'.","type":"invalid_request_error","param":"seed","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","stop":7}""",
        400,
        """{"error":{"message":"'stop' must be a string or an array of strings, not 7.","type":"invalid_request_error","param":"stop","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","stream":"yes"}""",
        400,
        """{"error":{"message":"'stream' must be true or false, not 'yes'.","type":"invalid_request_error","param":"stream","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","n":129}""",
        400,
        """{"error":{"message":"'n' must be an integer from 1 to 128, not 129.","type":"invalid_request_error","param":"n","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","logprobs":21}""",
        400,
        """{"error":{"message":"'logprobs' must be an integer from 0 to 20, not 21.","type":"invalid_request_error","param":"logprobs","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","max_tokens":0}""",
        400,
        """{"error":{"message":"'max_tokens' must be an integer of at least 1, not 0.","type":"invalid_request_error","param":"max_tokens","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","min_tokens":17}""",
        400,
        """{"error":{"message":"'min_tokens' is 17 but at most 16 tokens are generated: set max_tokens.","type":"invalid_request_error","param":"min_tokens","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","stop_token_ids":[263]}""",
        400,
        """{"error":{"message":"'stop_token_ids' must be an array of token ids from 0 to 262, not 263.","type":"invalid_request_error","param":"stop_token_ids","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","logit_bias":{"a":1}}""",
        400,
        """{"error":{"message":"'logit_bias' must name token ids from 0 to 262.","type":"invalid_request_error","param":"logit_bias","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","repetition_penalty":0}""",
        400,
        """{"error":{"message":"'repetition_penalty' must be a number from 0.01 to 100, not 0.","type":"invalid_request_error","param":"repetition_penalty","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","frequency_penalty":2.5}""",
        400,
        """{"error":{"message":"'frequency_penalty' must be a number from -2 to 2, not 2.5.","type":"invalid_request_error","param":"frequency_penalty","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"","add_special_tokens":false}""",
        400,
        """{"error":{"message":"'prompt' has no token: a model needs one to go on from.","type":"invalid_request_error","param":"prompt","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","top_pp":1}""",
        400,
        """{"error":{"message":"'top_pp' is not a field that this server knows, so it might change the answer: did you mean 'top_p'?","type":"invalid_request_error","param":"top_pp","code":"unknown_parameter"}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","stream":true,"stream_options":{"continuous_usage_stats":true}}""",
        400,
        """{"error":{"message":"'stream_options.continuous_usage_stats' is not supported: only include_usage and include_timings are.","type":"invalid_request_error","param":"stream_options.continuous_usage_stats","code":"unsupported_parameter"}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"user","content":"x"}],"top_logprobs":2}""",
        400,
        """{"error":{"message":"'top_logprobs' needs 'logprobs' to be true.","type":"invalid_request_error","param":"top_logprobs","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"not":{}}}}}""",
        400,
        """{"error":{"message":"The JSON schema at # cannot be used: the keyword 'not' is not supported.","type":"invalid_request_error","param":"response_format","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"xml"}}""",
        400,
        """{"error":{"message":"'response_format.type' must be text, json_object or json_schema.","type":"invalid_request_error","param":"response_format.type","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","guided_regex":"(a","temperature":0}""",
        400,
        """{"error":{"message":"The pattern '(a' is not understood at character 3: a '(' is not closed.","type":"invalid_request_error","param":"guided_regex","code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","guided_regex":"a","grammar":"root ::= \"a\""}""",
        400,
        """{"error":{"message":"'guided_regex' and 'grammar' cannot be given together: an answer has one form.","type":"invalid_request_error","param":"grammar","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"user","content":"x"}],"echo":true}""",
        400,
        """{"error":{"message":"'echo' is not supported: the conversation is not repeated.","type":"invalid_request_error","param":"echo","code":"unsupported_parameter"}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"\ud800"}""",
        400,
        """{"error":{"message":"The request body, line 1 has a string with half a surrogate pair (\\uD800 to \\uDFFF alone): that is not a character. Write the pair whole, or leave it out.","type":"invalid_request_error","param":null,"code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"a","max_tokens":1,"\ud800":1}""",
        400,
        """{"error":{"message":"The request body, line 1 has a name with half a surrogate pair (\\uD800 to \\uDFFF alone): that is not a character. Write the pair whole, or leave it out.","type":"invalid_request_error","param":null,"code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"user","content":"a","\ud800":1}],"max_tokens":1}""",
        400,
        """{"error":{"message":"The request body, line 1 has a name with half a surrogate pair (\\uD800 to \\uDFFF alone): that is not a character. Write the pair whole, or leave it out.","type":"invalid_request_error","param":null,"code":null}}"""
    )]
    [InlineData(
        Completions,
        """{"prompt":"0123456789012345678901234567890123456789012345678901234567890123"}""",
        400,
        """{"error":{"message":"This model's context is 64 tokens, but the prompt holds 65: leave room for at least one. Shorten them.","type":"invalid_request_error","param":"prompt","code":"context_length_exceeded"}}"""
    )]
    [InlineData(
        Chat,
        "{}",
        400,
        """{"error":{"message":"'messages' is missing: it must be an array of {role, content}.","type":"invalid_request_error","param":"messages","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[]}""",
        400,
        """{"error":{"message":"'messages' is empty: it needs at least one message.","type":"invalid_request_error","param":"messages","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":"hi"}""",
        400,
        """{"error":{"message":"'messages' must be an array of {role, content}, not 'hi'.","type":"invalid_request_error","param":"messages","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"tool","content":null}]}""",
        400,
        """{"error":{"message":"'messages[0].content' is missing: it must be a string.","type":"invalid_request_error","param":"messages[0].content","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"user","content":"a","content":"b"}]}""",
        400,
        """{"error":{"message":"'messages[0]' has a key twice: which one counts cannot be told.","type":"invalid_request_error","param":"messages[0]","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"user","content":"a","tool_calls":[{"function":{"name":"f"}}]}]}""",
        400,
        """{"error":{"message":"'messages[0].tool_calls' stands in a message of the role 'user': only the assistant calls tools.","type":"invalid_request_error","param":"messages[0].tool_calls","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"User","content":"x"}]}""",
        400,
        """{"error":{"message":"'messages[0].role' must be system, user, assistant or tool, not 'User'.","type":"invalid_request_error","param":"messages[0].role","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[{"id":"c"}]}]}""",
        400,
        """{"error":{"message":"messages[1].tool_calls[0] does not say which tool is called: a call is an object whose function has a name and arguments.","type":"invalid_request_error","param":"messages","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"assistant","content":null}]}""",
        400,
        """{"error":{"message":"'messages[0].content' is missing: it must be a string.","type":"invalid_request_error","param":"messages[0].content","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"user"}]}""",
        400,
        """{"error":{"message":"'messages[0].content' is missing: it must be a string.","type":"invalid_request_error","param":"messages[0].content","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]}""",
        400,
        """{"error":{"message":"'messages[0].content' may hold only parts of type text.","type":"invalid_request_error","param":"messages[0].content[0]","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"user","content":"x"}],"tools":[{}]}""",
        400,
        """{"error":{"message":"'tools[0]' must be an object of type 'function' with a 'function'.","type":"invalid_request_error","param":"tools[0]","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"user","content":"x"}],"tools":[{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}}}}}}}}}}}]}""",
        400,
        """{"error":{"message":"'tools[0]' must be an object of type 'function' with a 'function'.","type":"invalid_request_error","param":"tools[0]","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"g"}}}""",
        400,
        """{"error":{"message":"'tool_choice' names 'g', which is not among 'tools'.","type":"invalid_request_error","param":"tool_choice","code":null}}"""
    )]
    [InlineData(
        Chat,
        """{"messages":[{"role":"user","content":"x"}],"tool_choice":"required"}""",
        400,
        """{"error":{"message":"'tool_choice' needs 'tools' to choose from.","type":"invalid_request_error","param":"tool_choice","code":null}}"""
    )]
    [InlineData(
        "/v1/nothing",
        "{}",
        404,
        """{"error":{"message":"There is no /v1/nothing here: try /v1/models, /v1/completions, /v1/chat/completions, /health or /metrics.","type":"invalid_request_error","param":null,"code":"unknown_url"}}"""
    )]
    [InlineData(
        "/v1/models",
        "{}",
        405,
        """{"error":{"message":"/v1/models does not answer POST.","type":"invalid_request_error","param":null,"code":"method_not_supported"}}"""
    )]
    public async Task A_bad_request_gets_one_error_in_OpenAI_s_shape(string path, string request, int status, string error)
    {
        await using var server = await RunningServer.Start();
        var answer = await server.Post(path, request);
        Assert.Equal(((HttpStatusCode)status, error), (answer.Status, answer.Body.Replace("\\\"", "'")));
        Assert.Equal(0, server.Model.TokensFed);
    }

    [Theory]
    [InlineData("{\"prompt\":")]
    [InlineData("{\"prompt\":\"a\"} x")]
    [InlineData("{\"prompt\":\"a\"} {}")]
    [InlineData("{\"prompt\":'a'}")]
    public async Task A_body_that_is_not_JSON_is_said(string request)
    {
        await using var server = await RunningServer.Start();
        var (status, body) = await server.Post(Completions, request);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("The request body is not valid JSON", body);
    }

    [Theory]
    [InlineData(62, "must be a JSON object")]
    [InlineData(70, "nest more than 64 deep")]
    public async Task A_body_may_nest_64_deep(int depth, string says)
    {
        await using var server = await RunningServer.Start();
        var (status, body) = await server.Post(Completions, new string('[', depth) + new string(']', depth));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(says, body);
    }

    [Theory]
    [InlineData("/srv/models/chat")]
    [InlineData("/srv/models/chat/")]
    public void A_message_names_files_of_the_model_without_the_folders_of_the_server(string folder)
    {
        using var model = FakeModel.OfAlphabet();
        var served = new ServedModel("fake", model, new ByteTokenizer()) { Folder = folder };
        Assert.Equal("chat_template.jinja, line 1: no.", served.WithoutPaths("/srv/models/chat/chat_template.jinja, line 1: no."));
    }

    [Fact]
    public async Task Quotes_and_letters_are_not_escaped()
    {
        await using var server = await RunningServer.Start();
        var (_, body) = await server.Post(Completions, """{"model":"it's é+<日>","prompt":"a"}""");
        Assert.Contains("The model 'it's é+<日>' does not exist here", body);
    }

    [Fact]
    public async Task A_content_type_that_web_pages_may_send_unasked_is_refused()
    {
        await using var server = await RunningServer.Start();
        var (status, body) = await server.Post(Completions, """{"prompt":"a"}""", "text/plain");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, status);
        Assert.Contains("application/json", body);
    }

    [Fact]
    public async Task An_oversize_body_is_refused()
    {
        await using var server = await RunningServer.Start(options: new ServerOptions(MaxBodyBytes: 1000));
        var (status, body) = await server.Post(Completions, $$"""{"prompt":"{{new string('a', 2000)}}"}""");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, status);
        Assert.Contains("larger than this server accepts", body);
    }

    [Fact]
    public async Task A_failing_model_is_a_server_error_that_tells_nothing_of_its_insides()
    {
        var model = FakeModel.OfAlphabet();
        model.BeforeStep = () => throw new InvalidOperationException("secret path");
        await using var server = await RunningServer.Start(model);
        var (status, body) = await server.Post(Completions, """{"prompt":"a","max_tokens":4}""");
        Assert.Equal(HttpStatusCode.InternalServerError, status);
        Assert.Contains("\"type\":\"server_error\"", body);
        Assert.DoesNotContain("secret", body);
        Assert.Contains("secret path", Assert.Single(server.Log));

        var (_, stream) = await server.Post(Completions, """{"prompt":"a","max_tokens":4,"temperature":0,"stream":true}""");
        Assert.Contains("\"type\":\"server_error\"", stream);
        Assert.DoesNotContain("[DONE]", stream);
    }
}
